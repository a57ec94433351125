package launch

import (
	"encoding/binary"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
)

// Fields of an entry of the multi-symbol table; table.cuh describes them.
const (
	// EntryDigits is the largest number of exponents of an entry.
	EntryDigits = 5
	// Digits is the number of neighbouring exponents that are digits.
	Digits = 16

	digitBits     = 4
	digitsPerWord = 32 / digitBits
	countShift    = 5
	escapedSymbol = 24
	escapedLength = 16
)

// A Book is a code book as CUDA kernels look it up.
type Book struct {
	// Base is the exponent of digit 0, even.
	Base uint8
	// Pad begins with bits that complete no symbol, whatever follows them.
	Pad uint32
	// Table has an entry for every window of its width.
	Table []uint32
}

// NewBook lays out the multi-symbol table of b, 1<<bits entries of at most so many exponents. The counts, if
// there are any, say how often exponents come: a code's lengths tell it less well.
func NewBook(b *codebook.Book, counts *codebook.Histogram, bits, digits int) *Book {
	c := &Book{Base: heaviestRun(b, counts), Table: make([]uint32, 1<<bits)}
	var padded bool
	if c.Pad, padded = unusedWindow(b); !padded {
		return c // every code is an escape: nothing tells where a window ends
	}
	for i, e := range codebook.MultiTable(b, bits, digits) {
		c.Table[i] = c.entry(b, e.Symbols)
	}
	return c
}

// entry packs the symbols of a window up to the first that is no digit, which is by itself in an escape.
func (c *Book) entry(b *codebook.Book, symbols []uint8) (entry uint32) {
	for i, s := range symbols {
		if s < c.Base || s-c.Base >= Digits {
			if i == 0 {
				return uint32(s)<<escapedSymbol | uint32(b.Code(s).Length)<<escapedLength
			}
			break
		}
		d := uint32(s - c.Base)
		entry |= (d&1<<3 | d>>1) << (32 - digitBits*(i+1))
		entry += digitBits<<countShift + uint32(b.Code(s).Length)
	}
	return entry
}

// unusedWindow returns a window that begins with bits that no code does, and whether there is one: that of the end of
// stream and then ones, for books that have it, so that it is the same for all canonical ones.
func unusedWindow(b *codebook.Book) (uint32, bool) {
	if eos := b.EndOfStream(); eos.Length > 0 {
		free := codebook.MaxLength - eos.Length
		return eos.Bits<<free | (1<<free - 1), true
	}
	for window := uint64(0); window < 1<<codebook.MaxLength; {
		_, length := b.Decode(uint32(window))
		if length == 0 {
			return uint32(window), true
		}
		window += 1 << (codebook.MaxLength - length)
	}
	return 0, false
}

// heaviestRun returns the first of the 16 neighbouring exponents that come most often, among those that start at an
// even one. Only exponents with a code count. Without counts a code of n bits stands for a probability of 2^-n. Among
// equals it is the lowest.
func heaviestRun(b *codebook.Book, counts *codebook.Histogram) uint8 {
	weights := b.Implied()
	if counts != nil && counts.Total() > 0 {
		for s := range weights {
			if weights[s] > 0 {
				weights[s] = counts[s]
			}
		}
	}
	return uint8(weights.HeaviestRun(Digits, 2))
}

// TableArgument lays out what table-driven kernels are handed for a code book whose luts tensor is given: rows,
// base and pad of the book and a zero, the table, and the luts; 32-bit words, little-endian, at an address that is
// a multiple of 16.
func TableArgument(luts []byte) ([]byte, error) {
	b, err := codebook.ParseLuts(luts)
	if err != nil {
		return nil, fmt.Errorf("launch: %w", err)
	}
	c := NewBook(b, nil, TableBits, EntryDigits)
	var out []byte
	for _, w := range append([]uint32{uint32(len(luts) / 256), uint32(c.Base), c.Pad, 0}, c.Table...) {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	return append(out, luts...), nil
}
