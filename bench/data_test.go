package main

import (
	"slices"
	"testing"
)

func shakespeare(t *testing.T, least int) *dataSet {
	t.Helper()
	d, err := ofModel("../testdata/shakespeare-llama", 200_000, least)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRepeat repeats a small model until there are enough weights, and no longer.
func TestRepeat(t *testing.T) {
	one := shakespeare(t, 0)
	n := len(one.weights)
	for least, copies := range map[int]int{0: 1, n: 1, n + 1: 2, 3 * n: 3} {
		d := shakespeare(t, least)
		if d.copies != copies || len(d.weights) != copies*n || len(d.units) != copies*len(one.units) {
			t.Errorf("%d copies, %d weights in %d units for %d, want %d copies of %d in %d", d.copies, len(d.weights), len(d.units), least, copies, n, len(one.units))
			continue
		}
		for i, u := range d.units {
			own := one.units[i%len(one.units)]
			if !slices.Equal(d.weights[u.from:u.to], one.weights[own.from:own.to]) {
				t.Errorf("unit %d of %d copies is not that of the model", i, copies)
			}
		}
	}
}

// TestPlan counts the exponents for each of several code books.
func TestPlan(t *testing.T) {
	d := shakespeare(t, 0)
	c, err := code(d, "model")
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.plan()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Books) < 2 || len(p.Counts) != len(p.Books) || p.Units != len(d.units) {
		t.Errorf("%d code books, counts of %d, %d units, want several, as many, %d", len(p.Books), len(p.Counts), p.Units, len(d.units))
	}
	if n := p.Histogram.Total(); n != uint64(len(d.weights)) {
		t.Errorf("%d exponents of %d weights", n, len(d.weights))
	}
}

// TestPiecesOf joins units and leaves no short piece at the end.
func TestPiecesOf(t *testing.T) {
	for _, tc := range []struct {
		name  string
		n     int
		units []span
		want  []span
	}{
		{"all too short", 10, []span{{0, 3}, {3, 6}}, []span{{0, 6}}},
		{"rest too short", 4, []span{{0, 5}, {5, 9}, {9, 12}}, []span{{0, 5}, {5, 12}}},
		{"even", 4, []span{{0, 2}, {2, 4}, {4, 8}}, []span{{0, 4}, {4, 8}}},
	} {
		if got := piecesOf(tc.units, tc.n); !slices.Equal(got, tc.want) {
			t.Errorf("%s: pieces %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestPieces checks that the pieces of a data set are all of its weights in order, and that its units are, too.
func TestPieces(t *testing.T) {
	ofFile, repeated := shakespeare(t, 0), shakespeare(t, 2_500_000)
	normal := trainedLike(100_000, 30_000)
	for _, d := range []*dataSet{ofFile, repeated, normal, normal.inUnitsOf(7000)} {
		for _, spans := range [][]span{d.pieces, d.units} {
			at := 0
			for _, s := range spans {
				if s.from != at || s.to <= s.from {
					t.Fatalf("%s: span %+v after %d", d.name, s, at)
				}
				at = s.to
			}
			if at != len(d.weights) {
				t.Errorf("%s: spans end at %d of %d weights", d.name, at, len(d.weights))
			}
		}
	}
	if e := normal.entropy(); e < 2.6 || e > 2.8 {
		t.Errorf("entropy of the exponents is %.3f bits, want 2.7", e)
	}
}
