package runtime

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestDecodePart decodes parts that begin and end in the middle of chunks, at borders, and parts without elements.
func TestDecodePart(t *testing.T) {
	bc := samples.Books()[1]
	weights := bc.Weights[:60_000]
	for index := range codebook.IndexNames() {
		t.Run("index="+codebook.Index(index).String(), func(t *testing.T) {
			decoders := Available()
			if !codebook.Index(index).HasGaps() {
				decoders = onCPU()
			}
			testDecodePart(t, decoders, testUnit{name: "u", book: bc.Book, weights: weights, damage: samples.Indexed(bc.Book, weights, codebook.Index(index))})
		})
	}
}

func testDecodePart(t *testing.T, decoders []DecoderInfo, u testUnit) {
	weights := u.weights
	path := write(t, u)
	each(t, decoders, func(t *testing.T, decoder string) {
		m := open(t, path, WithDecoder(decoder), WithWorkers(2))
		s := &m.units[0].coded.Stream
		at := []int{0, 1, 100, len(weights) - 1, len(weights)}
		for c := 1; c < s.Chunks(); c++ {
			first, _ := s.ChunkStart(c)
			at = append(at, first-1, first, first+1)
		}
		name := m.units[0].Tensors[0].Name
		for _, from := range at {
			for _, to := range at {
				if from > to {
					continue
				}
				got := make([]uint16, to-from)
				if err := m.DecodePart(t.Context(), name, from, got); err != nil || !slices.Equal(got, weights[from:to]) {
					t.Errorf("elements %d to %d: wrong weights or error %v", from, to, err)
				}
			}
		}
		for _, tc := range []struct {
			name     string
			first, n int
			want     string
		}{
			{"none", 0, 1, `no coded tensor "none"`},
			{name, -1, 1, "1 elements from -1 on, it has 60000"},
			{name, 59_999, 2, "2 elements from 59999 on, it has 60000"},
			{name, 60_001, 0, "0 elements from 60001 on, it has 60000"},
		} {
			if err := m.DecodePart(t.Context(), tc.name, tc.first, make([]uint16, tc.n)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: error %v, want one with %q", fmt.Sprint(tc), err, tc.want)
			}
		}
	})
}
