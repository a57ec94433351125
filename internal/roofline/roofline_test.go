//go:build unix

package roofline

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/internal/guard"
)

// TestMove compares the vectors with the portable code, between forbidden pages.
func TestMove(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, words := range []int{0, 1, 63, 64, 65, 128, 1000, 4096} {
		stream, sm := guard.Before(t, StreamBytes(words)), guard.Before(t, words)
		for _, b := range [][]byte{stream, sm} {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
		}
		got, want := guard.BeforeOf[uint16](t, words), make([]uint16, words)
		Move(got, stream, sm)
		if blocks := uint64(words / BlockWeights); blocks > 0 {
			moveGeneric(&want[0], &stream[0], &sm[0], blocks)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d words: vectors and portable code differ", words)
		}
	}
}
