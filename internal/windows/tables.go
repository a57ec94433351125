package windows

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
)

const (
	// ShortBits is the number of bits that index the first table. Codes with more bits are long codes.
	ShortBits = 6
	// NarrowBits and WideBits are the numbers of bits that index the tables of long codes. The bits are those
	// behind the prefix.
	NarrowBits = ShortBits
	WideBits   = NarrowBits + 1

	// NoSymbol stands for no symbol, in the form of [lookup.Rotate]. No book has it as a symbol.
	NoSymbol = 0xff

	// Astray is a length so large that it never leads to the gap of the next window.
	Astray = 0x80
)

// Tables are the tables of a [Decoder] for one book. If a table has no code for an index, the length there is 0 and
// the symbol is [NoSymbol]. But if no code at all begins with an index of the first table, the length there is
// [Astray], so that nothing behind it is decoded.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Tables struct {
	// Lengths and Symbols are the first table. An index has the code at its top. Symbols are in the form of
	// [lookup.Rotate].
	Lengths, Symbols [1 << ShortBits]byte
	// Narrow and Wide are tables of long codes, indexed by NarrowBits and by WideBits. A decoder uses one of them.
	Narrow LongTable[[1 << NarrowBits]byte]
	Wide   LongTable[[1 << WideBits]byte]
	// None is an index whose length is 0, the same in each lane. It is the start of long codes. If the book has no
	// long codes, no code begins with it.
	None [LaneWindows]uint16
	// Prefix is the number of bits that all long codes begin with, at most ShortBits.
	Prefix int
}

// A LongTable is a table of long codes.
type LongTable[T any] struct {
	Lengths, Symbols T
	// Shifts is the same number in each lane. A shift to the right by it turns the 16 bits from a long code on into
	// an index, below bits of the prefix.
	Shifts [LaneWindows]uint16
}

// NewTables returns the tables of a book. It returns an error if the book cannot be decoded by windows. That is so
// for an empty book, for a book with a code of one bit, and for a book without long codes whose codes leave no
// index free.
func NewTables(b *codebook.Book) (*Tables, error) {
	if len(b.Symbols()) == 0 {
		return nil, errors.New("windows: the book is empty")
	}
	if b.MinLength() < 16/PhaseSteps {
		return nil, fmt.Errorf("windows: a code of %d bit, want %d at least", b.MinLength(), 16/PhaseSteps)
	}
	t := &Tables{Prefix: longPrefix(b)}
	for _, row := range [][]byte{t.Symbols[:], t.Narrow.Symbols[:], t.Wide.Symbols[:]} {
		for i := range row {
			row[i] = NoSymbol
		}
	}
	var long [1 << ShortBits]bool // the indices that long codes begin with
	for _, s := range b.Symbols() {
		c := b.Code(s)
		if c.Length > ShortBits {
			long[c.Bits>>(c.Length-ShortBits)] = true
			enter(t.Narrow.Lengths[:], t.Narrow.Symbols[:], s, c, t.Prefix+NarrowBits)
			enter(t.Wide.Lengths[:], t.Wide.Symbols[:], s, c, t.Prefix+WideBits)
		} else {
			enter(t.Lengths[:], t.Symbols[:], s, c, ShortBits)
		}
	}
	none := slices.Index(long[:], true)
	if none < 0 {
		none = bytes.IndexByte(t.Lengths[:], 0)
	}
	if none < 0 {
		return nil, fmt.Errorf("windows: codes of at most %d bits leave no index", b.MaxLength())
	}
	for i := range t.Lengths {
		if t.Lengths[i] == 0 && !long[i] && i != none {
			t.Lengths[i] = Astray
		}
	}
	for i := range LaneWindows {
		t.None[i] = uint16(none)
		t.Narrow.Shifts[i] = uint16(16 - t.Prefix - NarrowBits)
		t.Wide.Shifts[i] = uint16(16 - t.Prefix - WideBits)
	}
	return t, nil
}

// enter puts a code into a table, unless it has more than most bits. The index of the table is the last bits of
// most bits that begin with the code.
func enter(lengths, symbols []byte, s uint8, c codebook.Code, most int) {
	free := most - int(c.Length)
	if free < 0 {
		return
	}
	for low := range 1 << free {
		i := (int(c.Bits)<<free | low) & (len(lengths) - 1)
		lengths[i], symbols[i] = c.Length, lookup.Rotate(s)
	}
}

// longPrefix returns the number of bits that all long codes begin with, at most ShortBits.
func longPrefix(b *codebook.Book) int {
	prefix, first := ShortBits, uint32(0)
	for _, s := range b.Symbols() {
		c := b.Code(s)
		if c.Length <= ShortBits {
			continue
		}
		start := c.Bits << (32 - c.Length)
		if first == 0 {
			first = start | 1
		}
		prefix = min(prefix, bits.LeadingZeros32(start^first))
	}
	return prefix
}

// Covers returns the length of the longest codes that the tables of a decoder can hold, with the table Wide or with
// Narrow.
func (t *Tables) Covers(wide bool) int {
	if wide {
		return t.Prefix + WideBits
	}
	return t.Prefix + NarrowBits
}
