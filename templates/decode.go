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
	perLine    = 8  // table entries in a line of the source
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

// Validate reports the first parameter from which no right kernel would come.
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

// DecodeBook is one code book as the kernel needs it.
type DecodeBook struct {
	// Base is the exponent of digit 0, even.
	Base uint8
	// Pad begins with bits that complete no symbol of the book, whatever follows them.
	Pad uint32
	// Luts is the luts tensor, rows of 256 bytes.
	Luts []byte
	// Table is the multi-symbol table, 1<<TableBits entries in the form of table.cuh.
	Table []uint32
}

// Validate reports the first parameter from which no right kernel would come.
func (d *Decode) Validate() error {
	if d.Header == "" {
		return errors.New("templates: no header")
	}
	for _, line := range append([]string{d.Header}, d.Comment...) {
		if strings.ContainsAny(line, "\r\n") || strings.HasSuffix(line, `\`) {
			return fmt.Errorf("templates: %q does not fit in a comment line", line)
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
	return nil
}

// decodeData is what decode.cu.tmpl sees.
type decodeData struct {
	Header, Device string
	Comment        []string
	Shape          *Shape
	Probes         []probe
	MostRows       int
	Books          []bookData
}

type bookData struct {
	Rows, First, Base int
	Pad, Probe        string
	LutsRows          [][]string
	TableRows         [][][]string // in fours
}

func (d *Decode) data(device string) *decodeData {
	data := &decodeData{Header: d.Header, Device: device, Comment: d.Comment, Shape: &d.Shape, Probes: probes(d.Books)}
	first, told := 0, map[uint32]bool{}
	for i, b := range d.Books {
		rows := len(b.Luts) / rowBytes
		words := make([]uint32, len(b.Luts)/4)
		for i := range words {
			words[i] = binary.LittleEndian.Uint32(b.Luts[4*i:])
		}
		data.Books = append(data.Books, bookData{
			Rows: rows, First: first, Base: int(b.Base), Pad: fmt.Sprintf("0x%08x", b.Pad),
			LutsRows: hexRows(words), TableRows: fours(hexRows(b.Table)),
		})
		if sum := probeSum(&b, data.Probes); !told[sum] {
			told[sum] = true
			if i > 0 { // the first is what no sum stands for
				data.Books[i].Probe = fmt.Sprintf("0x%08x", sum)
			}
		}
		first += rows
		data.MostRows = max(data.MostRows, rows)
	}
	return data
}

func hexRows(words []uint32) (rows [][]string) {
	for line := range slices.Chunk(words, perLine) {
		row := make([]string, len(line))
		for i, w := range line {
			row[i] = fmt.Sprintf("0x%08x", w)
		}
		rows = append(rows, row)
	}
	return rows
}

// fours divides the words of each row into groups of four.
func fours(rows [][]string) (grouped [][][]string) {
	for _, row := range rows {
		grouped = append(grouped, slices.Collect(slices.Chunk(row, 4)))
	}
	return grouped
}
