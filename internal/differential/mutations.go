package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
)

// A mutation is a stream that differs from another, and a name for the difference.
type mutation struct {
	name   string
	stream *codebook.Stream
}

// A part is one of the tensors of a stream.
type part struct {
	name    string
	of      func(*codebook.Stream) *[]byte
	element int // the size of an element in bytes
}

var parts = []part{
	{"luts", func(s *codebook.Stream) *[]byte { return &s.Luts }, 1},
	{"encoded_exponent", func(s *codebook.Stream) *[]byte { return &s.Encoded }, 1},
	{"sign_mantissa", func(s *codebook.Stream) *[]byte { return &s.SignMantissa }, 1},
	{"output_positions", func(s *codebook.Stream) *[]byte { return &s.OutputPositions }, 4},
	{"gaps", func(s *codebook.Stream) *[]byte { return &s.Gaps }, 1},
	{"tiles", func(s *codebook.Stream) *[]byte { return &s.Tiles }, 1},
}

// mutations returns streams that differ from s in one way: with every bit flipped; with every part shorter and
// longer by an element; with some parts, in every choice of them, taken from each of the other streams. If sample
// is not 0, it bounds the number of the first and of the last of these.
func mutations(r *rand.Rand, s *codebook.Stream, others []mutation, sample int) []mutation {
	all := slices.Concat(flipped(r, s, sample), mixed(r, s, others, sample))
	for _, p := range parts {
		if n := len(*p.of(s)); n > 0 {
			all = append(all,
				changed(p.name+" shorter", s, p, func(b []byte) []byte { return b[:n-p.element] }),
				changed(p.name+" longer", s, p, func(b []byte) []byte { return append(b, make([]byte, p.element)...) }))
		}
	}
	return all
}

// mixed returns streams with parts from other streams.
func mixed(r *rand.Rand, s *codebook.Stream, others []mutation, sample int) (all []mutation) {
	for _, other := range others {
		for choice := 1; choice < 1<<len(parts)-1; choice++ {
			m := mutation{"from " + other.name + ":", new(*s)}
			for i, p := range parts {
				if choice>>i&1 != 0 {
					m.name += " " + p.name
					*p.of(m.stream) = *p.of(other.stream)
				}
			}
			all = append(all, m)
		}
	}
	return some(r, all, sample)
}

// some returns sample elements of a list, chosen at random, or all if sample is 0.
func some[T any](r *rand.Rand, all []T, sample int) []T {
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if sample > 0 {
		return all[:min(sample, len(all))]
	}
	return all
}

// flipped returns streams with every bit of every part flipped, or with a sample of the bits, as many in each
// part.
func flipped(r *rand.Rand, s *codebook.Stream, sample int) (all []mutation) {
	for _, p := range parts {
		for _, bit := range some(r, r.Perm(8*len(*p.of(s))), (sample+len(parts)-1)/len(parts)) {
			all = append(all, changed(fmt.Sprintf("%s bit %d", p.name, bit), s, p, func(b []byte) []byte {
				b[bit/8] ^= 1 << (bit % 8)
				return b
			}))
		}
	}
	return all
}

// changed returns a copy of a stream with a part changed.
func changed(name string, s *codebook.Stream, p part, change func([]byte) []byte) mutation {
	m := mutation{name, new(*s)}
	*p.of(m.stream) = change(slices.Clone(*p.of(s)))
	return m
}
