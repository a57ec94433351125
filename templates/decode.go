package templates

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of the multi-symbol table, which follow from the fields of an entry.
const (
	MinTableBits = 1
	MaxTableBits = 12
	MaxDigits    = 5  // in an entry
	DigitRange   = 16 // exponents that a digit can express
)

const (
	rowBytes  = 256
	maxRows   = 18 // 17 prefix tables and the code lengths
	maxBooks  = 8
	maxSymbol = 239
	maxLength = 32
	perLine   = 8 // table entries in a line of the source
)

// Decode is the parameter of decode.cu.tmpl.
type Decode struct {
	// Header is the first line, without the comment marker.
	Header string
	// Comment is the text that follows it, line by line, without comment markers.
	Comment []string
	// TableBits is the width of the multi-symbol tables.
	TableBits int
	// LongestCode is the length in bits of the longest code in any book.
	LongestCode int
	// Books are the code books, one to eight.
	Books []DecodeBook
}

// DecodeBook is one code book as the kernel needs it.
type DecodeBook struct {
	// Base is the exponent of digit 0.
	Base uint8
	// Luts is the luts tensor, rows of 256 bytes.
	Luts []byte
	// Table is the multi-symbol table, 1<<TableBits entries made by Entry.
	Table []uint32
}

// Entry packs an entry of the multi-symbol table: the digits, one to five, the length of the first code and
// that of all of them. The entry of a window that decodes nothing is 0.
func Entry(digits []uint8, first, all uint8) (uint32, error) {
	if n := len(digits); n < 1 || n > MaxDigits {
		return 0, fmt.Errorf("templates: %d digits in an entry, want 1 to %d", n, MaxDigits)
	}
	if first < 1 || first > all || all > MaxTableBits {
		return 0, fmt.Errorf("templates: codes of %d and together %d bits in an entry, want 1 to %d", first, all, MaxTableBits)
	}
	entry := uint32(first)<<8 | uint32(all)<<4 | uint32(len(digits))
	for i, d := range digits {
		if d >= DigitRange {
			return 0, fmt.Errorf("templates: digit %d in an entry, want at most %d", d, DigitRange-1)
		}
		entry |= uint32(d) << (28 - 4*i)
	}
	return entry, nil
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
	if d.TableBits < MinTableBits || d.TableBits > MaxTableBits {
		return fmt.Errorf("templates: table of %d bits, want %d to %d", d.TableBits, MinTableBits, MaxTableBits)
	}
	if d.LongestCode < 1 || d.LongestCode > maxLength {
		return fmt.Errorf("templates: longest code of %d bits, want 1 to %d", d.LongestCode, maxLength)
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
	if int(b.Base)+DigitRange-1 > maxSymbol {
		return fmt.Errorf("base %d, want at most %d", b.Base, maxSymbol-DigitRange+1)
	}
	if longest := slices.Max(b.Luts[(rows-1)*rowBytes:][:maxSymbol+1]); int(longest) > d.LongestCode {
		return fmt.Errorf("a code of %d bits, the longest is said to have %d", longest, d.LongestCode)
	}
	for i, e := range b.Table {
		all := e >> 4 & 15
		if first := e >> 8 & 15; e != 0 && (e&7 == 0 || e&7 > MaxDigits || first == 0 || first > all || int(all) > d.TableBits) {
			return fmt.Errorf("table entry %d is %#08x", i, e)
		}
	}
	return nil
}

// decodeData is what decode.cu.tmpl sees.
type decodeData struct {
	Header, Device         string
	Comment                []string
	TableBits, LongestCode int
	Books                  []bookData
}

type bookData struct {
	Rows, First, Base   int
	LutsRows, TableRows [][]string
}

func (d *Decode) data(device string) *decodeData {
	data := &decodeData{Header: d.Header, Device: device, Comment: d.Comment, TableBits: d.TableBits, LongestCode: d.LongestCode}
	first := 0
	for _, b := range d.Books {
		rows := len(b.Luts) / rowBytes
		words := make([]uint32, len(b.Luts)/4)
		for i := range words {
			words[i] = binary.LittleEndian.Uint32(b.Luts[4*i:])
		}
		data.Books = append(data.Books, bookData{
			Rows: rows, First: first, Base: int(b.Base), LutsRows: hexRows(words), TableRows: hexRows(b.Table),
		})
		first += rows
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
