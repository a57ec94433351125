package encode

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/codebook"
)

// index makes the tensors output_positions and gaps of a stream of n elements and the given length
// of its codes.
func (e *Encoder) index(b *codebook.Book, n int, bits uint64) {
	chunks := (len(e.encoded) + codebook.ChunkBytes - 1) / codebook.ChunkBytes
	started := chunks
	if bits > 0 {
		e.gaps[0], e.positions[0] = 0, 0
	}
	if bits > 0 && bits%8 == 0 {
		// No end-of-stream code follows. If the last code reaches into a window, none starts there.
		if w := bits / windowBits; e.lastStart(b, bits) < w*windowBits {
			e.gaps[w] = 0
			if w%codebook.ChunkWindows == 0 && bits%windowBits != 0 {
				started--
			}
		}
	}
	e.outputPositions = e.outputPositions[:0]
	for _, p := range e.positions[:started] {
		e.outputPositions = binary.LittleEndian.AppendUint32(e.outputPositions, p)
	}
	// The published encoder has no entry for a last chunk in which no code starts.
	for range chunks - started {
		if !b.IsPublished() {
			e.outputPositions = binary.LittleEndian.AppendUint32(e.outputPositions, uint32(n))
		}
	}
	e.outputPositions = binary.LittleEndian.AppendUint32(e.outputPositions, uint32(n))
	e.packGaps(chunks)
}

// lastStart returns the bit at which the last code starts.
func (e *Encoder) lastStart(b *codebook.Book, bits uint64) uint64 {
	segments := e.blocks[len(e.blocks)-1].segments
	last := segments[len(segments)-1]
	w := binary.LittleEndian.Uint16(last[len(last)-2:])
	return bits - uint64(b.Code(codebook.Exponent(w)).Length)
}

// packGaps packs the gaps of whole chunks, 5 bits each: 8 of them to 5 bytes.
func (e *Encoder) packGaps(chunks int) {
	const group, groupBytes = 8, codebook.GapBits
	windows := (len(e.encoded) + windowBytes - 1) / windowBytes
	all := chunks * codebook.ChunkWindows
	e.gaps = append(e.gaps[:windows], make([]byte, all-windows)...)
	e.packedGaps = grow(e.packedGaps, all/group*groupBytes)
	out := e.packedGaps
	for gaps := e.gaps; len(gaps) >= group; gaps, out = gaps[group:], out[groupBytes:] {
		var bits uint64
		for _, g := range gaps[:group] {
			bits = bits<<codebook.GapBits | uint64(g)
		}
		out[0] = byte(bits >> 32)
		binary.BigEndian.PutUint32(out[1:], uint32(bits))
	}
}
