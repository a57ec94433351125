package encode

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/codebook"
)

const (
	// groupElements is the number of weights whose codes are appended at once, groupBits the most
	// bits that they may have: with up to 7 bits of a byte that was begun they fit a word.
	groupElements = 8
	groupBits     = 56

	blockGroups = blockElements / groupElements
	maxBytes    = blockElements * codebook.MaxLength / 8
)

// A packer packs one block at a time, from bit 0 of memory of its own on.
type packer struct {
	ahead int // how many weights after a block the next one for this packer starts

	n         int                     // the weights of the block
	exponents [blockGroups]uint64     // theirs by group, the first in the low byte
	bit       uint64                  // length of the codes so far
	acc       uint64                  // the last 64 bits of them
	stream    [1 + maxBytes + 8]byte  // the codes, behind a byte for what comes before them
	starts    [blockGroups + 1]uint32 // the bit at which the codes of each group start, and where the last ends
	last      [maxBytes/8 + 1]uint16  // the last group that starts in each window of the unit's stream
	long      bool                    // some group has more than groupBits bits

	gathered [2 * blockElements]byte // the weights of a block in which tensors meet
}

// pack splits the weights of a block and packs the codes of their exponents. Exponents without a code are
// passed over: it returns false then.
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

// groups returns the number of groups, with the unfinished last.
func (p *packer) groups() int { return (p.n + groupElements - 1) / groupElements }

// lastExponent returns the exponent of the last weight of the block, with which its last group is filled up.
func (p *packer) lastExponent() uint8 { return uint8(p.exponents[p.groups()-1] >> 56) }

// packWholeGo is packWhole in portable Go: it packs whole groups from the given one on, up to the first with
// more than groupBits bits, and returns their number.
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
		// Shifts by less than 64, all of them: the masks spare the check for more.
		bits01 := p0.bits()<<(length1&63) | p1.bits()
		bits23 := p2.bits()<<(length3&63) | p3.bits()
		starts[i] = uint32(bit)
		acc = acc<<(length&63) | bits01<<(length23&63) | bits23
		// The modulo changes nothing: it shows the compiler that the place is in range.
		binary.BigEndian.PutUint64(p.stream[1+bit/8%maxBytes:], acc<<(-(bit%8+length)&63))
		bit += length
	}
	p.acc, p.bit = acc, bit
	return p.n/groupElements - first
}

// packOne packs one group, which may be the unfinished last, whatever its codes.
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
