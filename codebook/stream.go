package codebook

import (
	"encoding/binary"
	"fmt"
)

// Stream is one coded unit: the tensors of DF11 and the tile index, all of dtype U8, flattened. It has
// OutputPositions and Gaps, or Tiles, or all three: see [Index]. All methods but [Stream.Validate] require that
// Validate has returned nil.
type Stream struct {
	Luts            []byte // code book, see [Book.Luts]
	Encoded         []byte // the tensor encoded_exponent: the bit stream
	SignMantissa    []byte // one byte an element
	OutputPositions []byte // little-endian uint32: first element of each chunk, then the number of elements
	Gaps            []byte // 5 bits a window, most significant bit first: offset of its first code
	Tiles           []byte // a record of TileBytes for each tile, see Tile
}

// Elements returns the number of weights.
func (s *Stream) Elements() int { return len(s.SignMantissa) }

// Index says which index the stream has.
func (s *Stream) Index() Index {
	switch {
	case len(s.Tiles) == 0:
		return IndexGaps
	case len(s.OutputPositions) == 0:
		return IndexTiles
	}
	return IndexBoth
}

// Chunks returns the number of chunks: of ChunkBytes of the stream, or of ChunkTiles tiles if there are only
// tiles.
func (s *Stream) Chunks() int {
	if s.Index() == IndexTiles {
		return (s.Elements() + ChunkElements - 1) / ChunkElements
	}
	return (len(s.Encoded) + ChunkBytes - 1) / ChunkBytes
}

// Validate checks the sizes of the tensors against each other, the order of the output positions, that the first
// code starts the stream, that each tile ends where the next one starts, and the limits of the format. Its time is
// proportional to the size of the index. It does not look at the code book or the codes.
//
// If no code starts in the last chunk and the stream ends on a byte boundary, the published encoder leaves out the
// output position of that chunk. Validate accepts this.
func (s *Stream) Validate() error {
	elements := s.Elements()
	if rows := len(s.Luts) / rowBytes; len(s.Luts)%rowBytes != 0 || rows < 2 || rows > MaxTables+1 {
		return fmt.Errorf("luts has %d bytes, want 2 to %d rows of %d", len(s.Luts), MaxTables+1, rowBytes)
	}
	if elements > MaxElements {
		return fmt.Errorf("sign_mantissa has %d elements, a unit has at most %d", elements, MaxElements)
	}
	if len(s.Encoded) > MaxStreamBytes {
		return fmt.Errorf("encoded_exponent has %d bytes, a unit has at most %d", len(s.Encoded), MaxStreamBytes)
	}
	if (elements == 0) != (len(s.Encoded) == 0) {
		return fmt.Errorf("encoded_exponent has %d bytes for %d elements", len(s.Encoded), elements)
	}
	if elements == 0 && len(s.OutputPositions)+len(s.Gaps)+len(s.Tiles) == 0 {
		return nil // there is nothing to index
	}
	index := s.Index()
	if index.HasTiles() {
		if err := s.validateTiles(); err != nil {
			return err
		}
	}
	if index.HasGaps() {
		return s.validateGaps()
	}
	if len(s.Gaps) != 0 {
		return fmt.Errorf("gaps has %d bytes without output_positions", len(s.Gaps))
	}
	return nil
}

// validateGaps checks the index of DF11.
func (s *Stream) validateGaps() error {
	chunks := s.Chunks()
	if want := gapBytesPerChunk * chunks; len(s.Gaps) != want {
		return fmt.Errorf("gaps has %d bytes, want %d for %d chunks", len(s.Gaps), want, chunks)
	}
	if chunks > 0 && s.gap(0) != 0 {
		return fmt.Errorf("gaps lets the first code start at bit %d, want 0", s.gap(0))
	}
	short := chunks >= 2 && len(s.OutputPositions) == 4*chunks
	if want := 4 * (chunks + 1); len(s.OutputPositions) != want && !short {
		return fmt.Errorf("output_positions has %d bytes, want %d for %d chunks", len(s.OutputPositions), want, chunks)
	}
	return s.validatePositions()
}

// validatePositions checks that every chunk but the last holds an element, that no chunk has more elements than
// bits, and that all chunks together have all elements.
func (s *Stream) validatePositions() error {
	if first := s.position(0); first != 0 {
		return fmt.Errorf("output_positions starts with %d, want 0", first)
	}
	chunks := s.Chunks()
	for c := range chunks {
		from, to := s.position(c), s.position(c+1)
		if to < from || to == from && c < chunks-1 {
			return fmt.Errorf("output_positions: chunk %d goes from element %d to %d", c, from, to)
		}
		if to-from > ChunkBits {
			return fmt.Errorf("output_positions: chunk %d has %d elements in %d bits", c, to-from, ChunkBits)
		}
	}
	if last := s.position(chunks); last != s.Elements() {
		return fmt.Errorf("output_positions ends with %d, want %d elements", last, s.Elements())
	}
	return nil
}

// position returns output position c. The last one may be missing.
func (s *Stream) position(c int) int {
	if 4*c >= len(s.OutputPositions) {
		return s.Elements()
	}
	return int(binary.LittleEndian.Uint32(s.OutputPositions[4*c:]))
}

// gap returns the offset in bits of the first code of a window.
func (s *Stream) gap(window int) uint64 {
	bit := GapBits * window
	pair := uint16(s.Gaps[bit/8]) << 8
	if bit/8+1 < len(s.Gaps) {
		pair |= uint16(s.Gaps[bit/8+1])
	}
	return uint64(pair >> (16 - GapBits - bit%8) & (1<<GapBits - 1))
}

// ChunkStart returns the first element of chunk c and the bit of the stream at which its code starts. For c ==
// Chunks() these are the number of elements and the length of the stream. In a chunk without elements no code
// starts, and the bit means nothing.
func (s *Stream) ChunkStart(c int) (element int, bit uint64) {
	if c >= s.Chunks() {
		return s.Elements(), 8 * uint64(len(s.Encoded))
	}
	if s.Index() == IndexTiles {
		t := s.Tile(ChunkTiles * c)
		return t.First, t.Bit
	}
	return s.position(c), uint64(c)*ChunkBits + s.gap(c*ChunkWindows)
}

// EndsAt reports whether a decoder that has decoded all elements of chunk c may stand at bit. It must stand where
// the next element starts or, after the last element, in the last byte of the stream.
func (s *Stream) EndsAt(c int, bit uint64) bool {
	if next, start := s.ChunkStart(c + 1); next < s.Elements() {
		return bit == start
	}
	return ceilDiv(bit, 8) == uint64(len(s.Encoded))
}

// next32 returns the 32 bits of the stream from bit on, with zeros after its end.
func (s *Stream) next32(bit uint64) uint32 {
	var buf [8]byte
	if first := bit / 8; first < uint64(len(s.Encoded)) {
		copy(buf[:], s.Encoded[first:])
	}
	return uint32(binary.BigEndian.Uint64(buf[:]) << (bit % 8) >> 32)
}
