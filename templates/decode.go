package templates

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	rowBytes   = 256
	maxRows    = 18 // 17 prefix tables and the code lengths
	maxBooks   = 8
	maxSymbol  = 239
	digitRange = 16 // exponents that a digit can express
	tagWords   = 4  // words of the tag, behind the lengths in the luts
)

// Decode is the parameter of decode.cu.tmpl.
type Decode struct {
	// Header is the first line, without the comment marker.
	Header string
	// Comment is the text that follows it, line by line, without comment markers.
	Comment []string
	Shape
	// Books are the code books, one to eight.
	Books []DecodeBook
}

// Table is the parameter of table.cu.tmpl.
type Table struct {
	// Header is the first line, without the comment marker.
	Header string
	Shape
}

// Validate reports the first parameter that would not give a correct kernel.
func (t *Table) Validate() error {
	if t.Header == "" {
		return errors.New("templates: no header")
	}
	return t.Shape.Validate()
}

// tableData is what table.cu.tmpl sees.
type tableData struct {
	*Table
	Device string
}

// DecodeBook is one code book as the kernel needs it. The source holds its codes, and the compiler makes Luts and
// Table from them again. Checksums of these two make sure that they are the same.
type DecodeBook struct {
	// Codes are the codes in the order of their bits. The first one begins with zeros.
	Codes []DecodeCode
	// EndOfStream are the binary digits of the end-of-stream code, for readers. It is empty if there is none.
	EndOfStream string
	// Base is the exponent of digit 0. It is even.
	Base uint8
	// Pad begins with bits that complete no symbol of the book, whatever follows them.
	Pad uint32
	// Luts is the luts tensor, rows of 256 bytes.
	Luts []byte
	// Table is the multi-symbol table: 1<<TableBits entries in the form of table.cuh.
	Table []uint32
}

// DecodeCode is a code of a book.
type DecodeCode struct {
	// Bits are the bits of the code. The first one in the stream is the highest.
	Bits uint32
	// Length is the number of bits, 1 to 32.
	Length uint8
	// Exponent is the exponent that the code stands for.
	Exponent uint8
	// Comment is the comment beside the code in the source, or empty.
	Comment string
}

// start is the code at the top of 32 bits, the first word that begins with it. end is one more than the last such
// word.
func (c *DecodeCode) start() uint64 { return uint64(c.Bits) << (32 - c.Length) }
func (c *DecodeCode) end() uint64   { return (uint64(c.Bits) + 1) << (32 - c.Length) }

// Validate reports the first parameter that would not give a correct kernel.
func (d *Decode) Validate() error {
	if d.Header == "" {
		return errors.New("templates: no header")
	}
	for _, line := range append([]string{d.Header}, d.Comment...) {
		if err := validateComment(line); err != nil {
			return fmt.Errorf("templates: %w", err)
		}
	}
	if err := d.Shape.Validate(); err != nil {
		return err
	}
	if n := len(d.Books); n < 1 || n > maxBooks {
		return fmt.Errorf("templates: %d code books, want 1 to %d", n, maxBooks)
	}
	for i := range d.Books {
		if err := d.validateBook(&d.Books[i]); err != nil {
			return fmt.Errorf("templates: code book %d: %w", i, err)
		}
	}
	return nil
}

// validateComment refuses text that would end a comment line or continue it on the next line.
func validateComment(line string) error {
	if strings.ContainsAny(line, "\r\n") || strings.HasSuffix(line, `\`) {
		return fmt.Errorf("%q does not fit in a comment line", line)
	}
	return nil
}

func (d *Decode) validateBook(b *DecodeBook) error {
	rows := len(b.Luts) / rowBytes
	if len(b.Luts)%rowBytes != 0 || rows < 2 || rows > maxRows {
		return fmt.Errorf("luts of %d bytes, want 2 to %d rows of %d", len(b.Luts), maxRows, rowBytes)
	}
	if len(b.Table) != 1<<d.TableBits {
		return fmt.Errorf("%d table entries, want %d", len(b.Table), 1<<d.TableBits)
	}
	if b.Base%2 != 0 || int(b.Base)+digitRange-1 > maxSymbol {
		return fmt.Errorf("base %d, want an even one of at most %d", b.Base, maxSymbol-digitRange+1)
	}
	for i, e := range b.Table {
		count, length := e>>5&127, e&31
		if e&0xfff == 0 {
			if escaped := e >> 16 & 31; e != 0 && (escaped == 0 || int(escaped) > d.TableBits || e>>24 > maxSymbol || e&0xe0f000 != 0) {
				return fmt.Errorf("table entry %d is the escape %#08x", i, e)
			}
			continue
		}
		if count == 0 || count%4 != 0 || count > 4*uint32(d.EntryDigits) || length < count/4 || int(length) > d.TableBits {
			return fmt.Errorf("table entry %d is %#08x", i, e)
		}
	}
	if e := b.Table[b.Pad>>(32-d.TableBits)]; e != 0 {
		return fmt.Errorf("the pad %#08x decodes: table entry %#08x", b.Pad, e)
	}
	return b.validateCodes()
}

// validateCodes checks that the codes are in the order that the device code needs, and that their lengths are
// those in the luts.
func (b *DecodeBook) validateCodes() error {
	lengths := slices.Clone(b.Luts[len(b.Luts)-rowBytes:][:maxSymbol+1])
	next := uint64(0)
	for i, c := range b.Codes {
		if c.Length < 1 || c.Length > 32 || uint64(c.Bits)>>c.Length != 0 || c.Exponent > maxSymbol {
			return fmt.Errorf("code %d of exponent %d is %#x in %d bits", i, c.Exponent, c.Bits, c.Length)
		}
		if c.start() < next {
			return fmt.Errorf("code %d, of exponent %d, does not follow the one before it", i, c.Exponent)
		}
		if lengths[c.Exponent] != c.Length {
			return fmt.Errorf("code %d, of exponent %d, has %d bits, those of the luts %d", i, c.Exponent, c.Length, lengths[c.Exponent])
		}
		if err := validateComment(c.Comment); err != nil {
			return err
		}
		next, lengths[c.Exponent] = c.end(), 0
	}
	for s, n := range lengths {
		if n != 0 {
			return fmt.Errorf("exponent %d has a length in the luts and no code", s)
		}
	}
	return validateComment(b.EndOfStream)
}

// decodeData is what decode.cu.tmpl sees.
type decodeData struct {
	Header, Device string
	Comment        []string
	Shape          *Shape
	Probes         []probe
	Books          []bookData
}

type bookData struct {
	Rows, Base         int
	Pad, Sum, Checksum string
	Tag                []string
	Codes              []string // lines
	EndOfStream        string
}

func (d *Decode) data(device string) *decodeData {
	data := &decodeData{Header: d.Header, Device: device, Comment: d.Comment, Shape: &d.Shape, Probes: probes(d.Books)}
	for _, b := range d.Books {
		luts := make([]uint32, len(b.Luts)/4)
		for i := range luts {
			luts[i] = binary.LittleEndian.Uint32(b.Luts[4*i:])
		}
		data.Books = append(data.Books, bookData{
			Rows: len(b.Luts) / rowBytes, Base: int(b.Base), Pad: hex(b.Pad), Sum: hex(probeSum(&b, data.Probes)),
			Checksum: fmt.Sprintf("0x%016x", checksum(luts, b.Table)), Tag: hexes(luts[len(luts)-tagWords:]),
			Codes: b.codeLines(), EndOfStream: b.EndOfStream,
		})
	}
	return data
}

// codeLines returns the codes as lines of the source, with their comments aligned.
func (b *DecodeBook) codeLines() []string {
	lines, width := make([]string, len(b.Codes)), 0
	for i, c := range b.Codes {
		lines[i] = fmt.Sprintf("{0b%0*b, %d, %d},", c.Length, c.Bits, c.Length, c.Exponent)
		width = max(width, len(lines[i]))
	}
	for i, c := range b.Codes {
		if c.Comment != "" {
			lines[i] = fmt.Sprintf("%-*s  // %s", width, lines[i], c.Comment)
		}
	}
	return lines
}

// checksum returns the checksum that build.cuh computes.
func checksum(parts ...[]uint32) uint64 {
	sum := uint64(0xcbf29ce484222325)
	for _, w := range slices.Concat(parts...) {
		sum = (sum ^ uint64(w)) * 0x100000001b3
	}
	return sum
}

func hex(word uint32) string { return fmt.Sprintf("0x%08x", word) }

func hexes(words []uint32) (all []string) {
	for _, w := range words {
		all = append(all, hex(w))
	}
	return all
}
