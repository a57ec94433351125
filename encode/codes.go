package encode

import "github.com/seed54244801/bespoke/codebook"

// codes is a code book in the form that the packer wants: the codes of all pairs of exponents. Only the
// few thousand pairs that occur need a place in the cache.
type codes struct {
	book  *codebook.Book
	fill  uint8         // what fills up the last byte, left-aligned
	pairs [1 << 16]pair // by the first exponent in the low byte and the second in the high one
}

// A pair is the codes of two exponents one after the other. The assembly knows its layout.
type pair struct {
	bits    uint32 // both codes, right-aligned
	length  uint8  // of both together, noPair if that is more than bits holds or one has no code
	_       uint8
	lengths uint16 // of each, 0 where there is none, the first in the low byte
}

// noPair is longer than any group of codes that is appended at once.
const noPair = 255

// set makes c the codes of a book.
func (c *codes) set(b *codebook.Book) {
	if c.book == b {
		return
	}
	c.book, c.fill = b, 0
	if eos := b.EndOfStream(); eos.Length > 0 {
		c.fill = uint8(uint64(eos.Bits) << (40 - eos.Length) >> 32)
	}
	for i := range c.pairs {
		c.pairs[i] = pair{length: noPair}
	}
	symbols := b.Symbols()
	for _, second := range symbols {
		row := c.pairs[int(second)<<8:][:256]
		for _, first := range symbols {
			row[first] = newPair(b.Code(first), b.Code(second))
		}
	}
}

func newPair(first, second codebook.Code) pair {
	p := pair{length: noPair, lengths: uint16(first.Length) | uint16(second.Length)<<8}
	if length := first.Length + second.Length; length <= 32 {
		p.bits, p.length = first.Bits<<second.Length|second.Bits, length
	}
	return p
}

// pairsOf returns the indices of the pairs in four weights.
func pairsOf(weights uint64) (uint16, uint16) {
	e := weights >> 7 & 0x00ff00ff00ff00ff
	e |= e >> 8
	return uint16(e), uint16(e >> 32)
}
