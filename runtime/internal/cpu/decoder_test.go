package cpu

import (
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestDecoders compares the weights of every decoder with those that were coded, for many sizes.
func TestDecoders(t *testing.T) {
	for _, bc := range samples.Books() {
		t.Run(bc.Name, func(t *testing.T) {
			for _, dc := range decoderCases(t, bc.Book) {
				t.Run(dc.name, func(t *testing.T) {
					for n := range 301 {
						checkDecode(t, bc.Book, dc.decoder, bc.Weights[:n])
					}
					for _, n := range []int{1000, 12_000, 40_000, 70_000, len(bc.Weights)} {
						checkDecode(t, bc.Book, dc.decoder, bc.Weights[:min(n, len(bc.Weights))])
					}
				})
			}
		})
	}
}

func checkDecode(t *testing.T, b *codebook.Book, d Decoder, weights []uint16) {
	t.Helper()
	s := samples.Must(newStream(*samples.Must(codebook.Encode(b, weights))))
	dst := make([]uint16, len(weights))
	if bad := d.decode(s, 0, s.Chunks(), dst); bad != s.Chunks() {
		t.Fatalf("%d weights: chunk %d of %d rejected", len(weights), bad, s.Chunks())
	}
	if !slices.Equal(dst, weights) {
		t.Fatalf("%d weights: decoded others than were coded", len(weights))
	}
}
