package lookup

import (
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
)

// EntrySymbols is the number of symbols that fit an entry of a [Table].
const EntrySymbols = 5

// Table builds the lookup table of a decoder for book b: 1<<bits entries of 8 bytes, indexed by the
// next bits of the stream. An entry packs, from the least significant byte:
//
//	byte  0     the total length in bits of the codes in this entry, usable as a shift count as it is
//	bytes 1, 2  minus the number of symbols, as a 16-bit number
//	bytes 7…3   the symbols, the first one in byte 7, each in the form of [Rotate]
//
// An entry is zero when the first code does not fit the index or does not exist. The symbols and
// lengths are those of codebook.MultiTable.
func Table(b *codebook.Book, bits, maxSymbols int) ([]uint64, error) {
	if bits < 1 || bits > 16 {
		return nil, fmt.Errorf("lookup: table of %d bits, want 1 to 16", bits)
	}
	if maxSymbols < 1 || maxSymbols > EntrySymbols {
		return nil, fmt.Errorf("lookup: %d symbols an entry, want 1 to %d", maxSymbols, EntrySymbols)
	}
	first := firstCodes(b, bits)
	entries := make([]uint64, len(first))
	symbols := make([]uint8, 0, EntrySymbols)
	for i := range entries {
		symbols = symbols[:0]
		used := uint64(0)
		for len(symbols) < maxSymbols {
			// The bits after those used, with zeros that no code of the window may reach into.
			c := first[i<<used&(len(first)-1)]
			if c.length == 0 || used+c.length > uint64(bits) {
				break
			}
			symbols = append(symbols, c.symbol)
			used += c.length
		}
		entries[i] = uint64(uint16(-len(symbols)))<<8 | used
		for k, s := range symbols {
			entries[i] |= uint64(s) << (56 - 8*k)
		}
	}
	return entries, nil
}

// A firstCode is the code at the top of a window: its symbol, in the form of [Rotate], and its
// length, 0 for none.
type firstCode struct {
	symbol uint8
	length uint64
}

// firstCodes returns the code at the top of every window of the given number of bits, if the window
// holds it completely.
func firstCodes(b *codebook.Book, bits int) []firstCode {
	first := make([]firstCode, 1<<bits)
	for _, s := range b.Symbols() {
		c := b.Code(s)
		if int(c.Length) > bits {
			continue
		}
		free := bits - int(c.Length)
		run := first[c.Bits<<free : (c.Bits+1)<<free]
		for i := range run {
			run[i] = firstCode{Rotate(s), uint64(c.Length)}
		}
	}
	return first
}

// Long lists the codes of b that are longer than bits, for the slow path. Left-aligned in 32 bits,
// codes of a prefix code are disjoint intervals: the code at the top of a 32-bit window is the one
// of the last entry that does not begin above the window. An entry packs
//
//	bits 63…32  the first window of the interval
//	bits 15…8   the symbol, in the form of [Rotate]
//	bits  7…0   the length of the code, 0 when the interval belongs to no long code
//
// Entries ascend, and the first one begins at window 0, so that a search from the last entry down
// always ends.
func Long(b *codebook.Book, bits int) []uint64 {
	var codes []uint64
	for _, s := range b.Symbols() {
		if c := b.Code(s); int(c.Length) > bits {
			codes = append(codes, uint64(c.Bits)<<(64-c.Length)|uint64(Rotate(s))<<8|uint64(c.Length))
		}
	}
	slices.Sort(codes)
	var list []uint64
	next := uint64(0) // the first window after the interval before
	for _, c := range codes {
		if start := c >> 32; start > next {
			list = append(list, next<<32)
		}
		list = append(list, c)
		next = c>>32 + 1<<(32-c&0xff)
	}
	if next < 1<<32 {
		list = append(list, next<<32)
	}
	return list
}

// Rotate turns an exponent right by one bit: the form in which its low bit stands where the low
// byte of a bfloat16 wants it, and the others where the high byte does.
func Rotate(exponent uint8) uint8 {
	return exponent>>1 | exponent<<7
}
