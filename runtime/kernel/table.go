package kernel

import (
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
)

// EntrySymbols is the number of symbols that fit an entry of a [Table].
const EntrySymbols = 5

// Table builds the lookup table of a decoder for book b: 1<<bits entries of 8 bytes, indexed by the next bits of the
// stream. An entry packs, from the least significant byte:
//
//	byte  0     the total length in bits of the codes in this entry, usable as a shift count as it is
//	bytes 1, 2  minus the number of symbols, as a 16-bit number
//	bytes 7…3   the symbols, the first one in byte 7, each in the form of [Rotate]
//
// An entry is zero when the first code does not fit the index or does not exist.
func Table(b *codebook.Book, bits, maxSymbols int) ([]uint64, error) {
	if bits < 1 || bits > 16 {
		return nil, fmt.Errorf("kernel: table of %d bits, want 1 to 16", bits)
	}
	if maxSymbols < 1 || maxSymbols > EntrySymbols {
		return nil, fmt.Errorf("kernel: %d symbols an entry, want 1 to %d", maxSymbols, EntrySymbols)
	}
	entries := codebook.MultiTable(b, bits, maxSymbols)
	table := make([]uint64, len(entries))
	for i, e := range entries {
		if len(e.Symbols) == 0 {
			continue
		}
		table[i] = uint64(e.Bits) | uint64(uint16(-len(e.Symbols)))<<8
		for j, s := range e.Symbols {
			table[i] |= uint64(Rotate(s)) << (56 - 8*j)
		}
	}
	return table, nil
}

// Long lists the codes of b that are longer than bits, for the slow path. Left-aligned in 32 bits, codes of a
// prefix code are disjoint intervals: the code at the top of a 32-bit window is the one of the last entry that does not
// begin above the window. An entry packs
//
//	bits 63…32  the first window of the interval
//	bits 15…8   the symbol, in the form of [Rotate]
//	bits  7…0   the length of the code, 0 when the interval belongs to no long code
//
// Entries ascend, and the first one begins at window 0, so that a search from the last entry down always ends.
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

// Rotate turns an exponent right by one bit: the form in which its low bit stands where the low byte of a bfloat16
// wants it, and the others where the high byte does.
func Rotate(exponent uint8) uint8 {
	return exponent>>1 | exponent<<7
}
