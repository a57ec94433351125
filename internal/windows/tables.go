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
	// ShortBits is the number of bits by which codes are looked up first: codes of more bits are long ones.
	ShortBits = 6
	// NarrowBits and WideBits are the numbers of bits behind the prefix of long codes by which these are looked up.
	NarrowBits = ShortBits
	WideBits   = NarrowBits + 1

	// NoSymbol stands where there is no symbol: no book has it, in the form of [lookup.Rotate].
	NoSymbol = 0xff

	// Astray is a length that leads from no bit of a window to the gap of the next one.
	Astray = 0x80
)

// Tables are the tables of a [Decoder] for one book. Where a table has no code for an index its length is 0
// and its symbol [NoSymbol]. Where no code begins with the index of a short one, not even a long one, the length is
// [Astray]: nothing may be looked up behind it.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Tables struct {
	// Lengths and Symbols, in the form of [lookup.Rotate], are those of the code at the top of ShortBits bits.
	Lengths, Symbols [1 << ShortBits]byte
	// Narrow and Wide are those of the long code whose bits behind the prefix are at the top of so many bits. A decoder
	// uses one of them.
	Narrow LongTable[[1 << NarrowBits]byte]
	Wide   LongTable[[1 << WideBits]byte]
	// None, repeated, is an index of length 0: what long codes begin with or, where there are none, no code.
	None [LaneWindows]uint16
	// Prefix is the number of bits that all long codes begin with, at most ShortBits.
	Prefix int
}

// A LongTable is a table of long codes.
type LongTable[T any] struct {
	Lengths, Symbols T
	// Shifts, repeated, is by how much the 16 bits from a long code on are shifted right for an index, above which are
	// bits of the prefix.
	Shifts [LaneWindows]uint16
}

// NewTables returns the tables of a book. It fails for books that cannot be decoded by windows: with a code of one
// bit, or with short codes alone that leave no index.
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
	var long [1 << ShortBits]bool // what long codes begin with
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

// enter puts a code into a table that is indexed by the last of its first most bits, unless it has more.
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

// longPrefix returns the number of bits that all codes of more than ShortBits bits begin with, ShortBits at most.
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

// Covers returns the most bits that a code may have to be in the tables of a decoder with wide ones, or without.
func (t *Tables) Covers(wide bool) int {
	if wide {
		return t.Prefix + WideBits
	}
	return t.Prefix + NarrowBits
}
