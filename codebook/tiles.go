package codebook

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Units of the tile index, see the package comment.
const (
	// LaneElements is the number of successive weights of a lane.
	LaneElements = 64
	// TileLanes is the number of lanes of a tile, TileElements that of its weights.
	TileLanes    = 32
	TileElements = TileLanes * LaneElements
	// TileBytes is the size of the record of a tile.
	TileBytes = 8 + TileLanes
	// TileBitWidth is the width of the start bit in the first word of a record; the minimum lies above it.
	TileBitWidth = 48
	// IrregularTile is the minimum of a tile whose lanes the record does not tell.
	IrregularTile = 0xffff
	// ChunkTiles is the number of tiles in a chunk of a stream that has no other index, ChunkElements that of
	// their weights.
	ChunkTiles    = 8
	ChunkElements = ChunkTiles * TileElements

	// mostOver is the most bits that a lane of a regular tile takes over the minimum.
	mostOver = 255
)

// EncodeTiles returns the tensor tiles for weights that are coded with b. It is the reference.
func EncodeTiles(b *Book, weights []uint16) []byte {
	var tensor []byte
	bit := uint64(0)
	for tile := range slices.Chunk(weights, TileElements) {
		start := bit
		var full []uint64 // bits of the lanes with all their weights
		for lane := range slices.Chunk(tile, LaneElements) {
			first := bit
			for _, w := range lane {
				bit += uint64(b.Code(Exponent(w)).Length)
			}
			if len(lane) == LaneElements {
				full = append(full, bit-first)
			}
		}
		tensor = append(tensor, newRecord(start, full)...)
	}
	return tensor
}

// newRecord returns the record of a tile that starts at a bit and whose full lanes take so many.
func newRecord(start uint64, full []uint64) []byte {
	record := make([]byte, TileBytes)
	minimum := uint64(0)
	if len(full) > 0 {
		minimum = slices.Min(full)
		if slices.Max(full)-minimum > mostOver {
			minimum, full = IrregularTile, nil
		}
	}
	binary.LittleEndian.PutUint64(record, start|minimum<<TileBitWidth)
	for l, bits := range full {
		record[8+l] = byte(bits - minimum)
	}
	return record
}

// A Tile is a record of the tensor tiles with what its place says.
type Tile struct {
	First, Elements int    // the weights of the unit that it covers
	Bit             uint64 // where the code of the first starts
	Minimum         int    // the least bits of a full lane, 0 without one, or IrregularTile
	Over            []byte // the bits of each lane over the minimum, 0 for lanes that are not full
}

// tileCount returns the number of tiles.
func (s *Stream) tileCount() int { return int(ceilDiv(uint64(s.Elements()), TileElements)) }

// Tile returns tile t of a stream that has a tile index.
func (s *Stream) Tile(t int) Tile {
	record := s.Tiles[TileBytes*t:][:TileBytes]
	word := binary.LittleEndian.Uint64(record)
	first := TileElements * t
	return Tile{
		First: first, Elements: min(TileElements, s.Elements()-first),
		Bit: word & (1<<TileBitWidth - 1), Minimum: int(word >> TileBitWidth), Over: record[8:],
	}
}

// FullLanes returns the number of lanes that hold LaneElements weights.
func (t *Tile) FullLanes() int { return t.Elements / LaneElements }

// validateTiles checks that every record is one that some weights could have, and that each tile ends
// where the next one begins.
func (s *Stream) validateTiles() error {
	n := s.tileCount()
	if want := TileBytes * n; len(s.Tiles) != want {
		return fmt.Errorf("tiles has %d bytes, want %d for %d tiles", len(s.Tiles), want, n)
	}
	if n > 0 && s.Tile(0).Bit != 0 {
		return fmt.Errorf("tiles: tile 0 starts at bit %d, want 0", s.Tile(0).Bit)
	}
	for i := range n {
		t := s.Tile(i)
		if err := t.validate(); err != nil {
			return fmt.Errorf("tiles: tile %d: %w", i, err)
		}
		from, to := t.ends()
		if i == n-1 {
			if size := uint64(len(s.Encoded)); size < ceilDiv(from, 8) || size > ceilDiv(to, 8) {
				return fmt.Errorf("tiles: tile %d ends at bit %s, the stream at %d", i, rangeText(from, to), 8*size)
			}
		} else if next := s.Tile(i + 1).Bit; next < from || next > to {
			return fmt.Errorf("tiles: tile %d ends at bit %s, the next one starts at %d", i, rangeText(from, to), next)
		}
	}
	return nil
}

// rangeText writes a range of bits, or the one bit that it is.
func rangeText(from, to uint64) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d to %d", from, to)
}

// validate checks the lanes of a record.
func (t *Tile) validate() error {
	full := t.FullLanes()
	told := t.Over[:full] // by the record
	switch {
	case t.Minimum == IrregularTile && full > 1:
		told = nil
	case full > 0 && (t.Minimum < LaneElements || t.Minimum > LaneElements*MaxLength):
		return fmt.Errorf("%d bits for %d codes", t.Minimum, LaneElements)
	case full > 0 && !slices.Contains(told, 0):
		return fmt.Errorf("no lane takes the minimum of %d bits", t.Minimum)
	case full == 0 && t.Minimum != 0:
		return fmt.Errorf("%d bits for no full lane", t.Minimum)
	}
	for l := len(told); l < TileLanes; l++ {
		if t.Over[l] != 0 {
			return fmt.Errorf("lane %d: %d bits over the minimum, want 0 as it is not told", l, t.Over[l])
		}
	}
	return nil
}

// ends returns the first and the last bit at which the tile can end by its record.
func (t *Tile) ends() (from, to uint64) {
	end, untold := t.Bit, uint64(t.Elements)
	if t.Minimum != IrregularTile {
		full := t.FullLanes()
		untold %= LaneElements
		end += uint64(full * t.Minimum)
		for _, over := range t.Over[:full] {
			end += uint64(over)
		}
	}
	return end + untold, end + untold*MaxLength
}

// A TileError reports where and why a tile cannot be decoded. It is comparable with ==.
type TileError struct {
	Tile    int    // the tile that could not be decoded
	Element int    // the element, counted from the start of the unit
	Bit     uint64 // where the decoder stood, counted from the start of the stream
	Cause   Cause
}

// Error names tile, element, bit and cause.
func (e *TileError) Error() string {
	return fmt.Sprintf("tile %d: element %d at bit %d: %v", e.Tile, e.Element, e.Bit, e.Cause)
}

// DecodeTile writes the weights of tile t to dst, which has one word for each. The stream has been
// validated, has a tile index, and b is its book. It is the reference of decoders that let each lane start
// where the record says.
//
// A lane must end where the next one starts, and the last one where the next tile does or, where none
// follows, in the last byte of the stream; else its error, [*TileError], is CountMismatch. An irregular tile
// is decoded as one lane.
func DecodeTile(b *Book, s *Stream, t int, dst []uint16) error {
	tile := s.Tile(t)
	if len(dst) != tile.Elements {
		return fmt.Errorf("codebook: %d elements of tile %d into a buffer of %d", tile.Elements, t, len(dst))
	}
	size := LaneElements
	if tile.Minimum == IrregularTile {
		size = TileElements
	}
	element, bit := tile.First, tile.Bit
	for lane := 0; len(dst) > 0; lane++ {
		n := min(size, len(dst))
		next := bit + uint64(tile.Minimum) + uint64(tile.Over[lane]) // told of lanes of LaneElements
		var cause Cause
		element, bit, cause = decodeRun(b, s, element, bit, dst[:n])
		dst = dst[n:]
		if cause == 0 && (n == LaneElements && bit != next || len(dst) == 0 && !s.tileEndsAt(t, bit)) {
			cause = CountMismatch
		}
		if cause != 0 {
			return &TileError{t, element, bit, cause}
		}
	}
	return nil
}

// tileEndsAt reports whether a decoder that has decoded all of tile t may stand at bit.
func (s *Stream) tileEndsAt(t int, bit uint64) bool {
	if t+1 < s.tileCount() {
		return bit == s.Tile(t+1).Bit
	}
	return ceilDiv(bit, 8) == uint64(len(s.Encoded))
}
