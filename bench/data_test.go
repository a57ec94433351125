package main

import "testing"

// TestPieces checks that the pieces of a data set are all of its weights in order, and units too.
func TestPieces(t *testing.T) {
	ofFile, err := ofModel("../testdata/shakespeare-llama", 200_000)
	if err != nil {
		t.Fatal(err)
	}
	normal := trainedLike(100_000, 30_000)
	for _, d := range []*dataSet{ofFile, normal, normal.inUnitsOf(7000)} {
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
