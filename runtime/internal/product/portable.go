package product

import (
	"math"

	"github.com/seed54244801/bespoke/internal/product"
)

// row multiplies a row with a vector that is packed for kernels.
func row(w []uint16, x []float32) float32 {
	var sums [product.Sums]float32
	for ; len(w) > 0; x = x[product.Group:] {
		n := min(len(w), product.Group)
		for i := range n {
			sum := &sums[i/2]
			*sum = fma(math.Float32frombits(uint32(w[i])<<16), x[i%2*product.Sums+i/2], *sum)
		}
		w = w[n:]
	}
	for n := product.Sums / 2; n > 0; n /= 2 {
		for i := range n {
			sums[i] += sums[i+n]
		}
	}
	return sums[0]
}

// fma returns x*y + z with one rounding, for a bfloat16 number x.
func fma(x, y, z float32) float32 {
	// The product has 32 bits, so it is exact. The sum is rounded to odd: towards zero, and then the last bit is set if
	// anything was lost. Of so many more bits than it has to have, such a number rounds as the exact one does (Boldo and
	// Melquiond, Emulation of a FMA and correctly rounded sums, IEEE Transactions on Computers 57(4), 2008).
	p, c := float64(x)*float64(y), float64(z)
	s := p + c
	t := s - p
	lost := (p - (s - t)) + (c - t) // exactly what s lacks (Knuth's TwoSum)
	if lost != 0 && !math.IsInf(s, 0) && !math.IsNaN(lost) {
		bits := math.Float64bits(s)
		if (lost > 0) != (s > 0) {
			bits--
		}
		s = math.Float64frombits(bits | 1)
	}
	return float32(s)
}
