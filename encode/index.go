package encode

import (
	"encoding/binary"
	"math/bits"

	"github.com/seed54244801/bespoke/codebook"
)

// index writes the gaps and positions of the windows and chunks that the codes of a block run into,
// whose end they reach: how far into the window the next code starts, and which weight it is of.
func (p *packer) index(c *codes, first int, gaps []byte, positions []uint32, at place) {
	window := int(at.bit / windowBits) // the first code starts in it
	offset := uint32(at.bit % windowBits)
	ends := int((at.bit+p.bit)/windowBits) - window
	last := p.last[:ends+1] // the last group that starts in each window, 0 for none
	clear(last)
	groups := (p.n + groupElements - 1) / groupElements
	for g, start := range p.starts[:groups] {
		last[(start+offset)/windowBits] = uint16(g)
	}
	gaps = gaps[window+1:][:ends]
	group := 0
	for i := range gaps {
		group = max(group, int(last[i])) // its codes reach the end of the window
		start, end := p.starts[group], p.starts[group+1]
		left := uint32(i+1)*windowBits - offset - start // from its start to the end of the window
		next, gap := reach(c, (*[8]byte)(p.exponents[groupElements*group:]), end-start, left)
		gaps[i] = gap
		if w := window + 1 + i; w%codebook.ChunkWindows == 0 {
			positions[w/codebook.ChunkWindows] = uint32(first + groupElements*group + next)
		}
	}
}

// reach returns how many codes of a group it takes to go left bits or more, and how many more. The codes
// of the group, which may be the unfinished last, have the given length in bits, at least left.
func reach(c *codes, exponents *[groupElements]byte, length, left uint32) (n int, more uint8) {
	if length > 127 {
		return reachSlowly(c, exponents, left)
	}
	e := binary.LittleEndian.Uint64(exponents[:])
	lengths := c.pairs[uint16(e)].lengths() | c.pairs[uint16(e>>16)].lengths()<<16 |
		c.pairs[uint16(e>>32)].lengths()<<32 | c.pairs[e>>48].lengths()<<48
	// Byte k becomes the sum of the lengths up to k, less left, plus 128: its top bit is set if they reach.
	// What lies behind an unfinished group touches higher bytes alone.
	const each = 0x0101010101010101
	over := lengths*each + uint64(128-left)*each
	top := bits.TrailingZeros64(over & (128 * each))
	return top/8 + 1, uint8(over>>(top&^7)) & 127
}

// reachSlowly is reach for codes of any length.
func reachSlowly(c *codes, exponents *[groupElements]byte, left uint32) (n int, more uint8) {
	length := uint32(0)
	for ; length < left; n++ {
		length += uint32(c.book.Code(exponents[n]).Length)
	}
	return n, uint8(length - left)
}

// outputPositions makes the tensor of that name of a stream of n elements in so many chunks, of which codes
// start in the first ones.
func (e *Encoder) index(b *codebook.Book, u *unit) {
	s := &e.stream
	bytes := int(s.bits+7) / 8
	chunks := (bytes + codebook.ChunkBytes - 1) / codebook.ChunkBytes
	started := chunks
	if s.bits > 0 {
		s.gaps[0], s.positions[0] = 0, 0
	}
	if s.bits > 0 && s.bits%8 == 0 {
		// No end-of-stream code follows. If the last code reaches into a window, none starts there.
		last := uint64(b.Code(codebook.Exponent(u.last())).Length)
		if w := s.bits / windowBits; s.bits-last < w*windowBits {
			s.gaps[w] = 0
			if w%codebook.ChunkWindows == 0 && s.bits%windowBits != 0 {
				started--
			}
		}
	}
	e.outputPositions = e.outputPositions[:0]
	for _, p := range s.positions[:started] {
		e.outputPositions = binary.LittleEndian.AppendUint32(e.outputPositions, p)
	}
	// The published encoder has no entry for a last chunk in which no code starts.
	for range chunks - started {
		if !b.IsPublished() {
			e.outputPositions = binary.LittleEndian.AppendUint32(e.outputPositions, uint32(u.n))
		}
	}
	e.outputPositions = binary.LittleEndian.AppendUint32(e.outputPositions, uint32(u.n))
	e.packGaps(bytes, chunks)
}

// packGaps packs the gaps of whole chunks, 5 bits each: 8 of them to 5 bytes.
func (e *Encoder) packGaps(bytes, chunks int) {
	const group, groupBytes = 8, codebook.GapBits
	windows := (bytes + windowBytes - 1) / windowBytes
	all := chunks * codebook.ChunkWindows
	gaps := append(e.stream.gaps[:windows], make([]byte, all-windows)...)
	e.packedGaps = grow(e.packedGaps, all/group*groupBytes)
	out := e.packedGaps
	for ; len(gaps) >= group; gaps, out = gaps[group:], out[groupBytes:] {
		var bits uint64
		for _, g := range gaps[:group] {
			bits = bits<<codebook.GapBits | uint64(g)
		}
		out[0] = byte(bits >> 32)
		binary.BigEndian.PutUint32(out[1:], uint32(bits))
	}
}
