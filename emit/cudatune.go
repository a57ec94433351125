package emit

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
	"github.com/seed54244801/bespoke/templates"
)

// A CUDAShape is one choice of the parameters of the CUDA kernels, and what it costs the plan's weights.
type CUDAShape struct {
	// TableBits is the width of the multi-symbol table; Lookups decode a window.
	TableBits, Lookups int
	// Needed is the mean number of lookups that a warp of windows needs.
	Needed float64
	// Slow is the share of warps in which some window is decoded slowly: after Lookups codes are left, or a code has no
	// entry.
	Slow float64
	// Instructions is the estimate of what a warp issues for a weight of each lane, in decode and decode_native.
	Instructions, Native float64
	// Shared is the dynamic shared memory in bytes for an average chunk.
	Shared int
	// Fits says that the published caller provides as much.
	Fits bool
}

// What a warp issues, from the machine code for sm_90 (docs/KERNELS.md). Lookups are counted by their parts.
const (
	fixedOfThread    = 171 // start, comparison of the luts, prefix sum
	fixedOfWindow    = 140 // its load and end, putting its digits, the merge of its weights
	slowOfWindow     = 60
	slowOfLookup     = 35 // read code by code or entry by entry
	ofEntry          = 3  // index, address, load
	maxCUDAShared    = 28 << 10
	simulatedWindows = 4096
)

// CUDAShapes returns the candidates in ascending order of TableBits and Lookups and the index of the cheapest that fits
// in shared memory, or of the cheapest of all where none does. The lookups are counted on a stream that is drawn from the
// plan's histograms, always the same.
func CUDAShapes(p *Plan) ([]CUDAShape, int, error) {
	if err := p.Validate(); err != nil {
		return nil, 0, err
	}
	counts, err := p.counts()
	if err != nil { // then each book has the weights that it expects, and as many as any other
		counts = make([]codebook.Histogram, len(p.Books))
	}
	var total float64
	for i := range counts {
		total += float64(counts[i].Total())
	}
	var shapes []CUDAShape
	for bits := templates.MinTableBits; bits <= templates.MaxTableBits; bits++ {
		from := len(shapes)
		for n := 5; n <= templates.MaxLookups; n++ {
			shapes = append(shapes, CUDAShape{TableBits: bits, Lookups: n})
		}
		codes := 0.0 // of a window
		for i, b := range p.Books {
			share := 1 / float64(len(p.Books))
			if total > 0 {
				share = float64(counts[i].Total()) / total
			}
			s := sample(b, &counts[i], bits)
			codes += share * s.codes
			for j := range shapes[from:] {
				shapes[from+j].add(s, share)
			}
		}
		for j := range shapes[from:] {
			shapes[from+j].finish(codes)
		}
	}
	best := -1
	for i, s := range shapes {
		if s.Fits && (best < 0 || s.Instructions < shapes[best].Instructions) {
			best = i
		}
	}
	if best < 0 {
		best = slices.IndexFunc(shapes, func(s CUDAShape) bool { return s.TableBits == templates.MinTableBits })
	}
	return shapes, best, nil
}

// sampled is what a sample of windows gives.
type sampled struct {
	codes   float64 // of a window
	lookups []int   // that each warp needs
	escapes []bool  // whether one of its windows meets a code without entry
}

// sample decodes windows of a stream drawn from the histogram.
func sample(b *codebook.Book, h *codebook.Histogram, bits int) *sampled {
	symbols := b.Symbols()
	weights := make([]uint64, len(symbols))
	var total uint64
	for i, s := range symbols {
		if weights[i] = h[s]; h.Total() == 0 {
			weights[i] = 1 << (codebook.MaxLength - b.Code(s).Length)
		}
		total += weights[i]
		weights[i] = total
	}
	random := rand.New(rand.NewPCG(1, 1))
	base := int(kernel.NewCUDABook(b, 1).Base)
	draw := func() (length int, digit bool) {
		at, _ := slices.BinarySearch(weights, random.Uint64N(total)+1)
		s := symbols[at]
		return int(b.Code(s).Length), int(s) >= base && int(s) < base+kernel.CUDADigits
	}
	const lanes = 32
	s := &sampled{lookups: make([]int, simulatedWindows/lanes), escapes: make([]bool, simulatedWindows/lanes)}
	codes, at := 0, 0
	length, digit := draw()
	for w := range simulatedWindows {
		lookups := 0
		for at < codebook.WindowBits {
			lookups++
			used, n := 0, 0
			for at < codebook.WindowBits && n < kernel.CUDAEntryDigits && digit && used+length <= bits {
				used += length
				at += length
				n++
				length, digit = draw()
			}
			if n == 0 { // by itself
				s.escapes[w/lanes] = true
				at += length
				n = 1
				length, digit = draw()
			}
			codes += n
		}
		at -= codebook.WindowBits
		s.lookups[w/lanes] = max(s.lookups[w/lanes], lookups)
	}
	s.codes = float64(codes) / simulatedWindows
	return s
}

// add counts the warps of a sample with the given share.
func (c *CUDAShape) add(s *sampled, share float64) {
	share /= float64(len(s.lookups))
	for i, n := range s.lookups {
		c.Needed += share * float64(n)
		if n > c.Lookups || s.escapes[i] {
			c.Slow += share
		}
	}
}

// finish works out the costs, a window having so many codes.
func (c *CUDAShape) finish(codes float64) {
	window := fixedOfWindow + c.ofLookups() + c.Slow*(slowOfWindow+slowOfLookup*c.Needed)
	fetch := 2 * float64(int(1)<<c.TableBits) / 4 / codebook.ChunkWindows // load and store, four words each
	c.Instructions = (fixedOfThread + fetch + window) / codes
	c.Native = (fixedOfThread + 2*fetch + 2*window) / (2 * codes)
	chunk := int(codes * codebook.ChunkWindows)
	l := kernel.CUDALaunch{TableBits: c.TableBits}
	c.Shared = l.Shared(chunk)
	c.Fits = c.Shared <= maxCUDAShared && c.Shared <= codebook.ChunkWindows*4+4+2*chunk
}

// ofLookups counts the instructions of a window's lookups: their parts, and the funnel shifts that move on as many words
// of the stream as later lookups see and make room in as many words as the digits fill.
func (c *CUDAShape) ofLookups() float64 {
	const digitBits, accumulator = 20, 4
	words := func(bits int) int { return (bits + 31) / 32 }
	n := 0.0
	for i := range c.Lookups {
		n += ofEntry + 1 + 0.5 // with the count of the second shift, and the sum of two entries at once
		n += float64(min(words((i+1)*digitBits), accumulator))
		n += float64(words((c.Lookups - i - 1) * c.TableBits))
	}
	return n
}

// ExplainCUDA tells a person how the parameters of the CUDA kernels were chosen, a line each.
func ExplainCUDA(p *Plan) ([]string, error) {
	shapes, best, err := CUDAShapes(p)
	if err != nil {
		return nil, err
	}
	lines := []string{"CUDA kernels: candidates, and the choice by instructions of decode among those that fit", ""}
	lines = append(lines, "  table bits  lookups  needed by a warp  slow warps  decode  decode_native  shared bytes")
	for i, s := range shapes {
		note := ""
		switch {
		case i == best:
			note = "  chosen"
		case !s.Fits:
			note = "  does not fit"
		}
		lines = append(lines, fmt.Sprintf("  %10d  %7d  %16.2f  %8.2f %%  %6.1f  %13.1f  %12d%s",
			s.TableBits, s.Lookups, s.Needed, 100*s.Slow, s.Instructions, s.Native, s.Shared, note))
	}
	for i, b := range p.Books {
		base := kernel.NewCUDABook(b, 1).Base
		lines = append(lines, fmt.Sprintf("  book %d: codes of at most %d bits, exponents %d to %d are digits, up to %d in an entry",
			i, b.MaxLength(), base, base+kernel.CUDADigits-1, kernel.CUDAEntryDigits))
	}
	return lines, nil
}
