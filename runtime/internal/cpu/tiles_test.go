package cpu

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestTileIndex decodes streams with tiles alone, and compares every decoder with the reference. Sound streams have
// sizes around the borders of tiles and chunks. Others are damaged.
func TestTileIndex(t *testing.T) {
	for _, bc := range samples.Books() {
		t.Run(bc.Name, func(t *testing.T) {
			decoders := slices.DeleteFunc(slices.Clone(decoderCases(t, bc.Book)), func(dc decoderCase) bool {
				return strings.HasPrefix(dc.name, AVX512+" ") // its variants all leave such streams to the same other decoder
			})
			for _, n := range []int{1, 63, 64, 65, 2047, 2049, codebook.ChunkElements - 1, codebook.ChunkElements, codebook.ChunkElements + 1, 40_000, len(bc.Weights)} {
				n = min(n, len(bc.Weights))
				s := samples.Must(codebook.EncodeIndexed(bc.Book, bc.Weights[:n], codebook.IndexTiles))
				if err := s.Validate(); err != nil {
					t.Fatal(err)
				}
				for _, dc := range decoders {
					if err := sameAsReference(t, dc, bc.Book, s, 2); err != nil {
						t.Errorf("%s: %d weights: %v", dc.name, n, err)
					}
				}
			}
			damageTiles(t, bc, decoders)
		})
	}
}

// damageTiles damages the codes or the index.
func damageTiles(t *testing.T, bc samples.Book, decoders []decoderCase) {
	n := min(len(bc.Weights), 3*codebook.ChunkElements+100)
	sound := samples.Must(codebook.EncodeIndexed(bc.Book, bc.Weights[:n], codebook.IndexTiles))
	r := samples.NewRand(2)
	causes := map[codebook.Cause]int{}
	for range testenv.Pick(15, 25) {
		s := *sound
		s.Encoded = slices.Clone(s.Encoded)
		s.Tiles = slices.Clone(s.Tiles)
		switch r.IntN(4) {
		case 0: // a chunk starts elsewhere, and the records agree about it
			samples.MoveTile(&s, codebook.ChunkTiles*(1+r.IntN(s.Chunks()-1)), 1+r.IntN(3))
		case 1:
			s.Encoded = append(s.Encoded[:len(s.Encoded)-r.IntN(3)], make([]byte, r.IntN(2))...)
		default:
			samples.Damage(r, s.Encoded)
		}
		if s.Validate() != nil {
			continue
		}
		for _, dc := range decoders {
			if e := sameAsReference(t, dc, bc.Book, &s, 3); e != nil {
				causes[e.Cause]++
			}
		}
	}
	t.Logf("causes met: %v", causes)
}
