package encode

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/codebook"
)

const (
	// groupElements is the number of weights whose codes are appended at once. groupBits is the most bits that
	// these codes may have: with up to 7 bits of an unfinished byte they fit into a word.
	groupElements = 8
	groupBits     = 56

	blockGroups = blockElements / groupElements
	maxBytes    = blockElements * codebook.MaxLength / 8
)

// A packer packs one block at a time into memory of its own, from bit 0 on.
type packer struct {
	ahead int // the distance, in weights, to the next block that this packer is likely to get

	n         int                     // the weights of the block
	exponents [blockGroups]uint64     // the exponents by group, the first in the low byte
	bit       uint64                  // length of the codes so far
	acc       uint64                  // the last 64 bits of them
	stream    [1 + maxBytes + 8]byte  // a byte for the bits before the codes, and then the codes
	starts    [blockGroups + 1]uint32 // the bit at which the codes of each group start, and the end of the last
	last      [maxBytes/8 + 1]uint16  // the last group that starts in each window of the unit's stream
	long      bool                    // some group has more than groupBits bits

	gathered [2 * blockElements]byte // the weights of a block with parts of several tensors
}

// pack splits the weights of a block and packs the codes of their exponents. It skips exponents without a code,
// and returns false if there are any.
func (p *packer) pack(c *codes, weights, signMantissa []byte) bool {
	p.n = len(weights) / 2
	split(weights, p.exponents[:p.groups()], signMantissa[:p.n])
	p.bit, p.acc, p.long = 0, 0, false
	ok := true
	for group := 0; groupElements*group < p.n; group++ {
		first := groupElements * group
		if group += p.packWhole(c, group, weights[2*first:], signMantissa[first:]); groupElements*group < p.n {
			ok = p.packOne(c, group) && ok
		}
	}
	p.starts[p.groups()] = uint32(p.bit)
	return ok
}

// groups returns the number of groups, including an unfinished last one.
func (p *packer) groups() int { return (p.n + groupElements - 1) / groupElements }

// lastExponent returns the exponent of the last weight of the block. The last group is filled up with it.
func (p *packer) lastExponent() uint8 { return uint8(p.exponents[p.groups()-1] >> 56) }

// packWholeGo is packWhole in portable Go. It packs whole groups from the given one on, stops at the first with
// more than groupBits bits, and returns the number of groups packed.
func (p *packer) packWholeGo(c *codes, first int) int {
	starts := p.starts[first:]
	acc, bit := p.acc, p.bit
	for i, e := range p.exponents[first : p.n/groupElements] {
		p0, p1, p2, p3 := c.pairs[uint16(e)], c.pairs[uint16(e>>16)], c.pairs[uint16(e>>32)], c.pairs[e>>48]
		length1, length3 := p1.length(), p3.length()
		length23 := p2.length() + length3
		length := p0.length() + length1 + length23
		if length > groupBits {
			p.acc, p.bit = acc, bit
			return i
		}
		// All shifts are by less than 64. The masks tell the compiler so.
		bits01 := p0.bits()<<(length1&63) | p1.bits()
		bits23 := p2.bits()<<(length3&63) | p3.bits()
		starts[i] = uint32(bit)
		acc = acc<<(length&63) | bits01<<(length23&63) | bits23
		// The modulo changes nothing. It shows the compiler that the index is in range.
		binary.BigEndian.PutUint64(p.stream[1+bit/8%maxBytes:], acc<<(-(bit%8+length)&63))
		bit += length
	}
	p.acc, p.bit = acc, bit
	return p.n/groupElements - first
}

// packOne packs one group with codes of any length. The group may be the unfinished last one.
func (p *packer) packOne(c *codes, group int) bool {
	p.starts[group] = uint32(p.bit)
	ok := true
	for i := range min(groupElements, p.n-groupElements*group) {
		code := c.book.Code(uint8(p.exponents[group] >> (8 * i)))
		if code.Length == 0 {
			ok = false
			continue
		}
		p.append(uint64(code.Bits), uint64(code.Length))
	}
	p.long = p.long || p.bit-uint64(p.starts[group]) > groupBits
	return ok
}

// append appends 1 to groupBits bits.
func (p *packer) append(bits, length uint64) {
	p.acc = p.acc<<length | bits
	binary.BigEndian.PutUint64(p.stream[1+p.bit/8:], p.acc<<(64-p.bit%8-length))
	p.bit += length
}

// split writes the exponents of weights to groups and their sign_mantissa bytes to signMantissa. A word holds a
// group, with the first exponent in the low byte. The last exponent fills up the last group.
func split(weights []byte, groups []uint64, signMantissa []byte) {
	n := splitWhole(weights, groups, signMantissa)
	weights, groups, signMantissa = weights[2*groupElements*n:], groups[n:], signMantissa[groupElements*n:]
	for i := range groups {
		if len(weights) < 2*groupElements || len(signMantissa) < groupElements {
			groups[i] = splitLast(weights, signMantissa)
			return
		}
		w0, w1 := binary.LittleEndian.Uint64(weights), binary.LittleEndian.Uint64(weights[8:])
		groups[i] = lowBytes(w0>>7) | lowBytes(w1>>7)<<32
		binary.LittleEndian.PutUint64(signMantissa, signMantissas(w0)|signMantissas(w1)<<32)
		weights, signMantissa = weights[2*groupElements:], signMantissa[groupElements:]
	}
}

// splitLast splits 1 to 7 weights and returns the word of their exponents.
func splitLast(weights, signMantissa []byte) uint64 {
	group, last := uint64(0), uint8(0)
	for i := range groupElements {
		if 2*i < len(weights) {
			w := binary.LittleEndian.Uint16(weights[2*i:])
			last, signMantissa[i] = codebook.Exponent(w), codebook.SignMantissa(w)
		}
		group |= uint64(last) << (8 * i)
	}
	return group
}

// signMantissas returns the sign_mantissa bytes of four weights.
func signMantissas(w uint64) uint64 {
	return lowBytes(w>>8&0x0080008000800080 | w&0x007f007f007f007f)
}

// lowBytes returns the low bytes of four words.
func lowBytes(w uint64) uint64 {
	w &= 0x00ff00ff00ff00ff
	w = (w | w>>8) & 0x0000ffff0000ffff
	return uint64(uint32(w | w>>16))
}

// codes is a code book in the form that the packer needs: the codes of all pairs of exponents. Only the few
// thousand pairs that occur take room in the cache.
type codes struct {
	book  *codebook.Book
	fill  uint8         // the bits that fill up the last byte, left-aligned
	pairs [1 << 16]pair // the index has the first exponent in the low byte and the second in the high byte
}

// A pair is the codes of two exponents, one after the other. Bits 0 to 31 hold the bits of both, right-aligned.
// The byte at bit 32 holds the length of both, or noPair if that is more than 32 or an exponent has no code. The
// byte at bit 48 holds the length of the first code, and the byte at bit 56 that of the second; 0 stands for no
// code.
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

// noPair is a length that is longer than any group of codes that is appended at once.
const noPair = 255

// newCodes returns the codes of a book. It uses the memory of old if that is not nil.
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
