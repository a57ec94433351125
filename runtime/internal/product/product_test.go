package product

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// weights returns n bfloat16 numbers, normally distributed, and some zeros, subnormal numbers and large ones.
func weights(n int) []uint16 {
	r := newRand()
	w := make([]uint16, n)
	for i := range w {
		w[i] = uint16(math.Float32bits(float32(r.NormFloat64())/50) >> 16)
		switch r.IntN(50) {
		case 0:
			w[i] = uint16(r.IntN(2)) << 15
		case 1:
			w[i] = uint16(r.IntN(2))<<15 | uint16(r.IntN(128))
		case 2:
			w[i] = uint16(r.IntN(1<<16)) &^ (1 << 14)
		}
	}
	return w
}

func vectors(n int) []float32 {
	r := newRand()
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
		if r.IntN(20) == 0 {
			x[i] *= float32(math.Pow(2, float64(r.IntN(140)-100)))
		}
	}
	return x
}

// exactFMA is x*y + z, rounded once.
func exactFMA(x, y, z float32) float32 {
	wide := func(f float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(f)) }
	s := wide(x)
	s.Mul(s, wide(y)).Add(s, wide(z))
	f, _ := s.Float32()
	return f
}

// TestFMA compares fma with arithmetic of any precision, most of all where a second rounding would go wrong.
func TestFMA(t *testing.T) {
	r := newRand()
	number := func(from, to int) float32 {
		return float32(math.Ldexp(1+r.Float64(), from+r.IntN(to-from))) * float32(1-2*r.IntN(2))
	}
	for i := range 300_000 {
		x := math.Float32frombits(math.Float32bits(number(-30, 30)) &^ 0xffff)
		y, z := number(-30, 30), number(-60, 60)
		switch i % 4 {
		case 1: // the sum ends near the middle between two numbers
			z = float32(math.Ldexp(float64(x)*float64(y), 24))
			y = math.Float32frombits(math.Float32bits(y)&^0xfff | uint32(r.IntN(4)))
		case 2: // subnormal numbers
			x, y, z = x*0x1p-60, y*0x1p-60, number(-149, -120)
		case 3: // and among them the middles
			x, y, z = 0x1p-75*float32(1+r.IntN(7)), 0x1p-75*float32(r.IntN(9)), math.Float32frombits(uint32(r.IntN(20)))
			x = math.Float32frombits(math.Float32bits(x) &^ 0xffff)
		}
		if got, want := fma(x, y, z), exactFMA(x, y, z); got != want {
			t.Fatalf("%x * %x + %x is %x, want %x", x, y, z, got, want)
		}
	}
	inf := float32(math.Inf(1))
	for _, c := range [][4]float32{{inf, 1, 1, inf}, {1, 1, -inf, -inf}, {0x1p127, 0x1p127, 1, inf}, {-0x1p127, 0x1p127, 1, -inf}, {0x1p127, 2, -0x1p127, 0x1p127}} {
		if got := fma(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("%g * %g + %g is %g, want %g", c[0], c[1], c[2], got, c[3])
		}
	}
	for _, c := range [][3]float32{{inf, 0, 1}, {inf, 1, -inf}, {float32(math.NaN()), 1, 1}} {
		if got := fma(c[0], c[1], c[2]); got == got {
			t.Errorf("%g * %g + %g is %g, want NaN", c[0], c[1], c[2], got)
		}
	}
}

// TestMultiply compares kernels with portable Go, bit for bit, for all numbers of rows, columns and vectors that they treat
// in another way. Portable Go is compared with sums in double precision.
func TestMultiply(t *testing.T) {
	for _, cols := range []int{1, 2, 31, 32, 33, 64, 100, 768, 1000} {
		for _, rows := range []int{1, 2, 3, 4, 5, 7, 9} {
			for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 16, 19} {
				w, x := weights(rows*cols), vectors(n*cols)
				v := Pack(x, n, cols)
				stride := rows + 3
				want := make([]float32, n*stride)
				(*family)(nil).multiply(w, v, want, stride)
				for _, f := range families() {
					got := make([]float32, n*stride)
					f.multiply(w, v, got, stride)
					if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b }) {
						t.Fatalf("%s: %d rows, %d columns, %d vectors: %v, want %v", f.name, rows, cols, n, got, want)
					}
				}
			}
		}
	}
}

// TestOrder follows the order of sums as package internal/product says it.
func TestOrder(t *testing.T) {
	const cols = 100
	w, x := weights(cols), vectors(cols)
	var sums [16]float32
	for c := range 128 {
		var a, b float32
		if c < cols {
			a, b = math.Float32frombits(uint32(w[c])<<16), x[c]
		}
		sums[c%32/2] = exactFMA(a, b, sums[c%32/2])
	}
	for _, n := range []int{8, 4, 2, 1} {
		for i := range n {
			sums[i] += sums[i+n]
		}
	}
	y := make([]float32, 1)
	Multiply(w, Pack(x, 1, cols), y, 1)
	if y[0] != sums[0] {
		t.Errorf("%g, want %g", y[0], sums[0])
	}
}

func BenchmarkMultiply(b *testing.B) {
	const rows, cols = 1 << 16, 1024
	r := newRand()
	w := make([]uint16, rows*cols)
	for i := range w {
		w[i] = uint16(math.Float32bits(float32(r.NormFloat64())/50) >> 16)
	}
	for _, n := range []int{1, 2, 4, 8, 16, 64} {
		x := make([]float32, n*cols)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		v, y := Pack(x, n, cols), make([]float32, n*rows)
		for _, f := range families() {
			b.Run(fmt.Sprint(f.name, "/", n), func(b *testing.B) {
				for b.Loop() {
					f.multiply(w, v, y, rows)
				}
				b.ReportMetric(rows*cols*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gweights/s")
			})
		}
	}
}
