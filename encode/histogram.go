package encode

import (
	"encoding/binary"
	"sync"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode/internal/parallel"
)

// histogramBytes is the size of the pieces that workers count: 2 MiB.
const histogramBytes = 2 << 20

// Histogram counts the exponents of weights, given as the little-endian bfloat16 bytes of any number of tensors.
// It uses at most the given number of goroutines, or GOMAXPROCS if that is 0. The last byte of a part with an odd
// length is not counted. Faults are passed on to the caller, as with [Encoder].
func Histogram(parts [][]byte, workers int) codebook.Histogram {
	var pieces [][]byte
	for _, p := range parts {
		for len(p) > histogramBytes {
			pieces = append(pieces, p[:histogramBytes])
			p = p[histogramBytes:]
		}
		pieces = append(pieces, p)
	}
	var mu sync.Mutex
	var total codebook.Histogram
	parallel.Do(len(pieces), workers, func(_, i int) {
		h := count(pieces[i])
		mu.Lock()
		defer mu.Unlock()
		total.Add(&h)
	})
	return total
}

// count counts the exponents of one piece. With four tables, additions for a run of one exponent do not wait for
// each other.
func count(b []byte) codebook.Histogram {
	var h codebook.Histogram
	b = b[2*countWhole(&h, b):]
	var tables [4][256]uint32 // a piece has fewer words than they can count
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		tables[0][w>>7&0xff]++
		tables[1][w>>23&0xff]++
		tables[2][w>>39&0xff]++
		tables[3][w>>55&0xff]++
	}
	h.CountBytes(b)
	for s := range h {
		for t := range tables {
			h[s] += uint64(tables[t][s])
		}
	}
	return h
}
