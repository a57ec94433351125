package gen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/model"
)

// bare is a model of which only a histogram is known.
func bare(h codebook.Histogram) *checkpoint.Analysis {
	return checkpoint.AnalyseUnits("bare", []checkpoint.AnalysedUnit{{Histogram: &h}})
}

// every counts each of the first n exponents differently often.
func every(n int) codebook.Histogram {
	var h codebook.Histogram
	for s := range n {
		h[s] = uint64(1 + s*s)
	}
	return h
}

// compressed is a model of n units, each with a code book of its own: unit k has the exponents k to
// k+3.
func compressed(t *testing.T, n int) *checkpoint.Analysis {
	t.Helper()
	return checkpoint.AnalyseUnits("compressed", coded(t, n))
}

// coded makes the units of compressed.
func coded(t *testing.T, n int) (units []checkpoint.AnalysedUnit) {
	t.Helper()
	for k := range n {
		h := new(codebook.Histogram)
		copy(h[100+k:], []uint64{50, 800, 100, 7})
		b, err := codebook.Canonical(h, 12)
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, checkpoint.AnalysedUnit{Name: fmt.Sprintf("layers.%d", k), Histogram: h, Tensors: make([]string, 7), Book: b})
	}
	return units
}

func TestPlanHistograms(t *testing.T) {
	tests := []struct {
		name    string
		h       codebook.Histogram
		wantErr string
	}{
		{name: "one symbol", h: codebook.Histogram{118: 7}},
		{name: "one weight", h: codebook.Histogram{0: 1}},
		{name: "two symbols", h: codebook.Histogram{118: 7, 119: 1}},
		{name: "two far apart", h: codebook.Histogram{0: 1, 239: 1 << 50}},
		{name: "all that have a code", h: every(240)},
		{name: "all", h: every(256), wantErr: "240 (57601 times)"},
		{name: "infinities", h: codebook.Histogram{118: 5, 255: 3}, wantErr: "255 (3 times)"},
		{name: "empty", wantErr: "the histogram has no weights"},
		{name: "too many", h: codebook.Histogram{118: 1 << 63}, wantErr: "more than 2^56"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := NewPackage(bare(tt.h), "p", PackageOptions{})
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Source.Scheme != "model" || p.Units != 0 || len(p.Books) != 1 || p.Histogram != tt.h {
				t.Errorf("scheme %q, %d units, %d books, histogram %v", p.Source.Scheme, p.Units, len(p.Books), p.Histogram)
			}
		})
	}
}

func TestPlanAdoptsBooks(t *testing.T) {
	for _, n := range []int{1, 3, emit.MaxBooks} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			// A unit with a book that another has too brings no further one.
			units := append(coded(t, n), coded(t, 1)...)
			p := plan(t, checkpoint.AnalyseUnits("compressed", units), "p")
			// Coding two units, the book codes most and comes first.
			if len(p.Books) != n || p.Units != n+1 || p.Book[0] != 0 || p.Book[n] != 0 || p.Source.Scheme != "" {
				t.Errorf("%d books for %d units, the last has %d, scheme %q", len(p.Books), p.Units, p.Book[n], p.Source.Scheme)
			}
			if got, want := p.Expected.SplitPositions, uint64(8*6*(n+1)); got != want {
				t.Errorf("%d bytes of split positions, want %d", got, want)
			}
			if p.Counts[0][101] != 1600 {
				t.Errorf("the first book codes exponent 101 %d times, want 1600", p.Counts[0][101])
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	half, uncoded := coded(t, 2), coded(t, 2)
	half[1].Book = nil
	uncoded[1].Histogram[50] = 1
	tests := []struct {
		name    string
		a       *checkpoint.Analysis
		wantErr string
	}{
		{"nine books", compressed(t, 9), "9 different code books, a kernel is cut for at most 8: the table-driven decoders"},
		{"no units", checkpoint.AnalyseUnits("empty", nil), "gen: empty has no unit"},
		{"books for some", checkpoint.AnalyseUnits("half", half), "1 of 2 units have a code book"},
		{"symbol without a code", checkpoint.AnalyseUnits("uncoded", uncoded), `unit "layers.1": codebook: symbol 50`},
		{"incomplete", &checkpoint.Analysis{Path: "m", Missing: []model.Missing{{Name: "a.weight", Evidence: "b"}}}, "m is incomplete: a.weight (b)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewPackage(tt.a, "p", PackageOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("error %v, want %q", err, tt.wantErr)
			}
		})
	}
}

func TestPlanClustersUnits(t *testing.T) {
	var units []checkpoint.AnalysedUnit
	for k := range 6 {
		h := new(codebook.Histogram)
		copy(h[100+10*(k%2):], []uint64{1000, 90000, 500000, 20000})
		units = append(units, checkpoint.AnalysedUnit{Name: fmt.Sprint(k), Histogram: h})
	}
	p := plan(t, checkpoint.AnalyseUnits("two kinds", units), "p")
	if diff := cmp.Diff([]int{p.Book[0], p.Book[1], p.Book[0], p.Book[1], p.Book[0], p.Book[1]}, p.Book); diff != "" || p.Book[0] == p.Book[1] {
		t.Errorf("books of the units: %v, want two kinds in turn", p.Book)
	}
}
