package kerneltest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/seed54244801/bespoke/codebook"
)

// A sample is one unit, with the weights or the error of the reference decoder.
type sample struct {
	name    string
	stream  *codebook.Stream
	weights []uint16
	err     error // the error of a damaged stream; the weights then have no meaning
	damage  int   // how many times a sound stream is damaged in each way
}

// samples returns units of several sizes for book i, with the given index. They have no weights, a few weights,
// numbers around the sizes at which vector loops begin, one chunk, several chunks, and every word that the book can
// code.
func (s *Suite) samples(i int, index codebook.Index) ([]sample, error) {
	book := s.Kernel.Books[i]
	r := rand.New(rand.NewPCG(0xbe5, uint64(i)))
	// A chunk has at most as many weights as bits. One more weight starts the next chunk.
	pool := draw(r, book, &s.Histograms[i], 3*codebook.ChunkBits+1)
	var all []sample
	add := func(name string, weights []uint16, damage int) {
		all = append(all, sample{name: fmt.Sprintf("book=%d %s", i, name), weights: weights, damage: damage})
	}
	for _, n := range []int{0, 1, 7, 31, 32, 33, 300} {
		add(fmt.Sprint(n), pool[:n], 3)
	}
	for _, chunks := range []int{1, 2, 3} {
		n := fitting(book, pool, chunks)
		add(fmt.Sprintf("chunks=%d", chunks), pool[:n], 0)
		add(fmt.Sprintf("chunks=%d and one weight", chunks), pool[:n+1], chunks)
	}
	add("every word", everyWord(r, book), 2)
	for k := range all {
		stream, err := codebook.EncodeIndexed(book, all[k].weights, index)
		if err != nil {
			return nil, err
		}
		all[k].stream = stream
	}
	return all, nil
}

// draw returns n weights with random signs and mantissas. Their exponents are drawn from the histogram, or from the
// book if the histogram is empty.
func draw(r *rand.Rand, book *codebook.Book, h *codebook.Histogram, n int) []uint16 {
	symbols := book.Symbols()
	upTo := make([]uint64, len(symbols)) // the number of weights with this symbol or a lower one
	total := uint64(0)
	for k, symbol := range symbols {
		total += h[symbol]
		upTo[k] = total
	}
	weights := make([]uint16, n)
	for k := range weights {
		symbol := symbols[r.IntN(len(symbols))]
		if total > 0 {
			at := r.Uint64N(total)
			symbol = symbols[sort.Search(len(upTo), func(j int) bool { return upTo[j] > at })]
		}
		weights[k] = codebook.Join(symbol, uint8(r.Uint32()))
	}
	return weights
}

// fitting returns how many of the weights fill the given number of chunks.
func fitting(book *codebook.Book, weights []uint16, chunks int) int {
	bits := 0
	for n, w := range weights {
		if bits += int(book.Code(codebook.Exponent(w)).Length); bits > chunks*codebook.ChunkBits {
			return n
		}
	}
	return len(weights)
}

// everyWord returns all weights that the book can code, in random order. Rare exponents are next to each other,
// which hardly ever occurs in a model.
func everyWord(r *rand.Rand, book *codebook.Book) []uint16 {
	var weights []uint16
	for _, symbol := range book.Symbols() {
		for signMantissa := range 256 {
			weights = append(weights, codebook.Join(symbol, uint8(signMantissa)))
		}
	}
	r.Shuffle(len(weights), func(i, j int) { weights[i], weights[j] = weights[j], weights[i] })
	return weights
}

// mutations returns damaged copies of a stream. The sizes of their tensors still agree.
func mutations(r *rand.Rand, of sample) []sample {
	if len(of.weights) == 0 {
		return nil
	}
	var all []sample
	add := func(name string, damage func(s *codebook.Stream)) {
		s := &codebook.Stream{
			Luts:            of.stream.Luts,
			Encoded:         slices.Clone(of.stream.Encoded),
			SignMantissa:    of.stream.SignMantissa,
			OutputPositions: slices.Clone(of.stream.OutputPositions),
			Gaps:            slices.Clone(of.stream.Gaps),
			Tiles:           slices.Clone(of.stream.Tiles),
		}
		damage(s)
		if s.Validate() != nil {
			return
		}
		weights := make([]uint16, s.Elements())
		err := codebook.Decode(weights, s)
		all = append(all, sample{name: fmt.Sprintf("%s, %s", of.name, name), stream: s, weights: weights, err: err})
	}
	flip := func(b []byte) int {
		bit := r.IntN(8 * len(b))
		b[bit/8] ^= 0x80 >> (bit % 8)
		return bit
	}
	for k := range of.damage {
		add(fmt.Sprintf("bit flipped %d", k), func(s *codebook.Stream) { flip(s.Encoded) })
		add(fmt.Sprintf("bytes of ones %d", k), func(s *codebook.Stream) { fill(r, s.Encoded, 0xff) })
		add(fmt.Sprintf("bytes of zeros %d", k), func(s *codebook.Stream) { fill(r, s.Encoded, 0) })
		if of.stream.Index().HasGaps() {
			add(fmt.Sprintf("gap %d", k), func(s *codebook.Stream) { flip(s.Gaps[:1]) })
			add(fmt.Sprintf("positions %d", k), func(s *codebook.Stream) { flip(s.OutputPositions) })
		}
	}
	for cut := 1; cut <= of.damage; cut++ {
		add(fmt.Sprintf("%d bytes cut off", cut), func(s *codebook.Stream) {
			s.Encoded = s.Encoded[:max(0, len(s.Encoded)-cut)]
		})
		add(fmt.Sprintf("%d bytes added", cut), func(s *codebook.Stream) {
			s.Encoded = append(s.Encoded, make([]byte, cut)...)
		})
	}
	return all
}

// fill overwrites up to 16 bytes somewhere in b.
func fill(r *rand.Rand, b []byte, value byte) {
	from := r.IntN(len(b))
	for k := from; k < min(len(b), from+1+r.IntN(16)); k++ {
		b[k] = value
	}
}
