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
			if first := d.tensors[i][0]; first.from != u.from || first.len() != one.tensors[i%len(one.units)][0].len() {
				t.Errorf("unit %d of %d copies begins at %d with tensor %v", i, copies, u.from, first)
			}
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
		var tensors []span
		for _, of := range slices.Concat(d.tensors...) {
			tensors = append(tensors, of.span)
			if n := of.weights(); n != of.len() {
				t.Errorf("%s: shape %v of %d weights", d.name, of.shape, of.len())
			}
		}
		for _, spans := range [][]span{d.pieces, d.units, tensors} {
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

// weights is the number of weights that the shape says.
func (t tensor) weights() int {
	n := 1
	for _, d := range t.shape {
		n *= int(d)
	}
	return n
}

// TestTensorsOf takes whole tensors of units that a piece has, and what the piece has of a unit.
func TestTensorsOf(t *testing.T) {
	d := shakespeare(t, 0)
	n := 0
	for _, p := range d.pieces {
		n += len(d.tensorsOf(p))
	}
	if want := len(slices.Concat(d.tensors...)); n != want {
		t.Errorf("pieces have %d tensors, want all %d", n, want)
	}
	normal := trainedLike(1<<13, 1<<12)
	for _, p := range normal.pieces {
		if got := normal.tensorsOf(p); len(got) != 1 || got[0].span != p || !slices.Equal(got[0].shape, []uint64{4, rowWeights}) {
			t.Errorf("piece %v has %v, want 4 rows", p, got)
		}
	}
}

// TestMatrices keeps the weights of large matrices, in order, and drops other tensors.
func TestMatrices(t *testing.T) {
	normal := trainedLike(3<<17, 1<<17)
	normal.tensors[0] = []tensor{
		{span{0, 1 << 16}, []uint64{64, 1024}},
		{span{1 << 16, 1 << 17}, []uint64{1 << 16}},    // no matrix
		{span{1 << 17, 1<<17 + 512}, []uint64{2, 256}}, // small
		{span{1 << 18, 3 << 17}, []uint64{256, 512}},
	}
	m := normal.matrices(1<<16, 1<<20)
	if want := append(slices.Clone(normal.weights[:1<<16]), normal.weights[1<<18:3<<17]...); !slices.Equal(m.weights, want) {
		t.Errorf("%d weights, want %d of the two matrices", len(m.weights), len(want))
	}
	if want := []span{{0, 1 << 16}, {1 << 16, 3 << 16}}; !slices.Equal(m.units, want) || !slices.Equal(m.pieces, want) {
		t.Errorf("units %v, pieces %v, want %v", m.units, m.pieces, want)
	}
	if got := m.unitsByPiece(); len(got) != 2 || !slices.Equal(got[0], []int{0}) || !slices.Equal(got[1], []int{1}) {
		t.Errorf("units by piece %v", got)
	}
	normal.copies = 2
	if m := normal.matrices(1<<16, 3<<17); m.copies != 4 || len(m.weights) != 3<<17 || len(m.units) != 4 {
		t.Errorf("%d copies, %d weights, %d matrices of a model with two copies, want 4 copies", m.copies, len(m.weights), len(m.units))
	}
	if none := trainedLike(1<<12, 1<<12).matrices(1, 1); len(none.units) != 0 || len(none.pieces) != 0 {
		t.Errorf("matrices %v of weights that are too few", none.units)
	}
}
