// Package samples has code books, weights and ways to damage streams, for the tests of package runtime and its
// internal packages.
package samples

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/seed54244801/bespoke/codebook"
)

// Trained returns n words like those of a trained model: normally distributed, with a small deviation.
func Trained(n int, seed uint64) []uint16 {
	r := rand.New(rand.NewPCG(seed, 1))
	weights := make([]uint16, n)
	for i := range weights {
		weights[i] = uint16(math.Float32bits(float32(r.NormFloat64()*0.02)) >> 16)
	}
	return weights
}

// Histogram counts the exponents of weights.
func Histogram(weights []uint16) *codebook.Histogram {
	var h codebook.Histogram
	h.Count(weights)
	return &h
}

// everyWord returns all words that DF11 can express, shuffled. Rare exponents follow one another, unlike in any
// model.
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

// A Book is a code book with words that it can code.
type Book struct {
	Name    string
	Book    *codebook.Book
	Weights []uint16
}

// Books covers short and long codes, canonical and published ones, few and many symbols. It is always the same slice.
func Books() []Book { return books() }

var books = sync.OnceValue(func() []Book {
	normal := Trained(200_000, 7)
	h := Histogram(normal)
	words := everyWord()
	// Powers of two make a code book in which each length occurs once, up to the longest.
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
	canonical := func(h *codebook.Histogram, limit int) *codebook.Book { return Must(codebook.Canonical(h, limit)) }
	// Codes of at most six bits. No code has only ones.
	var six [256]uint8
	copy(six[118:], []uint8{6, 5, 4, 3, 2, 2, 2})
	sixBook := Must(codebook.NewCanonical(&six, 0))
	sixWords := slices.DeleteFunc(slices.Clone(normal), func(w uint16) bool { return six[codebook.Exponent(w)] == 0 })
	return []Book{
		{"limit=10", canonical(h, 10), normal},
		{"limit=11", canonical(h, 11), normal},
		{"limit=12", canonical(h, 12), normal},
		{"limit=16", canonical(h, 16), normal},
		{"natural", canonical(h, 32), normal},
		{"published", Must(codebook.Published(h)), normal},
		{"all words", canonical(Histogram(words), 12), words},
		{"all words published", Must(codebook.Published(Histogram(words))), words},
		{"steep", canonical(&steep, 32), steepWords},
		{"one symbol", canonical(Histogram(same), 11), same},
		{"two symbols", canonical(Histogram(two), 11), two},
		{"six", sixBook, sixWords},
	}
})

// Must panics on an error.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
