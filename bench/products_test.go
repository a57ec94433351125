package main

import (
	"math"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/rans"
)

// A wrong multiplier changes the last bit of a result.
type wrong struct {
	multiplier
	unit, threads, batch int
}

func (w *wrong) multiply(unit, threads, batch int, x, y []float32) (func(i, r int) int, error) {
	at, err := w.multiplier.multiply(unit, threads, batch, x, y)
	if unit == w.unit && threads == w.threads && batch == w.batch {
		last := at(batch-1, 100)
		y[last] = math.Float32frombits(math.Float32bits(y[last]) ^ 1)
	}
	return at, err
}

// TestCompare compares every product, and notices one bit.
func TestCompare(t *testing.T) {
	b := bench{threads: []int{1, 2}}
	d := trainedLike(2*128<<10, 128<<10).inUnitsOf(128<<10).matrices(1, 0)
	c, err := codeRANS(d, rans.Joint)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newCompressed(c, b.threads)
	if err != nil {
		t.Fatal(err)
	}
	bf16 := &plain{d, d.weights}
	for _, right := range []multiplier{m, bf16} {
		if err := b.compare(d, right, bf16); err != nil {
			t.Error(err)
		}
	}
	for _, w := range []*wrong{{m, 0, 1, 1}, {m, 1, 2, 64}, {bf16, 1, 2, 8}} {
		if err := b.compare(d, w, bf16); err == nil || !strings.Contains(err.Error(), "result 100") {
			t.Errorf("a wrong bit of matrix %d with %d vectors and %d threads: error %v", w.unit, w.batch, w.threads, err)
		}
	}
}

// TestPieceOf checks that contenders that use the same memory take different pieces in a round.
func TestPieceOf(t *testing.T) {
	seen := map[int]contender{}
	for _, n := range []int{1, 2} {
		for _, batch := range batches {
			c := contender{threads: n, batch: batch}
			p := pieceOf(5, &c, leastPieces)
			if other, ok := seen[p]; ok {
				t.Errorf("%d vectors and %d vectors take piece %d", batch, other.batch, p)
			}
			seen[p] = c
		}
	}
}
