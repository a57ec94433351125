package runtime

import (
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// TestDecoders holds every decoder to the weights that were coded, for all sizes of interest.
func TestDecoders(t *testing.T) {
	for _, bc := range bookCases() {
		t.Run(bc.name, func(t *testing.T) {
			for _, dc := range decoderCases(t, bc.book) {
				t.Run(dc.name, func(t *testing.T) {
					for n := range 301 {
						checkDecode(t, bc.book, dc.decoder, bc.weights[:n])
					}
					for _, n := range []int{1000, 12_000, 40_000, 70_000, len(bc.weights)} {
						checkDecode(t, bc.book, dc.decoder, bc.weights[:min(n, len(bc.weights))])
					}
				})
			}
		})
	}
}

func checkDecode(t *testing.T, b *codebook.Book, d chunkDecoder, weights []uint16) {
	t.Helper()
	s := must(newStream(*must(codebook.Encode(b, weights))))
	dst := make([]uint16, len(weights))
	if bad := d.decode(s, 0, s.Chunks(), dst); bad != s.Chunks() {
		t.Fatalf("%d weights: chunk %d of %d rejected", len(weights), bad, s.Chunks())
	}
	if !slices.Equal(dst, weights) {
		t.Fatalf("%d weights: decoded others than were coded", len(weights))
	}
}
