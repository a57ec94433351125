package encode

import "github.com/seed54244801/bespoke/codebook"

// codes is a code book in the form that the packer wants: the codes of all pairs of exponents. Only the
// few thousand pairs that occur need a place in the cache.
type codes struct {
	book  *codebook.Book
	fill  uint8         // what fills up the last byte, left-aligned
	pairs [1 << 16]pair // by the first exponent in the low byte and the second in the high one
}

// A pair is the codes of two exponents, one after the other: from bit 0 on the 32 bits of both, right-aligned,
// from bit 32 on their length, noPair if that is more than 32 or one has no code, from bit 48 on the
// length of the first and from bit 56 on that of the second, 0 where there is none.
type pair uint64

func newPair(first, second codebook.Code) pair {
	p := pair(first.Length)<<48 | pair(second.Length)<<56
	if length := first.Length + second.Length; length <= 32 && first.Length > 0 && second.Length > 0 {
		return p | pair(length)<<32 | pair(first.Bits<<second.Length|second.Bits)
	}
	return p | noPair<<32
}

func (p pair) bits() uint64    { return uint64(uint32(p)) }
func (p pair) length() uint64  { return uint64(uint8(p >> 32)) }
func (p pair) lengths() uint64 { return uint64(p >> 48) }

// noPair is a length: longer than any group of codes that is appended at once.
const noPair = 255

// newCodes returns the codes of a book, in the memory of old if that is not nil.
func newCodes(b *codebook.Book, old *codes) *codes {
	c := old
	if c == nil {
		c = new(codes)
	}
	c.book, c.fill = b, 0
	if eos := b.EndOfStream(); eos.Length > 0 {
		c.fill = uint8(uint64(eos.Bits) << (40 - eos.Length) >> 32)
	}
	for i := range c.pairs {
		c.pairs[i] = noPair << 32
	}
	symbols := b.Symbols()
	for _, second := range symbols {
		row := c.pairs[int(second)<<8:][:256]
		for _, first := range symbols {
			row[first] = newPair(b.Code(first), b.Code(second))
		}
	}
	return c
}
