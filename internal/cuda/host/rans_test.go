package host_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/rans"
)

var ransSource = sync.OnceValues(emit.CUDARans)

func ransKernel(t testing.TB) *host.Kernel {
	t.Helper()
	source, err := ransSource()
	if err != nil {
		t.Fatal(err)
	}
	return host.Compile(t, source)
}

var ransForms = []rans.Form{rans.Exponent, rans.Joint}

// ransStream codes weights, with a table for these.
func ransStream(t testing.TB, f rans.Form, weights []uint16, blockWeights int) *rans.Stream {
	t.Helper()
	counts := make([]uint64, f.Symbols())
	for _, w := range weights {
		counts[f.Symbol(w)]++
	}
	table, err := rans.NewTable(f, counts)
	if err != nil {
		t.Fatal(err)
	}
	s, err := rans.Encode(f, table, weights, blockWeights)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ransInput(t testing.TB, s *rans.Stream, steps int) host.RansInput {
	t.Helper()
	p, err := s.Splits(steps)
	if err != nil {
		t.Fatal(err)
	}
	return host.RansInput{Stream: s, Splits: p}
}

// checkRans launches and wants the weights.
func checkRans(t testing.TB, k *host.Kernel, l host.RansLaunch, want []uint16) {
	t.Helper()
	got, err := k.LaunchRans(l)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("weight %d of %d is %#04x, want %#04x; error word %#x", i, len(want), got[i], want[i], k.ErrorWord())
		}
	}
	if w := k.ErrorWord(); w != 0 {
		t.Fatalf("error word %#x", w)
	}
}

// normals returns n weights of a normal distribution.
func normals(seed uint64, n int) []uint16 {
	r := rand.New(rand.NewPCG(seed, 6))
	w := make([]uint16, n)
	for i := range w {
		w[i] = uint16(math.Float32bits(float32(0.02*r.NormFloat64())) >> 16)
	}
	return w
}

// words returns all bfloat16 words, in no order.
func words() []uint16 {
	w := make([]uint16, 1<<16)
	for i := range w {
		w[i] = uint16(i)
	}
	r := rand.New(rand.NewPCG(7, 7))
	r.Shuffle(len(w), func(i, j int) { w[i], w[j] = w[j], w[i] })
	return w
}

// TestRans decodes matrices of many kinds and sizes.
func TestRans(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	for _, c := range []struct {
		name                string
		weights             []uint16
		blockWeights, steps int
	}{
		{"one weight", []uint16{0xc001}, 64, 4},
		{"63", normals(1, 63), 64, 1},
		{"64", normals(2, 64), 64, 1},
		{"65", normals(3, 65), 128, 1},
		{"three splits", normals(4, 64*20), 1 << 18, 8},
		{"one split", normals(5, 64*20+5), 1 << 18, 64},
		{"odd blocks", normals(6, 3001), 777, 2},
		{"last split short", normals(7, 64*130), 64 * 52, 16},
		{"one symbol", slices.Repeat([]uint16{0x3f81}, 5000), 2048, 8},
		{"patterns", words(), 1 << 14, 64},
		{"normal", normals(8, testenv.Pick(40_000, 400_000)), 1 << 14, 64},
		{"nothing in front", append(make([]uint16, 2000), normals(9, 2000)...), 1 << 18, 16},
	} {
		for _, f := range ransForms {
			t.Run(fmt.Sprintf("%s, %v", c.name, f), func(t *testing.T) {
				in := ransInput(t, ransStream(t, f, c.weights, c.blockWeights), c.steps)
				l := host.RansLaunch{Matrices: []host.RansInput{in}, Number: 5}
				for i := range 3 {
					l.Seed, l.Offset, l.OutputOffset = uint64(i), i%2*3, i/2
					checkRans(t, k, l, c.weights)
				}
			})
		}
	}
}

// TestRansSeveral decodes several matrices in one launch.
func TestRansSeveral(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	for _, f := range ransForms {
		var l host.RansLaunch
		var want []uint16
		for i, n := range []int{100, 64, 5000, 1, 20_000, 3} {
			weights := normals(uint64(i), n)
			l.Matrices = append(l.Matrices, ransInput(t, ransStream(t, f, weights, 4096), 16))
			want = append(want, weights...)
		}
		checkRans(t, k, l, want)
	}
}
