//go:build unix

package encode

import (
	"math/rand/v2"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/guard"
)

// TestGuardPages encodes between pages that must not be touched: weights, tensors, the index, and
// the memory of the packer itself.
func TestGuardPages(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for name, tc := range bookCases(t) {
		t.Run(name, func(t *testing.T) {
			implementations(t, func(t *testing.T) {
				for _, n := range []int{1, 7, 8, 31, 32, 33, 300, blockElements - 1, blockElements, 2*blockElements + 45} {
					weights := tc.weights(r, n)
					bytes := littleEndian(weights, false)
					first := Encoder{Workers: 1} // to know the sizes
					s, err := first.Encode(tc.book, [][]byte{bytes})
					if err != nil {
						t.Fatal(err)
					}
					windows := windowsIn(8 * uint64(len(s.Encoded)))
					for _, of := range []func(int) []byte{
						func(n int) []byte { return guard.Before(t, n) },
						func(n int) []byte { return guard.After(t, n) },
					} {
						e := Encoder{Workers: 1, packers: []*packer{&guard.BeforeOf[packer](t, 1)[0]}}
						e.signMantissa = of(n)
						e.stream.encoded, e.stream.gaps = of(windows*windowBytes), of(windows+1)
						e.stream.positions = guard.BeforeOf[uint32](t, windows/codebook.ChunkWindows+2)
						part := of(2 * n)
						copy(part, bytes)
						check(t, &e, tc.book, weights, [][]byte{part})
						if got := Histogram([][]byte{part}, 1); got != *histogramOf(weights) {
							t.Errorf("%d weights: wrong histogram", n)
						}
					}
				}
			})
		})
	}
}
