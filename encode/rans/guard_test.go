//go:build unix

package rans

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/internal/guard"
	"github.com/seed54244801/bespoke/rans"
)

// TestGuardPages codes blocks between pages that must not be touched: the weights, the plane, and the working memory, each
// just as large as it has to be.
func TestGuardPages(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 7))
	implementations(t, func(t *testing.T) {
		for _, f := range forms {
			for _, table := range []*rans.Table{
				tableFor(t, f, trained(10_000, 6)),
				randomTable(r, f, 2, false),
				{Symbols: []uint16{5, 6}, Frequencies: []uint16{rans.Scale - 1, 1}}, // three words for four weights with symbol 6
			} {
				e, err := New(f, table)
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range []int{1, 63, 64, 65, 128, 4096, 5000} {
					most := slices.Repeat([]uint16{f.Join(table.Symbols[1], 3)}, n)
					for _, weights := range [][]uint16{trained(n, 8), patterns()[:n], most} {
						for _, of := range []func(testing.TB, int) []byte{guard.Before, guard.After} {
							checkGuarded(t, e, table, weights, of)
						}
					}
				}
			}
		}
	})
}

// checkGuarded codes a block, and a part of it side by side with it, with memory from a function.
func checkGuarded(t *testing.T, e *Encoder, table *rans.Table, weights []uint16, of func(testing.TB, int) []byte) {
	t.Helper()
	var works []*work
	parts := [][]uint16{weights, weights[:(len(weights)+1)/2]}
	for _, part := range parts {
		in, plane := of(t, 2*len(part)), of(t, e.form.PlaneBytes(len(part)))
		copy(in, littleEndian(part, false))
		if got := Histogram(e.form, [][]byte{in}, 1); !slices.Equal(got, Histogram(e.form, [][]byte{littleEndian(part, true)}, 1)) {
			t.Fatalf("%v: %d weights: other counts", e.form, len(part))
		}
		w := new(work)
		steps := (len(part) + rans.States - 1) / rans.States
		w.words, w.patched = of(t, stepBytes*steps), guard.BeforeOf[uint64](t, steps)
		e.begin(w, plane, in)
		works = append(works, w)
	}
	e.wholeSteps(works...)
	for k, part := range parts {
		want, err := rans.Encode(e.form, table, part, len(part))
		if err != nil {
			t.Fatal(err)
		}
		got := *want
		got.Plane, got.Index = works[k].plane, make([]byte, indexBytes)
		var c Coded
		got.Blocks, c = e.end(works[k], nil)
		c.put(got.Index)
		if part := difference(&got, want); part != "" {
			t.Fatalf("%v: block %d of %d weights: other %s", e.form, k, len(weights), part)
		}
	}
}
