package codebook

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Histogram counts how often each exponent occurs. The histograms of the parts of a whole add up to its histogram.
type Histogram [256]uint64

// MaxTotal bounds the sum of a histogram's counts so that no sum of weighted counts overflows: see
// [Histogram.CheckTotal].
const MaxTotal = 1 << 56

// Count adds the exponents of weights, given as bfloat16 words.
func (h *Histogram) Count(weights []uint16) {
	for _, w := range weights {
		h[Exponent(w)]++
	}
}

// CountBytes adds the exponents of weights given as little-endian bfloat16 words.
// A last odd byte is not counted.
func (h *Histogram) CountBytes(b []byte) {
	for ; len(b) >= 2; b = b[2:] {
		h[b[1]<<1|b[0]>>7]++
	}
}

// Add adds the counts of o.
func (h *Histogram) Add(o *Histogram) {
	for i, n := range o {
		h[i] += n
	}
}

// Total returns the number of weights counted.
func (h *Histogram) Total() uint64 {
	var total uint64
	for _, n := range h {
		total += n
	}
	return total
}

// Distinct returns the number of exponents that occur.
func (h *Histogram) Distinct() int {
	distinct := 0
	for _, n := range h {
		if n > 0 {
			distinct++
		}
	}
	return distinct
}

// Entropy returns the Shannon entropy of the exponents in bits a weight. It is 0 for an empty histogram.
func (h *Histogram) Entropy() float64 {
	total := float64(h.Total())
	bits := 0.0
	for _, n := range h {
		if n > 0 {
			p := float64(n) / total
			bits -= p * math.Log2(p)
		}
	}
	return math.Abs(bits) // no negative zero for a single symbol
}

// Expressible returns an error that names the exponents which no DF11 code book can express, with their counts. It
// returns nil if there are none.
func (h *Histogram) Expressible() error {
	var outside []string
	for symbol := MaxSymbol + 1; symbol < len(h); symbol++ {
		if h[symbol] > 0 {
			outside = append(outside, fmt.Sprintf("%d (%d times)", symbol, h[symbol]))
		}
	}
	if outside != nil {
		return fmt.Errorf("codebook: exponents above %d cannot be expressed: %s", MaxSymbol, strings.Join(outside, ", "))
	}
	if h.CheckTotal() != nil {
		return fmt.Errorf("codebook: histogram counts more than 2^%d weights", bits.Len64(MaxTotal)-1)
	}
	return nil
}

// CheckTotal returns an error where the counts add up to more than [MaxTotal]. It names the exponent with which
// they do.
func (h *Histogram) CheckTotal() error {
	var total uint64
	for i, n := range h {
		if n > MaxTotal-total {
			return fmt.Errorf("count %d: more than 2^%d weights in all", i, bits.Len64(MaxTotal)-1)
		}
		total += n
	}
	return nil
}

// HeaviestRun returns the first of n successive exponents that occur most often together. Runs start at multiples
// of step. Among equals it is the lowest.
func (h *Histogram) HeaviestRun(n, step int) int {
	first, most, sum := 0, uint64(0), uint64(0)
	for i, count := range h {
		sum += count
		if i >= n {
			sum -= h[i-n]
		}
		if start := i - n + 1; start >= 0 && start%step == 0 && sum > most {
			first, most = start, sum
		}
	}
	return first
}
