package codebook

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/internal/cost"
)

// tileSizes are sizes around the borders of lanes, tiles and chunks.
var tileSizes = []int{0, 1, 63, 64, 65, 127, 128, 1984, 2047, 2048, 2049, 4096 + 64, 4096 + 65, ChunkElements - 1, ChunkElements, ChunkElements + 1, 2*ChunkElements + 2100}

// wordsOf returns n words with random symbols of a book. Its first symbols come more often.
func wordsOf(r *rand.Rand, b *Book, n int) []uint16 {
	symbols := b.Symbols()
	words := make([]uint16, n)
	for i := range words {
		k := min(r.IntN(len(symbols)), r.IntN(len(symbols)), r.IntN(len(symbols)))
		words[i] = Join(symbols[k], uint8(r.Uint32()))
	}
	return words
}

// decodeTiles decodes all tiles, each on its own.
func decodeTiles(b *Book, s *Stream) ([]uint16, error) {
	weights := make([]uint16, s.Elements())
	for t := range TileCount(s.Elements()) {
		tile := s.Tile(t)
		if err := DecodeTile(b, s, t, weights[tile.First:tile.First+tile.Elements]); err != nil {
			return nil, err
		}
	}
	return weights, nil
}

func TestTilesRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for i, b := range testBooks(t) {
		for _, n := range tileSizes {
			weights := wordsOf(r, b, n)
			plain, err := Encode(b, weights)
			if err != nil {
				t.Fatal(err)
			}
			for index, name := range IndexNames() {
				t.Run(fmt.Sprintf("book=%s/n=%d/index=%s", i, n, name), func(t *testing.T) {
					s, err := EncodeIndexed(b, weights, Index(index))
					if err != nil {
						t.Fatal(err)
					}
					if n > 0 && s.Index() != Index(index) {
						t.Errorf("index %v", s.Index())
					}
					if s.Index() == IndexTiles && s.Chunks() != int(ceilDiv(uint64(n), ChunkElements)) {
						t.Errorf("%d chunks", s.Chunks())
					}
					if !slices.Equal(s.Encoded, plain.Encoded) || s.Index().HasGaps() && n > 0 && !slices.Equal(s.Gaps, plain.Gaps) {
						t.Error("the index changes the stream")
					}
					if err := Audit(s); err != nil {
						t.Error(err)
					}
					got := make([]uint16, n)
					if err := Decode(got, s); err != nil || !slices.Equal(got, weights) {
						t.Errorf("decoded weights differ, error %v", err)
					}
					if !s.Index().HasTiles() {
						return
					}
					if got, err := decodeTiles(b, s); err != nil || !slices.Equal(got, weights) {
						t.Errorf("weights decoded by tiles differ, error %v", err)
					}
				})
			}
		}
	}
}

// twoLengths is a book with a code of 1 bit for 100 and one of 16 for 101.
func twoLengths(t testing.TB) *Book {
	t.Helper()
	var lengths [256]uint8
	lengths[100], lengths[101] = 1, 16
	b, err := NewCanonical(&lengths, 16)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mostly returns n words with codes of 1 bit, except for the given ones, whose codes have 16.
func mostly(n int, long ...int) []uint16 {
	words := make([]uint16, n)
	for i := range words {
		words[i] = Join(100, uint8(i))
	}
	for _, i := range long {
		words[i] = Join(101, 1)
	}
	return words
}

func span(from, n int) (list []int) {
	for i := range n {
		list = append(list, from+i)
	}
	return list
}

// TestTileRecord compares records with bits counted by hand.
func TestTileRecord(t *testing.T) {
	b := twoLengths(t)
	over := func(pairs ...int) []byte {
		list := make([]byte, TileLanes)
		for i := 0; i < len(pairs); i += 2 {
			list[pairs[i]] = byte(pairs[i+1])
		}
		return list
	}
	pairs := func(bits ...int) []byte {
		list := make([]byte, TileLanes)
		for i := range TileLanes / 2 {
			n := 128
			if i < len(bits) {
				n = bits[i]
			}
			binary.LittleEndian.PutUint16(list[2*i:], uint16(n))
		}
		return list
	}
	tests := []struct {
		name    string
		weights []uint16
		want    []Tile
	}{
		{"one weight", mostly(1), []Tile{{0, 1, 0, 0, over()}}},
		{"a lane less one", mostly(63, 3), []Tile{{0, 63, 0, 0, over()}}},
		{"a lane", mostly(64, 3), []Tile{{0, 64, 0, 79, over()}}},
		{"a lane and a partial one", mostly(65, 64), []Tile{{0, 65, 0, 64, over()}}},
		{"two tiles and one weight", mostly(4097, 70, 71, 2048, 4096), []Tile{
			{0, 2048, 0, 64, over(1, 30)}, {2048, 2048, 2078, 64, over(0, 15)}, {4096, 1, 4141, 0, over()},
		}},
		{"the last lane the least", mostly(2048, slices.Concat(span(0, 1), span(64, 1), span(128, 1))...), []Tile{{0, 2048, 0, 64, over(0, 15, 1, 15, 2, 15)}}},
		{"255 bits over", mostly(2048, span(64, 17)...), []Tile{{0, 2048, 0, 64, over(1, 255)}}},
		{"270 bits over", mostly(2049, span(64, 18)...), []Tile{{0, 2048, 0, WideTile, pairs(128 + 270)}, {2048, 1, 2318, 0, over()}}},
		{"a wide pair", mostly(2048, span(130, 126)...), []Tile{{0, 2048, 0, WideTile, pairs(128, 128+126*15)}}},
		{"a wide tile with a lane left over", mostly(192+5, span(0, 64)...), []Tile{{0, 197, 0, WideTile, over(0, 64, 1, 4)}}},
		{"a partial lane does not count", mostly(191, span(128, 63)...), []Tile{{0, 191, 0, 64, over()}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := EncodeIndexed(b, tt.weights, IndexTiles)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(); err != nil {
				t.Error(err)
			}
			if TileCount(s.Elements()) != len(tt.want) {
				t.Fatalf("%d tiles, want %d", TileCount(s.Elements()), len(tt.want))
			}
			for i, want := range tt.want {
				if got := s.Tile(i); got.First != want.First || got.Elements != want.Elements || sameTile(got, want) != nil {
					t.Errorf("tile %d: %v, want %v", i, got, want)
				}
			}
			if got, err := decodeTiles(b, s); err != nil || !slices.Equal(got, tt.weights) {
				t.Errorf("weights decoded by tiles differ, error %v", err)
			}
		})
	}
}

// TestMutatedTiles changes every bit of an index. Each change must be found, and none may give wrong weights.
func TestMutatedTiles(t *testing.T) {
	b := twoLengths(t)
	r := rand.New(rand.NewPCG(7, 4))
	books := testBooks(t)
	for name, weights := range map[string][]uint16{
		"regular":  mostly(2*TileElements+100, 5, 2047, 2048),
		"wide":     mostly(2*TileElements, span(2100, 64)...),
		"a lane":   mostly(64, 9),
		"a weight": mostly(1),
		"random":   nil,
	} {
		b := b
		if weights == nil {
			b = books["canonical "+string(rune(65+12))]
			weights = wordsOf(r, b, ChunkElements+3*TileElements+77)
		}
		sound, err := EncodeIndexed(b, weights, IndexTiles)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			refused := 0
			for bit := range 8 * len(sound.Tiles) {
				s := *sound
				s.Tiles = slices.Clone(s.Tiles)
				s.Tiles[bit/8] ^= 1 << (bit % 8)
				checkMutated(t, b, &s, weights)
				if err := s.Validate(); err != nil {
					refused++
				}
			}
			t.Logf("%d of %d changes refused without a look at the codes", refused, 8*len(sound.Tiles))
		})
	}
}

// checkMutated checks that all readers of a stream give clear errors if its index differs from the sound one.
func checkMutated(t *testing.T, b *Book, s *Stream, weights []uint16) {
	t.Helper()
	if err := s.Validate(); err != nil {
		if !strings.HasPrefix(err.Error(), "tiles") {
			t.Errorf("no word of tiles: %v", err)
		}
		return
	}
	got := make([]uint16, len(weights))
	var chunk *StreamError
	if err := Decode(got, s); err == nil && !slices.Equal(got, weights) || err != nil && !errors.As(err, &chunk) {
		t.Errorf("chunks: wrong weights, error %v", err)
	}
	var tile *TileError
	if got, err := decodeTiles(b, s); err == nil && !slices.Equal(got, weights) || err != nil && !errors.As(err, &tile) {
		t.Errorf("tiles: wrong weights, error %v", err)
	}
	if err := Audit(s); err == nil || chunk == nil && !strings.HasPrefix(err.Error(), "codebook: tile ") {
		t.Errorf("audit: %v", err)
	}
}

func TestTilesRefused(t *testing.T) {
	b := twoLengths(t)
	tests := []struct {
		name    string
		weights []uint16
		index   Index
		change  func(s *Stream)
		want    string
	}{
		{"short", mostly(4096), IndexTiles, func(s *Stream) { s.Tiles = s.Tiles[:79] }, "tiles has 79 bytes, want 80 for 2 tiles"},
		{"long", mostly(4096), IndexBoth, func(s *Stream) { s.Tiles = append(s.Tiles, 0) }, "tiles has 81 bytes, want 80 for 2 tiles"},
		{"of nothing", nil, IndexTiles, func(s *Stream) { s.Tiles = make([]byte, 40) }, "tiles has 40 bytes, want 0 for 0 tiles"},
		{"start", mostly(64), IndexTiles, func(s *Stream) { s.Tiles[0] = 1 }, "tiles: tile 0 starts at bit 1, want 0"},
		{"next start", mostly(4096), IndexTiles, func(s *Stream) { s.Tiles[40]++ }, "tiles: tile 0 ends at bit 2048, the next one starts at 2049"},
		{"far start", mostly(4096), IndexTiles, func(s *Stream) { s.Tiles[45] = 255 }, "tiles: tile 0 ends at bit 2048, the next one starts at 280375465084928"},
		{"minimum too small", mostly(64), IndexTiles, func(s *Stream) { s.Tiles[6] = 63 }, "tiles: tile 0: 63 bits for 64 codes"},
		{"minimum too large", mostly(64), IndexTiles, func(s *Stream) { s.Tiles[7] = 9 }, "tiles: tile 0: 2368 bits for 64 codes"},
		{"wide for one lane", mostly(65), IndexTiles, func(s *Stream) { s.Tiles[6], s.Tiles[7] = 255, 255 }, "tiles: tile 0: 65535 bits for 64 codes"},
		{"minimum of nothing", mostly(63), IndexTiles, func(s *Stream) { s.Tiles[6] = 64 }, "tiles: tile 0: 64 bits for no full lane"},
		{"no least lane", mostly(64), IndexTiles, func(s *Stream) { s.Tiles[8] = 1 }, "tiles: tile 0: no lane takes the minimum of 64 bits"},
		{"a lane past the end", mostly(130), IndexTiles, func(s *Stream) { s.Tiles[8+2] = 1 }, "tiles: tile 0: byte 2 of the lanes is 1, want 0: it tells of no weights"},
		{"a pair past the end", mostly(2047, span(0, 64)...), IndexTiles, func(s *Stream) { s.Tiles[8+30] = 7 }, "tiles: tile 0: byte 30 of the lanes is 7, want 0: it tells of no weights"},
		{"a pair too short", mostly(2048, span(0, 64)...), IndexTiles, func(s *Stream) { s.Tiles[8+31] = 0; s.Tiles[8+30] = 127 }, "tiles: tile 0: lanes 30 and 31: 127 bits for 128 codes"},
		{"a pair too long", mostly(2048, span(0, 64)...), IndexTiles, func(s *Stream) { s.Tiles[8+7] = 17 }, "tiles: tile 0: lanes 6 and 7: 4480 bits for 128 codes"},
		{"a pair longer", mostly(2048, span(0, 64)...), IndexTiles, func(s *Stream) { s.Tiles[8+6]++ }, "tiles: tile 0 ends at bit 3009, the stream at 3008"},
		{"end", mostly(65), IndexTiles, func(s *Stream) { s.Encoded = append(s.Encoded, 0, 0, 0, 0) }, "tiles: tile 0 ends at bit 65 to 96, the stream at 104"},
		{"stray gaps", mostly(65), IndexTiles, func(s *Stream) { s.Gaps = []byte{0} }, "gaps has 1 bytes without output_positions"},
		{"gaps of both", mostly(65), IndexBoth, func(s *Stream) { s.Gaps = nil }, "gaps has 0 bytes, want 320 for 1 chunks"},
		{"none", mostly(65), IndexTiles, func(s *Stream) { s.Tiles = nil }, "gaps has 0 bytes, want 320 for 1 chunks"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := EncodeIndexed(b, tt.weights, tt.index)
			if err != nil {
				t.Fatal(err)
			}
			tt.change(s)
			if err := s.Validate(); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// Two lanes that trade bits still fit the sizes; only the codes show it.
func TestTradedLanes(t *testing.T) {
	b := twoLengths(t)
	weights := mostly(2*TileElements, 2048, 2048+64)
	s, err := EncodeIndexed(b, weights, IndexBoth)
	if err != nil {
		t.Fatal(err)
	}
	over := s.Tiles[TileBytes+8:]
	over[0], over[1] = over[0]-1, over[1]+1
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := Audit(s); err == nil || err.Error() != "codebook: tile 1: byte 0 of the lanes is 14, want 15" {
		t.Errorf("audit: %v", err)
	}
	dst := make([]uint16, TileElements)
	if err := DecodeTile(b, s, 0, dst); err != nil {
		t.Error(err)
	}
	want := TileError{Tile: 1, Element: 2048 + 64, Bit: 2048 + 79, Cause: CountMismatch}
	var tile *TileError
	if err := DecodeTile(b, s, 1, dst); !errors.As(err, &tile) || *tile != want {
		t.Errorf("error %v, want %v", err, &want)
	}
	if err := DecodeTile(b, s, 1, dst[1:]); err == nil || err.Error() != "codebook: 2048 elements of tile 1 into a buffer of 2047" {
		t.Errorf("short buffer: %v", err)
	}
}

func TestIndexByName(t *testing.T) {
	for i, name := range IndexNames() {
		x, err := IndexByName(name)
		if err != nil || x != Index(i) || x.String() != name {
			t.Errorf("%s: %v, %v", name, x, err)
		}
	}
	if _, err := IndexByName("none"); err == nil || err.Error() != `codebook: no index "none", want gaps, tiles, both` {
		t.Error(err)
	}
	if got := Index(9).String(); got != "Index(9)" {
		t.Error(got)
	}
}

// FuzzTiles checks that any tile index over a sound stream is either refused or gives the stream's weights.
func FuzzTiles(f *testing.F) {
	b := twoLengths(f)
	inputs := [][]uint16{mostly(1), mostly(130, 7), mostly(2*TileElements+65, span(3, 90)...), mostly(ChunkElements+1, span(9, 17)...)}
	var sound []*Stream
	for i, weights := range inputs {
		s, err := EncodeIndexed(b, weights, IndexTiles)
		if err != nil {
			f.Fatal(err)
		}
		sound = append(sound, s)
		f.Add(uint8(i), s.Tiles)
	}
	f.Fuzz(func(t *testing.T, which uint8, tiles []byte) {
		cost.Bounded(t, len(tiles), 4<<20, 100, func() {
			i := int(which) % len(inputs)
			s := *sound[i]
			if s.Tiles = tiles; len(tiles) == 0 {
				return
			}
			if !slices.Equal(tiles, sound[i].Tiles) {
				checkMutated(t, b, &s, inputs[i])
			} else if err := Audit(&s); err != nil {
				t.Fatal(err)
			}
		})
	})
}
