package main

import (
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime"
)

// TestCodeRANS decodes, in pieces that do not end where blocks do, what was coded. Together the parts are all weights.
func TestCodeRANS(t *testing.T) {
	normal := trainedLike(1<<20, 300_000)
	for _, d := range []*dataSet{normal, normal.inUnitsOf(50_000), shakespeare(t, 0)} {
		for _, form := range forms {
			c, err := codeRANS(d, form)
			if err != nil {
				t.Fatal(err)
			}
			if bits := c.bitsPerWeight(); bits < 8+2.5 || bits > 8+3 {
				t.Errorf("%s, %v: %.2f bits a weight", d.name, form, bits)
			}
			at := 0
			for _, p := range slices.Concat(c.parts...) {
				if p.from != at {
					t.Errorf("%s: part %+v after weight %d", d.name, p, at)
				}
				at = p.to
			}
			if _, err := decoders("test", c, []int{1, 2}, runtime.WithDecoder(runtime.Generic)); err != nil || at != len(d.weights) {
				t.Errorf("%s, %v: %d of %d weights, error %v", d.name, form, at, len(d.weights), err)
			}
		}
	}
}

// TestCheckpointCopies checks that contenders do not share streams.
func TestCheckpointCopies(t *testing.T) {
	c, err := codeRANS(trainedLike(1<<14, 1<<14), rans.Exponent)
	if err != nil {
		t.Fatal(err)
	}
	own, other := c.checkpoint().Units[0].Tensors[0].Coded, c.units[0].Tensors[0].Coded
	for name, pair := range map[string][2][]byte{
		"table": {own.Table, other.Table}, "index": {own.Index, other.Index}, "blocks": {own.Blocks, other.Blocks}, "plane": {own.Plane, other.Plane},
	} {
		if &pair[0][0] == &pair[1][0] || !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s is shared or differs", name)
		}
	}
}
