package runtime

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestTileErrors checks that errors of a unit without gaps name file, unit, and chunk or tile.
func TestTileErrors(t *testing.T) {
	bc := samples.Books()[1]
	weights := bc.Weights[:2*codebook.ChunkElements]
	tiled := samples.Indexed(bc.Book, weights, codebook.IndexTiles)
	path := write(t, testUnit{name: "u", book: bc.Book, weights: weights, damage: func(s *codebook.Stream) {
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
	path = write(t, testUnit{name: "u", book: bc.Book, weights: weights, damage: func(s *codebook.Stream) {
		tiled(s)
		s.Tiles[codebook.TileBytes*3+20]++
	}})
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path+`: unit "u": tiles: tile 3 ends at bit `) {
		t.Errorf("error %v", err)
	}
}
