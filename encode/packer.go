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
	bit    uint64                  // length of the codes so far
	acc    uint64                  // the last 64 bits of them
	stream [maxBytes + 8]byte      // the codes; of the last byte and those after it, all bits
	starts [blockGroups + 1]uint32 // the bit at which each group starts, and the end
	last   [maxBytes/8 + 1]uint16  // see index

	gathered [2 * blockElements]byte // the weights of a block in which tensors meet
}

// pack packs the codes of the weights of a block and splits off their sign_mantissa bytes. Weights
// without a code are passed over: it returns false then.
func (p *packer) pack(c *codes, weights, signMantissa []byte) bool {
	p.bit, p.acc = 0, 0
	ok := true
	group := 0
	for len(weights) > 0 {
		n := p.groups(c, weights, signMantissa, group)
		group += n
		weights, signMantissa = weights[2*groupElements*n:], signMantissa[groupElements*n:]
		if len(weights) > 0 {
			n := min(len(weights), 2*groupElements)
			p.starts[group] = uint32(p.bit)
			ok = p.one(c, weights[:n], signMantissa) && ok
			group++
			weights, signMantissa = weights[n:], signMantissa[n/2:]
		}
	}
	p.starts[group] = uint32(p.bit)
	return ok
}

// groups packs whole groups, up to the first with too many bits, and returns their number.
func (p *packer) groups(c *codes, weights, signMantissa []byte, group int) int {
	n := min(len(weights)/(2*groupElements), len(signMantissa)/groupElements)
	starts := p.starts[group:][:n]
	acc, bit := p.acc, p.bit
	for i := range starts {
		w0 := binary.LittleEndian.Uint64(weights[16*i:])
		w1 := binary.LittleEndian.Uint64(weights[16*i+8:])
		i0, i1 := pairsOf(w0)
		i2, i3 := pairsOf(w1)
		p0, p1, p2, p3 := &c.pairs[i0], &c.pairs[i1], &c.pairs[i2], &c.pairs[i3]
		length1, length3 := uint64(p1.length), uint64(p3.length)
		length01, length23 := uint64(p0.length)+length1, uint64(p2.length)+length3
		total := length01 + length23
		if total > groupBits {
			p.acc, p.bit = acc, bit
			return i
		}
		// Shifts by less than 64, all of them: the masks spare the check for more.
		bits01 := uint64(p0.bits)<<(length1&63) | uint64(p1.bits)
		bits23 := uint64(p2.bits)<<(length3&63) | uint64(p3.bits)
		acc = acc<<(total&63) | bits01<<(length23&63) | bits23
		starts[i] = uint32(bit)
		binary.BigEndian.PutUint64(p.stream[uint16(bit/8):], acc<<(-(bit&7+total)&63))
		bit += total
		binary.LittleEndian.PutUint64(signMantissa[8*i:], signMantissas(w0)|signMantissas(w1)<<32)
	}
	p.acc, p.bit = acc, bit
	return n
}

// one packs at most a group of weights, whatever their codes.
func (p *packer) one(c *codes, weights, signMantissa []byte) bool {
	ok := true
	for i := 0; i < len(weights); i += 2 {
		w := binary.LittleEndian.Uint16(weights[i:])
		signMantissa[i/2] = codebook.SignMantissa(w)
		code := c.book.Code(codebook.Exponent(w))
		if code.Length == 0 {
			ok = false
			continue
		}
		p.append(uint64(code.Bits), uint64(code.Length))
	}
	return ok
}

// append appends 1 to groupBits bits.
func (p *packer) append(bits, length uint64) {
	p.acc = p.acc<<length | bits
	binary.BigEndian.PutUint64(p.stream[p.bit/8:], p.acc<<(64-p.bit%8-length))
	p.bit += length
}

// signMantissas returns the sign_mantissa bytes of four weights in the low half.
func signMantissas(w uint64) uint64 {
	m := w>>8&0x0080008000800080 | w&0x007f007f007f007f
	m = (m | m>>8) & 0x0000ffff0000ffff
	return uint64(uint32(m | m>>16))
}
