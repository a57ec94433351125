package encode

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/codebook"
)

// A packer appends codes to a stream, a window at a time.
type packer struct {
	encoded, gaps []byte
	positions     []uint32
	window        int    // the window under way
	acc           uint64 // its bits so far, left-aligned
	used          uint64 // and their number, with those of the blocks before
	shared        bool   // the blocks before have written to this window
	edges         []edge
}

// segment appends the codes of weights, of which the first is the given element of the unit, in
// groups of four.
func (p *packer) segment(c *codes, weights []byte, element int) {
	acc, used := p.acc, p.used
	for ; len(weights) >= 8; weights, element = weights[8:], element+4 {
		w := binary.LittleEndian.Uint64(weights)
		c0, c1, c2, c3 := &c.code[w>>7&0xff], &c.code[w>>23&0xff], &c.code[w>>39&0xff], &c.code[w>>55&0xff]
		length01, length23 := c0.length+c1.length, c2.length+c3.length
		total := length01 + length23
		if total > windowBits {
			acc, used = p.codes(c, weights[:8], element, acc, used)
			continue
		}
		// Shifts by less than 64, all of them: the masks spare the check for more.
		bits01, bits23 := c0.bits<<(c1.length&63)|c1.bits, c2.bits<<(c3.length&63)|c3.bits
		bits := bits01<<(length23&63) | bits23
		end := used + total
		if end < windowBits {
			acc |= bits << ((windowBits - end) & 63)
			used = end
			continue
		}
		// The next gap is how far the first of the codes to reach the window's end goes over it. The
		// others stop short of it, which as an unsigned number is far more.
		end0, end1 := used+c0.length-windowBits, used+length01-windowBits
		end2, end3 := used+length01+c2.length-windowBits, end-windowBits
		next := element + 4
		for _, e := range [3]uint64{end0, end1, end2} {
			if e < windowBits {
				next--
			}
		}
		used = end3
		p.flush(acc|bits>>(used&63), uint8(min(end0, end1, end2, end3)), next)
		acc = bits << (windowBits - used) // nothing if nothing is left: Go shifts all bits out
	}
	p.acc, p.used = p.codes(c, weights, element, acc, used)
}

// codes appends codes one after another to a window in the given state, and returns the new state.
func (p *packer) codes(c *codes, weights []byte, element int, acc, used uint64) (newAcc, newUsed uint64) {
	for ; len(weights) >= 2; weights = weights[2:] {
		code := &c.code[codebook.Exponent(binary.LittleEndian.Uint16(weights))]
		element++
		used += code.length
		if used < windowBits {
			acc |= code.bits << (windowBits - used)
			continue
		}
		used -= windowBits
		p.flush(acc|code.bits>>used, uint8(used), element)
		acc = code.bits << (windowBits - used) // nothing if nothing is left: Go shifts all bits out
	}
	return acc, used
}

// flush ends the window under way. The next element is the first whose code starts after it, gap
// bits into the next.
func (p *packer) flush(bits uint64, gap uint8, next int) {
	if at := p.window * windowBytes; p.shared {
		p.edges = append(p.edges, edge{at, bits})
		p.shared = false
	} else {
		binary.BigEndian.PutUint64(p.encoded[at:], bits)
	}
	p.window++
	p.gaps[p.window] = gap
	if p.window%codebook.ChunkWindows == 0 {
		p.positions[p.window/codebook.ChunkWindows] = uint32(next)
	}
}
