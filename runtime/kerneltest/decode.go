package kerneltest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime"
)

// Decode holds every decoder to the reference: the same weights from sound streams of all sizes,
// and from damaged ones the same weights or the same error.
func (s *Suite) Decode(t *testing.T) {
	var sound, damaged []sample
	for i := range s.Kernel.Books {
		samples, err := s.samples(i)
		if err != nil {
			t.Fatal(err)
		}
		sound = append(sound, samples...)
		r := rand.New(rand.NewPCG(0xbad, uint64(i)))
		for _, of := range samples {
			damaged = append(damaged, mutations(r, of)...)
		}
	}
	if slices.Contains(s.decoders(), "cuda") {
		s.startCUDA(t)
	}
	for _, decoder := range s.decoders() {
		t.Run(decoder, func(t *testing.T) {
			skipUnavailable(t, decoder)
			t.Run("sound", func(t *testing.T) { compare(t, s.open(t, sound, decoder), sound) })
			t.Run("damaged", func(t *testing.T) { compare(t, s.open(t, damaged, decoder), damaged) })
		})
	}
}

// compare decodes every sample with m.
func compare(t *testing.T, m *runtime.Model, samples []sample) {
	for k, want := range samples {
		got := make([]uint16, len(want.weights))
		err := m.DecodeUnit(t.Context(), unitName(k), got)
		if !sameStreamError(err, want.err) {
			t.Errorf("%s: error %v, want %v", want.name, err, want.err)
			continue
		}
		if want.err != nil {
			continue
		}
		for j := range got {
			if got[j] != want.weights[j] {
				t.Errorf("%s: weight %d is %#04x, want %#04x", want.name, j, got[j], want.weights[j])
				break
			}
		}
	}
}

// sameStreamError reports whether two decoders found the same thing wrong at the same place.
func sameStreamError(got, want error) bool {
	if got == nil || want == nil {
		return got == want
	}
	var g, w *codebook.StreamError
	return errors.As(got, &g) && errors.As(want, &w) && *g == *w
}

// Benchmark times every decoder on a unit of 2^21 weights drawn from the first book's histogram,
// in bytes of output.
func (s *Suite) Benchmark(b *testing.B) {
	const n = 1 << 21
	weights := draw(rand.New(rand.NewPCG(0xbe5, 0)), s.Kernel.Books[0], &s.Histograms[0], n)
	stream, err := codebook.Encode(s.Kernel.Books[0], weights)
	if err != nil {
		b.Fatal(err)
	}
	for _, decoder := range s.decoders() {
		b.Run("impl="+decoder, func(b *testing.B) {
			skipUnavailable(b, decoder)
			m := s.open(b, []sample{{stream: stream}}, decoder)
			dst := make([]uint16, n)
			b.SetBytes(2 * n)
			for b.Loop() {
				if err := m.DecodeUnit(b.Context(), unitName(0), dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
