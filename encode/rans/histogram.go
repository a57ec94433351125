package rans

import (
	"encoding/binary"
	"sync"

	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/encode/internal/parallel"
	"github.com/seed54244801/bespoke/rans"
)

// histogramBytes is the size of the pieces that workers count: 2 MiB.
const histogramBytes = 2 << 20

// Histogram counts the symbols of weights, given as the little-endian bfloat16 bytes of any number of tensors. It returns a
// number for each symbol of the form. It uses at most the given number of goroutines, or GOMAXPROCS if that is 0. The last
// byte of a part with an odd length is not counted. Faults are passed on to the caller, as with [Encoder.Encode].
func Histogram(f rans.Form, parts [][]byte, workers int) []uint64 {
	if f == rans.Exponent {
		h := encode.Histogram(parts, workers)
		return h[:]
	}
	var pieces [][]byte
	for _, p := range parts {
		for len(p) > histogramBytes {
			pieces = append(pieces, p[:histogramBytes])
			p = p[histogramBytes:]
		}
		pieces = append(pieces, p)
	}
	var mu sync.Mutex
	total := make([]uint64, rans.Joint.Symbols())
	parallel.Do(len(pieces), workers, func(_, i int) {
		var counts [512]uint64
		countWeights(&counts, pieces[i])
		mu.Lock()
		defer mu.Unlock()
		for s, n := range counts {
			total[s] += n
		}
	})
	return total
}

// countWeights adds the joint symbols of a piece to counts. With four tables, additions for a run of one symbol do not wait
// for each other.
func countWeights(counts *[512]uint64, b []byte) {
	b = b[countWhole(counts, b):]
	var tables [4][512]uint32 // a piece has fewer words than they can count
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		tables[0][w>>6&0x1ff]++
		tables[1][w>>22&0x1ff]++
		tables[2][w>>38&0x1ff]++
		tables[3][w>>54&0x1ff]++
	}
	for ; len(b) >= 2; b = b[2:] {
		tables[0][binary.LittleEndian.Uint16(b)>>6&0x1ff]++
	}
	for s := range counts {
		for t := range tables {
			counts[s] += uint64(tables[t][s])
		}
	}
}
