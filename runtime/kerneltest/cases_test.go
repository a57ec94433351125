package kerneltest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// trained is a histogram like that of a trained model.
var trained = codebook.Histogram{
	90: 1, 105: 20, 110: 700, 113: 5000, 115: 20000, 117: 90000, 118: 160000, 119: 250000, 120: 270000, 121: 130000, 122: 8000, 123: 11,
}

// suites are kernels without assembly.
func suites(t *testing.T) map[string]*Suite {
	t.Helper()
	all := map[string]*Suite{}
	for name, h := range map[string]codebook.Histogram{
		"trained":    trained,
		"one symbol": {118: 9},
	} {
		book, err := codebook.Canonical(&h, 16)
		if err != nil {
			t.Fatal(err)
		}
		f := book.Fingerprint()
		hash := sha256.Sum256(f[:])
		s := &Suite{
			Kernel:     &runtime.Kernel{ABI: kernel.ABI, Name: "k", Books: []*codebook.Book{book}},
			Hash:       "sha256:" + hex.EncodeToString(hash[:]),
			Histograms: []codebook.Histogram{h},
		}
		s.Kernel.CUDA = "// " + s.Hash + "\nvoid decode();\n"
		all[name] = s
	}
	return all
}

func TestSuite(t *testing.T) {
	for name, s := range suites(t) {
		t.Run(name, func(t *testing.T) {
			t.Run("books", s.Books)
			t.Run("sources", s.Sources)
			t.Run("decode", s.Decode)
		})
	}
}

func TestSamples(t *testing.T) {
	for name, s := range suites(t) {
		t.Run(name, func(t *testing.T) {
			samples, err := s.samples(0, codebook.IndexGaps)
			if err != nil {
				t.Fatal(err)
			}
			again, err := s.samples(0, codebook.IndexGaps)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(samples, again) {
				t.Error("two runs give different samples")
			}
			chunks := map[string]int{}
			words := map[uint16]bool{}
			for _, sample := range samples {
				chunks[sample.name] = sample.stream.Chunks()
				for _, w := range sample.weights {
					words[w] = true
				}
			}
			for n := 1; n <= 3; n++ {
				if got := chunks[fmt.Sprintf("book=0 chunks=%d", n)]; got != n {
					t.Errorf("the sample of %d chunks has %d", n, got)
				}
				if got := chunks[fmt.Sprintf("book=0 chunks=%d and one weight", n)]; got != n+1 {
					t.Errorf("the sample of one weight over %d chunks has %d chunks", n, got)
				}
			}
			if got, want := len(words), 256*len(s.Kernel.Books[0].Symbols()); got != want {
				t.Errorf("%d different words, want %d", got, want)
			}
		})
	}
}

// TestMutations expects every kind of error from some damaged streams, and no error from others.
func TestMutations(t *testing.T) {
	s := suites(t)["trained"]
	samples, err := s.samples(0, codebook.IndexGaps)
	if err != nil {
		t.Fatal(err)
	}
	causes := map[codebook.Cause]int{}
	r := rand.New(rand.NewPCG(1, 2))
	for _, of := range samples {
		for _, m := range mutations(r, of) {
			var e *codebook.StreamError
			if m.err != nil && !errors.As(m.err, &e) {
				t.Fatalf("%s: %v", m.name, m.err)
			}
			if e == nil {
				e = &codebook.StreamError{}
			}
			causes[e.Cause]++
		}
	}
	for _, cause := range []codebook.Cause{0, codebook.NoSuchCode, codebook.StreamEnds, codebook.CountMismatch} {
		if causes[cause] == 0 {
			t.Errorf("no damage leads to cause %d", cause)
		}
	}
	t.Logf("streams by cause: %v", causes)
}

func TestSameStreamError(t *testing.T) {
	a := &codebook.StreamError{Chunk: 1, Element: 2, Bit: 3, Cause: codebook.StreamEnds}
	b := &codebook.StreamError{Chunk: 1, Element: 2, Bit: 4, Cause: codebook.StreamEnds}
	tests := []struct {
		name      string
		got, want error
		same      bool
	}{
		{"none", nil, nil, true},
		{"wrapped", fmt.Errorf("unit x: %w", a), a, true},
		{"another bit", b, a, false},
		{"missing", nil, a, false},
		{"unexpected", a, nil, false},
		{"of another kind", errors.New("no memory"), a, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sameStreamError(tt.got, tt.want); got != tt.same {
				t.Errorf("same: %t, want %t", got, tt.same)
			}
		})
	}
}
