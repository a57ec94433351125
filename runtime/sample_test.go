package runtime

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/shapes"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// trained returns n words that look like trained weights: normally distributed, of small deviation.
func trained(n int, seed uint64) []uint16 {
	r := rand.New(rand.NewPCG(seed, 1))
	weights := make([]uint16, n)
	for i := range weights {
		weights[i] = uint16(math.Float32bits(float32(r.NormFloat64()*0.02)) >> 16)
	}
	return weights
}

// histogram counts the exponents of weights.
func histogram(weights []uint16) *codebook.Histogram {
	var h codebook.Histogram
	h.Count(weights)
	return &h
}

// everyWord returns all words that DF11 can express, shuffled: rare exponents in a row, unlike in
// any model.
func everyWord() []uint16 {
	var weights []uint16
	for w := range 1 << 16 {
		if codebook.Exponent(uint16(w)) <= codebook.MaxSymbol {
			weights = append(weights, uint16(w))
		}
	}
	r := rand.New(rand.NewPCG(3, 3))
	r.Shuffle(len(weights), func(i, j int) { weights[i], weights[j] = weights[j], weights[i] })
	return weights
}

// A bookCase is a code book with words that it can code.
type bookCase struct {
	name    string
	book    *codebook.Book
	weights []uint16
}

// bookCases covers short and long codes, canonical and published ones, few and many symbols.
var bookCases = sync.OnceValue(func() []bookCase {
	normal := trained(200_000, 7)
	h := histogram(normal)
	words := everyWord()
	// Powers of two make a code of which each length occurs once, up to the longest.
	var steep codebook.Histogram
	var steepWords []uint16
	for k := range codebook.MaxLength {
		steep[100+k] = 1 << k
		for i := range min(1<<k, 3000) {
			steepWords = append(steepWords, codebook.Join(uint8(100+k), uint8(i)))
		}
	}
	r := rand.New(rand.NewPCG(5, 5))
	r.Shuffle(len(steepWords), func(i, j int) { steepWords[i], steepWords[j] = steepWords[j], steepWords[i] })
	same := make([]uint16, 100_000)
	two := make([]uint16, 100_000)
	for i := range same {
		same[i] = codebook.Join(120, uint8(i))
		two[i] = codebook.Join(uint8(120+i%7/6), uint8(i))
	}
	canonical := func(h *codebook.Histogram, limit int) *codebook.Book { return must(codebook.Canonical(h, limit)) }
	// Codes of at most six bits, and none of ones alone.
	var six [256]uint8
	copy(six[118:], []uint8{6, 5, 4, 3, 2, 2, 2})
	sixBook := must(codebook.NewCanonical(&six, 0))
	sixWords := slices.DeleteFunc(slices.Clone(normal), func(w uint16) bool { return six[codebook.Exponent(w)] == 0 })
	return []bookCase{
		{"limit=10", canonical(h, 10), normal},
		{"limit=11", canonical(h, 11), normal},
		{"limit=12", canonical(h, 12), normal},
		{"limit=16", canonical(h, 16), normal},
		{"natural", canonical(h, 32), normal},
		{"published", must(codebook.Published(h)), normal},
		{"all words", canonical(histogram(words), 12), words},
		{"all words published", must(codebook.Published(histogram(words))), words},
		{"steep", canonical(&steep, 32), steepWords},
		{"one symbol", canonical(histogram(same), 11), same},
		{"two symbols", canonical(histogram(two), 11), two},
		{"six", sixBook, sixWords},
	}
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A decoderCase is one way to decode a book.
type decoderCase struct {
	name    string
	decoder chunkDecoder
}

// decoderCases lists the decoders of this build and machine that can decode a book. They are made
// once for each book.
func decoderCases(tb testing.TB, b *codebook.Book) []decoderCase {
	tb.Helper()
	for _, d := range Available() {
		if !d.Available && d.Name != CUDA {
			tb.Logf("without %s: %s", d.Name, d.Reason)
		}
	}
	made.Lock()
	defer made.Unlock()
	if made.cases[b] == nil {
		made.cases[b] = newDecoderCases(b)
	}
	return made.cases[b]
}

var made = struct {
	sync.Mutex
	cases map[*codebook.Book][]decoderCase
}{cases: make(map[*codebook.Book][]decoderCase)}

func newDecoderCases(b *codebook.Book) []decoderCase {
	cases := []decoderCase{{Generic, must(newPortable(b))}}
	if missingForAVX2() != "" {
		return cases
	}
	cases = append(cases, decoderCase{AVX2, newLanes(must(newPortable(b)))})
	if missingForAVX512() != "" {
		return cases
	}
	add := func(name string, d kernel.WindowDecoder, cached int) {
		p := must(newPortable(b))
		if w, ok := newWindows(p, p, d); ok {
			w.cached = cached
			cases = append(cases, decoderCase{name, w})
		}
	}
	add(AVX512, anyWindows, 0)
	add(AVX512+" cached", anyWindows, math.MaxInt)
	for i, d := range shapes.Windows() {
		add(fmt.Sprintf("%s shape=%d", AVX512, i), d, 0)
	}
	return cases
}
