package lookup

import (
	"slices"

	"github.com/seed54244801/bespoke/codebook"
)

const (
	// TableBits is the number of bits that index a [Table].
	TableBits = codebook.TableBits

	// EntrySymbols is the largest number of symbols in an entry of a [Table].
	EntrySymbols = 5
)

// A Table is the lookup table of a code book. Its index is the next TableBits bits of the stream. An entry packs,
// from the least significant byte:
//
//	byte  0     the total length in bits of the codes in this entry: it is a shift count as it stands
//	bytes 1, 2  minus the number of symbols, as a 16-bit number
//	bytes 7…3   the symbols in the form of [Rotate], the first one in byte 7
//
// An entry is zero if the first code is longer than the index, or if no code begins like the index. The symbols and
// lengths are those of codebook.MultiTable.
type Table [1 << TableBits]uint64

// NewTable returns the table of book b. It takes 16 KiB, which leaves half of a small first-level cache to the
// streams.
func NewTable(b *codebook.Book) *Table {
	first := firstCodes(b)
	entries := new(Table)
	symbols := make([]uint8, 0, EntrySymbols)
	for i := range entries {
		symbols = symbols[:0]
		used := uint64(0)
		for len(symbols) < EntrySymbols {
			// The bits behind the used ones. Zeros follow them, which no code of the entry may reach into.
			c := first[i<<used&(len(first)-1)]
			if c.length == 0 || used+c.length > TableBits {
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
	return entries
}

// A firstCode is the code at the top of an index: its symbol in the form of [Rotate], and its length. A length of 0
// stands for no code.
type firstCode struct {
	symbol uint8
	length uint64
}

// firstCodes returns the code at the top of every index of a table, if the index holds the whole code.
func firstCodes(b *codebook.Book) *[1 << TableBits]firstCode {
	first := new([1 << TableBits]firstCode)
	for _, s := range b.Symbols() {
		c := b.Code(s)
		if c.Length > TableBits {
			continue
		}
		free := TableBits - int(c.Length)
		run := first[c.Bits<<free : (c.Bits+1)<<free]
		for i := range run {
			run[i] = firstCode{Rotate(s), uint64(c.Length)}
		}
	}
	return first
}

// Long lists the codes of b that are longer than TableBits, for the slow path of decoders. A code that is
// left-aligned in 32 bits is the start of an interval of 32-bit numbers: the numbers that begin with the code. No
// two intervals overlap. To find the code at the top of a number, search for the last entry that does not begin
// above the number. An entry packs
//
//	bits 63…32  the first number of the interval
//	bits 15…8   the symbol, in the form of [Rotate]
//	bits  7…0   the length of the code, or 0 if the interval belongs to no long code
//
// Entries ascend, and the first one begins at 0. So a search from the last entry down always ends.
func Long(b *codebook.Book) []uint64 {
	var codes []uint64
	for _, s := range b.Symbols() {
		if c := b.Code(s); c.Length > TableBits {
			codes = append(codes, uint64(c.Bits)<<(64-c.Length)|uint64(Rotate(s))<<8|uint64(c.Length))
		}
	}
	slices.Sort(codes)
	var list []uint64
	next := uint64(0) // the first number behind the previous interval
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

// Rotate turns an exponent right by one bit. The lowest bit of the exponent is then where the low byte of a
// bfloat16 has it. The other bits are where the high byte has them.
func Rotate(exponent uint8) uint8 {
	return exponent>>1 | exponent<<7
}
