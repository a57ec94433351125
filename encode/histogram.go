package encode

import (
	"encoding/binary"
	"math"

	"github.com/seed54244801/bespoke/codebook"
)

const (
	// histogramBytes is the size of the pieces that workers count: 2 MiB.
	histogramBytes = 2 << 20
	// fewBytes is the size up to which it does not pay to count pairs.
	fewBytes = 256 << 10
)

// Histogram counts the exponents of weights, given as the little-endian bfloat16 bytes of any
// number of tensors, with at most the given number of goroutines, GOMAXPROCS if 0. A last odd byte
// of a part does not count.
func Histogram(parts [][]byte, most int) codebook.Histogram {
	var pieces [][]byte
	bytes := 0
	for _, p := range parts {
		bytes += len(p)
		for len(p) > histogramBytes {
			pieces = append(pieces, p[:histogramBytes])
			p = p[histogramBytes:]
		}
		pieces = append(pieces, p)
	}
	var total codebook.Histogram
	if bytes <= fewBytes {
		for _, p := range pieces {
			total.CountBytes(p)
		}
		return total
	}
	counters := make([]pairCounter, workers(most, len(pieces)))
	parallel(len(pieces), most, func(worker, i int) { counters[worker].count(pieces[i]) })
	for i := range counters {
		counters[i].flush()
		total.Add(&counters[i].total)
	}
	return total
}

// A pairCounter counts pairs of exponents: half as many steps as counting them one by one, and runs of one
// exponent hardly make them wait for each other. Only the few thousand pairs that occur need a place in
// the cache.
type pairCounter struct {
	pairs   [1 << 16]uint32 // by the first exponent in the low byte and the second in the high one
	counted int             // bytes since they were 0
	total   codebook.Histogram
}

// count counts the exponents of one piece.
func (c *pairCounter) count(b []byte) {
	if c.counted += len(b); c.counted > math.MaxUint32 {
		c.flush()
	}
	for ; len(b) >= 16; b = b[16:] {
		e0 := binary.LittleEndian.Uint64(b) >> 7 & 0x00ff00ff00ff00ff
		e1 := binary.LittleEndian.Uint64(b[8:]) >> 7 & 0x00ff00ff00ff00ff
		e0 |= e0 >> 8
		e1 |= e1 >> 8
		c.pairs[uint16(e0)]++
		c.pairs[uint16(e0>>32)]++
		c.pairs[uint16(e1)]++
		c.pairs[uint16(e1>>32)]++
	}
	c.total.CountBytes(b)
}

// flush moves the counts of pairs to the total.
func (c *pairCounter) flush() {
	for second := range 256 {
		row := c.pairs[256*second:][:256]
		for first, n := range row {
			c.total[first] += uint64(n)
			c.total[second] += uint64(n)
		}
		clear(row)
	}
	c.counted = 0
}
