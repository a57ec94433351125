//go:build amd64 && !purego && unix

package encode

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/internal/guard"
)

// TestAssemblyBounds runs each function of the assembly with every buffer just as large as its caller
// promises, between pages that must not be touched, and holds it to the Go that takes its place elsewhere.
func TestAssemblyBounds(t *testing.T) {
	if !hasAVX2 {
		t.Skip("no AVX2")
	}
	for name, tc := range bookCases(t) {
		for _, n := range []int{8, 16, 64, 256, 1000, blockElements - 8, blockElements} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				weights := littleEndian(tc.weights(rand.New(rand.NewPCG(3, uint64(n))), n), false)
				c := newCodes(tc.book, nil)
				for _, end := range []bool{true, false} {
					checkPacking(t, c, weights, end)
					checkCounting(t, weights, end)
				}
			})
		}
	}
	checkShifting(t)
}

// checkPacking splits and packs weights, a whole number of groups, and finds the gaps of the stream at
// several offsets.
func checkPacking(t *testing.T, c *codes, weights []byte, end bool) {
	n := len(weights) / 2
	w, pairs := fenced(t, weights, end), fenced(t, c.pairs[:], end)
	groups, sm := fenced(t, make([]uint64, n/groupElements), end), fenced(t, make([]byte, n), end)
	if v := n / vector; v > 0 {
		splitVectors(&w[0], &groups[0], &sm[0], v)
	}
	split(w, groups, sm)
	want := packer{n: n}
	copy(want.exponents[:], groups)
	want.packWholeGo(c, 0)

	starts := fenced(t, make([]uint32, len(groups)), end)
	stream := fenced(t, make([]byte, (want.bit+7)/8+8), end)
	done, _, bit := packGroups(&groups[0], len(groups), &pairs[0], &starts[0], &stream[0], 0, 0, &w[0], &sm[0], blockElements)
	if bit != want.bit || !slices.Equal(starts[:done], want.starts[:done]) || !slices.Equal(stream[:bit/8], want.stream[1:1+bit/8]) {
		t.Fatalf("%d groups of %d bits, want %d bits", done, bit, want.bit)
	}
	if done == 0 {
		return
	}
	want.n, want.starts[done] = groupElements*done, uint32(bit)
	starts, groups = fenced(t, starts[:done], end), fenced(t, groups[:done], end)
	for _, offset := range []uint64{0, 1, 17, windowBits - 1} {
		windows := int((bit + offset) / windowBits)
		if windows == 0 {
			continue
		}
		last, gaps := fenced(t, make([]uint16, windows+1), end), fenced(t, make([]byte, windows), end)
		findGaps(&starts[0], done, offset, &last[0], &groups[0], &pairs[0], &gaps[0], windows)
		wantGaps := make([]byte, windows)
		if want.gapsGo(c, offset, wantGaps); !slices.Equal(gaps, wantGaps) {
			t.Fatalf("gaps from bit %d of a window: %v, want %v", offset, gaps, wantGaps)
		}
	}
}

// checkCounting counts the exponents of as many whole vectors as one call takes.
func checkCounting(t *testing.T, weights []byte, end bool) {
	vectors := min(len(weights)/2/vector, mostVectors)
	if vectors == 0 {
		return
	}
	weights = weights[:2*vector*vectors]
	w, counts := fenced(t, weights, end), fenced(t, make([][4]uint64, runExponents), end)
	others := fenced(t, make([]byte, vector*vectors), end)
	const first = 112
	copied := countVectors(&w[0], vectors, first, &counts[0], &others[0])
	var got [256]uint64
	for i, sums := range counts {
		got[first+i] = sums[0] + sums[1] + sums[2] + sums[3]
	}
	for _, e := range others[:vector*copied] {
		if e >= runExponents {
			got[e+first]++
		}
	}
	for e, n := range Histogram([][]byte{weights}, 1) {
		if got[e] != n {
			t.Fatalf("exponent %d counted %d times, want %d", e, got[e], n)
		}
	}
}

// checkShifting shifts random bytes.
func checkShifting(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, end := range []bool{true, false} {
		for shift := range uint64(8) {
			for _, vectors := range []int{1, 2, 9} {
				src, dst := fenced(t, make([]byte, 1+vector*vectors), end), fenced(t, make([]byte, vector*vectors), end)
				for i := range src {
					src[i] = byte(r.Uint32())
				}
				shiftVectors(&dst[0], &src[1], vectors, shift)
				for i := range dst {
					if want := src[i]<<(8-shift) | src[i+1]>>shift; dst[i] != want {
						t.Fatalf("shifted by %d: byte %d is %#x, want %#x", shift, i, dst[i], want)
					}
				}
			}
		}
	}
}

// fenced copies s to memory that ends, or begins, at a forbidden page.
func fenced[T any](t *testing.T, s []T, end bool) []T {
	f := guard.AfterOf[T](t, len(s))
	if end {
		f = guard.BeforeOf[T](t, len(s))
	}
	copy(f, s)
	return f
}
