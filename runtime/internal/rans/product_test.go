//go:build amd64 && !purego

package rans

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

func split(x []float32) []float32 {
	y := make([]float32, len(x))
	for i := range x {
		y[i/32*32+i%2*16+i%32/2] = x[i]
	}
	return y
}

func plain(w []uint16, x []float32, rows, cols int) []float32 {
	y := make([]float32, rows)
	multiplyPlain(&states.PlainJob{W: &w[0], X: &x[0], Y: &y[0], Rows: uint64(rows), RowSteps: uint64(cols / 64)})
	return y
}

func (s *Stream) fused(x []float32, cols int, y []float32) {
	w := works.Get().(*work)
	defer w.done()
	rowsBlock := s.BlockWeights / cols
	for first := 0; first < s.Len(); first += 4 {
		n := min(4, s.Len()-first)
		var all [4]progress
		for i := range n {
			all[i] = progress{Block: s.Block(s.layout, first+i)}
			all[i].states, _ = all[i].Start()
		}
		job := &w.job
		job.X, job.RowSteps, job.RowLeft, job.Row = &x[0], uint64(cols/64), uint64(cols/64), 0
		job.Sums = [4][16]float32{}
		for i := range 4 {
			job.Y[i] = &y[(first+min(i, n-1))*rowsBlock]
		}
		for blocks := unfinished(all[:n]); len(blocks) > 0; blocks = unfinished(all[:n]) {
			if len(blocks) != n {
				panic("uneven")
			}
			w.fill(s, blocks)
			multiplyExponents(job)
			w.take(blocks)
		}
	}
}

func TestProduct(t *testing.T) {
	if !multiplies() {
		t.Skip("the CPU cannot run the kernels")
	}
	for _, cols := range []int{64, 128, 1024} {
		rows := 256
		weights := normal(rows * cols)
		x := make([]float32, cols)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		xs := split(x)
		want := plain(weights, xs, rows, cols)
		for row := range rows {
			sum := 0.0
			for c := range cols {
				sum += float64(x[c]) * float64(math.Float32frombits(uint32(weights[row*cols+c])<<16))
			}
			if math.Abs(sum-float64(want[row])) > 1e-4 {
				t.Fatalf("row %d: %g, want %g", row, want[row], sum)
			}
		}
		for _, rb := range []int{16, 64, 256} {
			s := must(New(encode(t, rans.Exponent, weights, rb*cols), AVX512))
			got := make([]float32, rows)
			s.fused(xs, cols, got)
			if !slices.Equal(got, want) {
				t.Fatalf("cols %d rb %d: %v %v", cols, rb, got[:8], want[:8])
			}
		}
	}
}

func BenchmarkProduct(b *testing.B) {
	const cols, rows = 1024, 65536
	weights := slices.Repeat(normal(4<<20), cols*rows>>22)
	x := make([]float32, cols)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	s := must(New(encode(b, rans.Exponent, weights, 256*cols), AVX512))
	y := make([]float32, rows)
	b.Run("plain", func(b *testing.B) {
		b.SetBytes(cols * rows)
		for b.Loop() {
			plain(weights, x, rows, cols)
		}
	})
	b.Run("fused", func(b *testing.B) {
		b.SetBytes(cols * rows)
		for b.Loop() {
			s.fused(x, cols, y)
		}
	})
}
