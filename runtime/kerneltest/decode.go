package kerneltest

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/windows"
	"github.com/seed54244801/bespoke/runtime"
)

// Decode compares every decoder with the reference, with every index. The weights of sound streams of all sizes
// must be the same. For damaged streams, the weights or the errors must be the same. Each function in assembly must
// decode most of its windows itself, and not leave them to Go.
func (s *Suite) Decode(t *testing.T) {
	if slices.Contains(s.decoders(), "cuda") {
		s.startCUDA(t)
	}
	for index := range codebook.IndexNames() {
		t.Run("index="+codebook.Index(index).String(), func(t *testing.T) { s.decode(t, codebook.Index(index)) })
	}
}

func (s *Suite) decode(t *testing.T, index codebook.Index) {
	samples := map[string][]sample{}
	for i := range s.Kernel.Books {
		sound, err := s.samples(i, index)
		if err != nil {
			t.Fatal(err)
		}
		samples["sound"] = append(samples["sound"], sound...)
		if index == codebook.IndexBoth {
			continue // the error depends on the index that a decoder reads
		}
		r := rand.New(rand.NewPCG(0xbad, uint64(i)))
		for _, of := range sound {
			samples["damaged"] = append(samples["damaged"], mutations(r, of)...)
		}
	}
	for _, decoder := range s.decoders() {
		t.Run(decoder, func(t *testing.T) {
			skipUnavailable(t, decoder)
			for name, all := range samples {
				t.Run(name, func(t *testing.T) {
					watched, counts := s.watched()
					for _, err := range compare(t.Context(), watched.open(t, all, decoder), all) {
						t.Error(err)
					}
					if name == "sound" && decoder == runtime.AVX512 && index.HasGaps() {
						for _, err := range s.idle(counts) {
							t.Error(err)
						}
					}
				})
			}
		})
	}
}

// compare decodes every sample with m, and returns the differences from the reference.
func compare(ctx context.Context, m *runtime.Model, samples []sample) (wrong []error) {
	for k, want := range samples {
		got := make([]uint16, len(want.weights))
		err := m.DecodeUnit(ctx, unitName(k), got)
		if !sameStreamError(err, want.err) {
			wrong = append(wrong, fmt.Errorf("%s: error %v, want %v", want.name, err, want.err))
			continue
		}
		if want.err != nil {
			continue
		}
		for j := range got {
			if got[j] != want.weights[j] {
				wrong = append(wrong, fmt.Errorf("%s: weight %d is %#04x, want %#04x", want.name, j, got[j], want.weights[j]))
				break
			}
		}
	}
	return wrong
}

// counts has the number of windows that the decoder of a book decoded, and the number of windows that it left to Go.
type counts struct{ windows, failed atomic.Int64 }

// watched returns the suite with decoders in assembly that count their windows. There are counts for each book.
func (s *Suite) watched() (*Suite, []*counts) {
	watched, k := *s, *s.Kernel
	watched.Kernel = &k
	k.AVX512 = slices.Clone(k.AVX512)
	all := make([]*counts, len(k.AVX512))
	for i, decode := range k.AVX512 {
		if decode == nil {
			continue
		}
		c := new(counts)
		all[i] = c
		k.AVX512[i] = func(j *windows.Job) {
			before := j.Blocks
			decode(j)
			c.windows.Add(windows.BlockWindows * int64(before-j.Blocks))
			if j.Status == windows.BlockFailed {
				for _, lanes := range j.Failed {
					c.failed.Add(int64(bits.OnesCount32(lanes)))
				}
			}
		}
	}
	return &watched, all
}

// idle returns an error for each decoder in assembly that decoded too few windows, or left too many to Go.
func (s *Suite) idle(all []*counts) (idle []error) {
	for i, c := range all {
		if c == nil {
			continue
		}
		if s.Histograms[i].Total() == 0 {
			continue // the frequencies of its exponents are not known
		}
		if windows, failed := c.windows.Load(), c.failed.Load(); windows < leastWindows || 4*failed > windows {
			idle = append(idle, fmt.Errorf("book %d: the decoder in assembly decoded %d windows, but for %d that it left to Go", i, windows, failed))
		}
	}
	return idle
}

// leastWindows is about half of the number of windows in the samples of a book.
const leastWindows = 20 * windows.BlockWindows

// sameStreamError reports whether two decoders found the same fault at the same place.
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
