package codebook

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// Units of the tile index: see the package comment.
const (
	// LaneElements is the number of successive weights that each lane of a warp decodes of a tile.
	LaneElements = 64
	// TileLanes is the number of lanes of a tile, TileElements the number of its weights.
	TileLanes    = 32
	TileElements = TileLanes * LaneElements
	// TileBytes is the size of the record of a tile.
	TileBytes = 8 + TileLanes
	// TileBitWidth is the width of the start bit in the first word of a record. The minimum is in the bits above
	// it.
	TileBitWidth = 48
	// WideTile is in the place of the minimum in the record of a wide tile.
	WideTile = 0xffff
	// ChunkTiles is the number of tiles in a chunk of a stream with tiles alone, ChunkElements the number of their
	// weights.
	ChunkTiles    = 8
	ChunkElements = ChunkTiles * TileElements

	// MostOver is the largest number of bits that a lane takes over the minimum in a tile that is not wide.
	MostOver = 255
)

// EncodeTiles returns the tensor tiles for weights that are coded with b. It is the reference.
func EncodeTiles(b *Book, weights []uint16) []byte {
	var tensor []byte
	bit := uint64(0)
	for tile := range slices.Chunk(weights, TileElements) {
		start := bit
		var full []int // bits of the full lanes
		for lane := range slices.Chunk(tile, LaneElements) {
			bits := 0
			for _, w := range lane {
				bits += int(b.Code(Exponent(w)).Length)
			}
			if len(lane) == LaneElements {
				full = append(full, bits)
			}
			bit += uint64(bits)
		}
		tensor = append(tensor, newRecord(start, full)...)
	}
	return tensor
}

// newRecord returns the record of a tile that starts at the bit start. full has the number of bits of each full
// lane.
func newRecord(start uint64, full []int) []byte {
	record := make([]byte, TileBytes)
	minimum, lanes := 0, record[8:]
	if len(full) > 0 {
		minimum = slices.Min(full)
	}
	if len(full) > 0 && slices.Max(full)-minimum > MostOver {
		minimum = WideTile
		for pair := range len(full) / 2 {
			binary.LittleEndian.PutUint16(lanes[2*pair:], uint16(full[2*pair]+full[2*pair+1]))
		}
	} else {
		for l, bits := range full {
			lanes[l] = byte(bits - minimum)
		}
	}
	binary.LittleEndian.PutUint64(record, start|uint64(minimum)<<TileBitWidth)
	return record
}

// A Tile is a record of the tensor tiles, together with what follows from its place.
type Tile struct {
	First, Elements int    // the weights of the unit that the tile covers
	Bit             uint64 // where the code of the first weight starts
	Minimum         int    // the least bits of a full lane, 0 if there is none, or WideTile
	Lanes           []byte // a byte for each lane, or two for each pair of lanes in a wide tile
}

// TileCount returns the number of tiles of the given number of weights.
func TileCount(elements int) int { return int(ceilDiv(uint64(elements), TileElements)) }

// Tile returns tile t of a stream that has a tile index.
func (s *Stream) Tile(t int) Tile {
	record := s.Tiles[TileBytes*t:][:TileBytes]
	word := binary.LittleEndian.Uint64(record)
	first := TileElements * t
	return Tile{
		First: first, Elements: min(TileElements, s.Elements()-first),
		Bit: word & (1<<TileBitWidth - 1), Minimum: int(word >> TileBitWidth), Lanes: record[8:],
	}
}

// Run returns the number of successive weights in a run whose bits the record tells: one lane, or two in a wide
// tile.
func (t *Tile) Run() int {
	if t.Minimum == WideTile {
		return 2 * LaneElements
	}
	return LaneElements
}

// RunBits returns the number of bits of run i. Only the first Elements/Run() runs have all their weights, and a
// number.
func (t *Tile) RunBits(i int) int {
	if t.Minimum == WideTile {
		return int(binary.LittleEndian.Uint16(t.Lanes[2*i:]))
	}
	return t.Minimum + int(t.Lanes[i])
}

// validateTiles checks that every record is one that some weights could have, and that each tile ends where the
// next one begins.
func (s *Stream) validateTiles() error {
	n := TileCount(s.Elements())
	if want := TileBytes * n; len(s.Tiles) != want {
		return fmt.Errorf("tiles has %d bytes, want %d for %d tiles", len(s.Tiles), want, n)
	}
	if n == 0 {
		return nil
	}
	t := s.Tile(0)
	if t.Bit != 0 {
		return fmt.Errorf("tiles: tile 0 starts at bit %d, want 0", t.Bit)
	}
	for i := range n {
		if err := t.validate(); err != nil {
			return fmt.Errorf("tiles: tile %d: %w", i, err)
		}
		from, to := t.ends()
		if i == n-1 {
			if size := uint64(len(s.Encoded)); size < ceilDiv(from, 8) || size > ceilDiv(to, 8) {
				return fmt.Errorf("tiles: tile %d ends at bit %s, the stream at %d", i, rangeText(from, to), 8*size)
			}
			break
		}
		if t = s.Tile(i + 1); t.Bit < from || t.Bit > to {
			return fmt.Errorf("tiles: tile %d ends at bit %s, the next one starts at %d", i, rangeText(from, to), t.Bit)
		}
	}
	return nil
}

// rangeText writes a range of bits, or one bit if the range is that.
func rangeText(from, to uint64) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d to %d", from, to)
}

// validate checks the lanes of a record.
func (t *Tile) validate() error {
	full := t.Elements / LaneElements
	told := full // bytes of Lanes
	switch {
	case t.Minimum == WideTile && full > 1:
		for i := range t.Elements / t.Run() {
			if bits := t.RunBits(i); bits < t.Run() || bits > t.Run()*MaxLength {
				return fmt.Errorf("lanes %d and %d: %d bits for %d codes", 2*i, 2*i+1, bits, t.Run())
			}
		}
		told = full &^ 1
	case full > 0 && (t.Minimum < LaneElements || t.Minimum > LaneElements*MaxLength):
		return fmt.Errorf("%d bits for %d codes", t.Minimum, LaneElements)
	case full > 0 && bytes.IndexByte(t.Lanes[:full], 0) < 0:
		return fmt.Errorf("no lane takes the minimum of %d bits", t.Minimum)
	case full == 0 && t.Minimum != 0:
		return fmt.Errorf("%d bits for no full lane", t.Minimum)
	}
	for i := told; i < len(t.Lanes); i++ {
		if t.Lanes[i] != 0 {
			return fmt.Errorf("byte %d of the lanes is %d, want 0: it tells of no weights", i, t.Lanes[i])
		}
	}
	return nil
}

// ends returns the first and the last bit at which the tile can end, as far as its record tells.
func (t *Tile) ends() (from, to uint64) {
	end := t.Bit
	if t.Minimum != WideTile && t.Elements == TileElements {
		end += uint64(TileLanes*t.Minimum) + sumBytes(t.Lanes)
		return end, end
	}
	for i := range t.Elements / t.Run() {
		end += uint64(t.RunBits(i))
	}
	untold := uint64(t.Elements % t.Run())
	return end + untold, end + untold*MaxLength
}

// sumBytes returns the sum of TileLanes bytes.
func sumBytes(b []byte) uint64 {
	const even = 0x00ff00ff00ff00ff
	b = b[:TileLanes]
	w0, w1 := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	w2, w3 := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	sums := w0&even + w0>>8&even + w1&even + w1>>8&even + w2&even + w2>>8&even + w3&even + w3>>8&even // four of 16 bits
	return sums * 0x0001000100010001 >> 48
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

// DecodeTile writes the weights of tile t to dst, which has one word for each. The stream has been validated and
// has a tile index, and b is its book. DecodeTile is the reference of decoders that start each lane where the
// record says.
//
// The first tile must start at bit 0. A lane must end where the next one starts; the last lane must end where the
// next tile starts or, if no tile follows, in the last byte of the stream. Otherwise the error, a [*TileError], is
// CountMismatch. In a wide tile this holds for pairs of lanes.
func DecodeTile(b *Book, s *Stream, t int, dst []uint16) error {
	tile := s.Tile(t)
	if len(dst) != tile.Elements {
		return fmt.Errorf("codebook: %d elements of tile %d into a buffer of %d", tile.Elements, t, len(dst))
	}
	element, bit := tile.First, tile.Bit
	if t == 0 && bit != 0 {
		return &TileError{t, element, bit, CountMismatch}
	}
	for run := 0; len(dst) > 0; run++ {
		n := min(tile.Run(), len(dst))
		start := bit
		var cause Cause
		element, bit, cause = DecodeRun(b, s, element, bit, dst[:n])
		dst = dst[n:]
		inside := n < tile.Run() || bit == start+uint64(tile.RunBits(run))
		ends := len(dst) > 0 || s.tileEndsAt(t, bit)
		if cause == 0 && !(inside && ends) {
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
	if t+1 < TileCount(s.Elements()) {
		return bit == s.Tile(t+1).Bit
	}
	return ceilDiv(bit, 8) == uint64(len(s.Encoded))
}
