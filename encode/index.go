package encode

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sort"

	"github.com/seed54244801/bespoke/codebook"
)

// index writes gaps and output positions. It does so for every window and chunk whose first bit lies in the codes
// of the block or directly after them. The gap says how far into the window the next code starts. The output
// position is the number of that code's weight.
func (p *packer) index(c *codes, first int, gaps []byte, positions []uint32, at place) {
	window, end := int(at.bit/windowBits)+1, int((at.bit+p.bit)/windowBits)+1
	offset := at.bit % windowBits
	p.gaps(c, offset, gaps[window:end])
	const mask = codebook.ChunkWindows - 1
	for w := (window + mask) &^ mask; w < end; w += codebook.ChunkWindows {
		left := uint32(w-window+1)*windowBits - uint32(offset)
		group := sort.Search(p.groups(), func(g int) bool { return p.starts[g] >= left }) - 1
		next, _ := p.reach(c, group, left)
		positions[w/codebook.ChunkWindows] = uint32(first + groupElements*group + next)
	}
}

// gapsGo is the method gaps in portable Go. It takes codes of any length.
func (p *packer) gapsGo(c *codes, offset uint64, gaps []byte) {
	last := p.last[:len(gaps)+1]
	clear(last)
	for g, start := range p.starts[:p.groups()] {
		last[(uint64(start)+offset)/windowBits] = uint16(g)
	}
	group, end := 0, uint32(windowBits-offset)
	for i := range gaps {
		group = max(group, int(last[i])) // where codes are long, no group may start in a window
		_, gaps[i] = p.reach(c, group, end)
		end += windowBits
	}
}

// reach returns how many codes of a group are needed to reach the given bit, and how far the last of them goes
// beyond it. The group must reach the bit.
func (p *packer) reach(c *codes, group int, bit uint32) (n int, gap uint8) {
	start, end := p.starts[group], p.starts[group+1]
	e := p.exponents[group]
	if end-start > 127 {
		for ; start < bit; n++ {
			start += uint32(c.book.Code(uint8(e >> (8 * n))).Length)
		}
		return n, uint8(start - bit)
	}
	lengths := c.pairs[uint16(e)].lengths() | c.pairs[uint16(e>>16)].lengths()<<16 |
		c.pairs[uint16(e>>32)].lengths()<<32 | c.pairs[e>>48].lengths()<<48
	// Byte k of the sums is the length of the codes up to k, minus the distance from start to bit, plus 128. Its
	// top bit is set if these codes reach the bit. Then the other bits are the gap.
	const each = 0x0101010101010101
	sums := lengths*each + uint64(128+start-bit)*each
	top := bits.TrailingZeros64(sums & (128 * each))
	return top/8 + 1, uint8(sums>>(top&^7)) & 127
}

// index makes the tensors output_positions and gaps of a unit of n weights from the gaps and positions that the
// blocks have written.
func (e *Encoder) index(b *codebook.Book, n int) {
	s := &e.stream
	bytes := int(s.bits+7) / 8
	chunks := (bytes + codebook.ChunkBytes - 1) / codebook.ChunkBytes
	started := chunks
	if s.bits > 0 {
		s.gaps[0], s.positions[0] = 0, 0
	}
	if s.bits > 0 && s.bits%8 == 0 {
		// No end-of-stream code follows. If the last code reaches into a window, no code starts there.
		last := uint64(b.Code(s.last).Length)
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
			e.outputPositions = binary.LittleEndian.AppendUint32(e.outputPositions, uint32(n))
		}
	}
	e.outputPositions = binary.LittleEndian.AppendUint32(e.outputPositions, uint32(n))
	e.packGaps(bytes, chunks)
}

// packGaps packs the gaps of whole chunks, 5 bits each, so that 8 gaps take 5 bytes.
func (e *Encoder) packGaps(bytes, chunks int) {
	const group, groupBytes = 8, codebook.GapBits
	windows := (bytes + windowBytes - 1) / windowBytes
	all := chunks * codebook.ChunkWindows
	gaps := append(e.stream.gaps[:windows], make([]byte, all-windows)...)
	e.packedGaps = grow(e.packedGaps, all/group*groupBytes)
	out := e.packedGaps
	for ; len(gaps) >= group; gaps, out = gaps[group:], out[groupBytes:] {
		g := binary.BigEndian.Uint64(gaps)
		g = g>>3&0x03e003e003e003e0 | g&0x001f001f001f001f // to 10 bits in each 16
		g = g>>6&0x000ffc00000ffc00 | g&0x000003ff000003ff // to 20 bits in each 32
		g = g>>32<<20 | g&0xfffff                          // to 40
		out[0] = byte(g >> 32)
		binary.BigEndian.PutUint32(out[1:], uint32(g))
	}
}

const laneGroups = codebook.LaneElements / groupElements

// tiles writes the records of the tiles of a block that starts at a bit of the stream. The packer knows where each
// group of codes starts, and all tiles of a block except the last of the unit are whole.
func (p *packer) tiles(bit uint64, records []byte) {
	for first := 0; first < p.n; first += codebook.TileElements {
		full := min(p.n-first, codebook.TileElements) / codebook.LaneElements
		tile(bit, p.starts[first/groupElements:][:full*laneGroups+1], records)
		records = records[codebook.TileBytes:]
	}
}

// tile writes the record of a tile. starts holds the starts of the groups in the tile's full lanes, and the end of
// the last one, counted from the given bit.
func tile(bit uint64, starts []uint32, record []byte) {
	var bits [codebook.TileLanes]uint32
	lanes := bits[:len(starts)/laneGroups]
	minimum, most := uint32(math.MaxUint32), uint32(0)
	for l := range lanes {
		lanes[l] = starts[laneGroups*(l+1)] - starts[laneGroups*l]
		minimum, most = min(minimum, lanes[l]), max(most, lanes[l])
	}
	clear(record[8:codebook.TileBytes])
	switch {
	case len(lanes) == 0:
		minimum = 0
	case most-minimum > codebook.MostOver:
		minimum = codebook.WideTile
		for l := 1; l < len(lanes); l += 2 {
			binary.LittleEndian.PutUint16(record[8+l-1:], uint16(lanes[l-1]+lanes[l]))
		}
	default:
		for l, n := range lanes {
			record[8+l] = byte(n - minimum)
		}
	}
	binary.LittleEndian.PutUint64(record, bit+uint64(starts[0])|uint64(minimum)<<codebook.TileBitWidth)
}
