package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// indexed returns what gives a stream of DF11 another index.
func indexed(b *codebook.Book, weights []uint16, index codebook.Index) func(*codebook.Stream) {
	return func(s *codebook.Stream) { *s = *must(codebook.EncodeIndexed(b, weights, index)) }
}

// TestTileIndex decodes streams that have no index but tiles, sound ones of sizes around the borders of tiles and
// chunks and damaged ones, and holds every decoder to the reference.
func TestTileIndex(t *testing.T) {
	for _, bc := range bookCases() {
		t.Run(bc.name, func(t *testing.T) {
			decoders := slices.DeleteFunc(slices.Clone(decoderCases(t, bc.book)), func(dc decoderCase) bool {
				return strings.HasPrefix(dc.name, AVX512+" ") // all leave such streams to another decoder
			})
			for _, n := range []int{1, 63, 64, 65, 2047, 2049, codebook.ChunkElements - 1, codebook.ChunkElements, codebook.ChunkElements + 1, 40_000, len(bc.weights)} {
				n = min(n, len(bc.weights))
				s := must(codebook.EncodeIndexed(bc.book, bc.weights[:n], codebook.IndexTiles))
				if err := s.Validate(); err != nil {
					t.Fatal(err)
				}
				for _, dc := range decoders {
					if err := sameAsReference(t, dc, bc.book, s, 2); err != nil {
						t.Errorf("%s: %d weights: %v", dc.name, n, err)
					}
				}
			}
			damageTiles(t, bc, decoders)
		})
	}
}

// damageTiles damages the codes or the index.
func damageTiles(t *testing.T, bc bookCase, decoders []decoderCase) {
	n := min(len(bc.weights), 3*codebook.ChunkElements+100)
	sound := must(codebook.EncodeIndexed(bc.book, bc.weights[:n], codebook.IndexTiles))
	r := newRand(2)
	causes := map[codebook.Cause]int{}
	for range 25 {
		s := *sound
		s.Encoded = slices.Clone(s.Encoded)
		s.Tiles = slices.Clone(s.Tiles)
		switch r.IntN(4) {
		case 0: // a chunk starts elsewhere, and the records agree about it
			moveTile(&s, codebook.ChunkTiles*(1+r.IntN(s.Chunks()-1)), 1+r.IntN(3))
		case 1:
			s.Encoded = append(s.Encoded[:len(s.Encoded)-r.IntN(3)], make([]byte, r.IntN(2))...)
		default:
			damage(r, s.Encoded)
		}
		if s.Validate() != nil {
			continue
		}
		for _, dc := range decoders {
			if e := sameAsReference(t, dc, bc.book, &s, 3); e != nil {
				causes[e.Cause]++
			}
		}
	}
	t.Logf("causes met: %v", causes)
}

// moveTile lets a tile start some bits later, taken from one of its lanes for one of the tile before it, if there
// are lanes that can.
func moveTile(s *codebook.Stream, tile, bits int) {
	record := s.Tiles[codebook.TileBytes*tile:]
	before, lanes := s.Tile(tile - 1).Lanes[:codebook.TileLanes], s.Tile(tile).Lanes[:codebook.TileLanes]
	can := func(b byte) bool { return b > 3 && b < 250 }
	from, to := slices.IndexFunc(lanes, can), slices.IndexFunc(before, can)
	if from < 0 || to < 0 {
		return
	}
	lanes[from] -= byte(bits)
	before[to] += byte(bits)
	binary.LittleEndian.PutUint64(record, binary.LittleEndian.Uint64(record)+uint64(bits))
}

// TestTileErrors names file, unit and chunk, or tile, of what is broken in a unit without gaps.
func TestTileErrors(t *testing.T) {
	bc := bookCases()[1]
	weights := bc.weights[:2*codebook.ChunkElements]
	tiled := indexed(bc.book, weights, codebook.IndexTiles)
	path := write(t, testUnit{name: "u", book: bc.book, weights: weights, damage: func(s *codebook.Stream) {
		tiled(s)
		_, bit := s.ChunkStart(1)
		for i := range 40 {
			s.Encoded[int(bit/8)+500+i] = 0xff // no code starts with so many ones
		}
	}})
	eachDecoder(t, func(t *testing.T, decoder string) {
		m := open(t, path, WithDecoder(decoder))
		err := m.DecodeUnit(t.Context(), "u", make([]uint16, len(weights)))
		var stream *codebook.StreamError
		if !errors.As(err, &stream) || stream.Chunk != 1 || !strings.Contains(err.Error(), fmt.Sprintf(`%s: unit "u": chunk 1: element `, path)) {
			t.Errorf("error %v", err)
		}
		if err := m.DecodePart(t.Context(), m.units[0].Tensors[0].Name, 0, make([]uint16, codebook.ChunkElements)); err != nil {
			t.Errorf("the chunk before: %v", err)
		}
	})
	path = write(t, testUnit{name: "u", book: bc.book, weights: weights, damage: func(s *codebook.Stream) {
		tiled(s)
		s.Tiles[codebook.TileBytes*3+20]++
	}})
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path+`: unit "u": tiles: tile 3 ends at bit `) {
		t.Errorf("error %v", err)
	}
}
