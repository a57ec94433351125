package emit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/templates"
)

// oneBook is a model with one book of codes of at most 16 bits for the histogram.
func oneBook(t *testing.T, h *codebook.Histogram) *Input {
	t.Helper()
	b, err := codebook.Canonical(h, 16)
	if err != nil {
		t.Fatal(err)
	}
	return &Input{Package: "a", Model: "a", Histogram: *h, Books: []*codebook.Book{b}}
}

// evenly counts 2^20 weights for each of so many exponents.
func evenly(exponents int) *codebook.Histogram {
	h := new(codebook.Histogram)
	for s := range exponents {
		h[112+s] = 1 << 20
	}
	return h
}

// TestCUDAChoices holds the cost model to models whose answer is known.
func TestCUDAChoices(t *testing.T) {
	choices := func(t *testing.T, h *codebook.Histogram) *cudaChoices {
		t.Helper()
		return chooseCUDA(oneBook(t, h))
	}
	t.Run("codes of a bit", func(t *testing.T) {
		c := choices(t, evenly(1))
		for _, candidate := range c.table.candidates {
			if candidate.rare != 1 { // 64 codes, and no more than 40 of them by lookups
				t.Errorf("%+v, want lookups that are never enough", candidate)
			}
		}
		if got := c.shape(); got.MergeSteps != templates.MaxMergeSteps || got.EntryDigits != templates.MaxEntryDigits {
			t.Errorf("chosen is %+v", got)
		}
	})
	t.Run("codes of four bits", func(t *testing.T) {
		// Two or three codes an entry, 16 a window, in tables of 11 and 12 bits; chunks have so few elements that the
		// published caller gives no room for the larger one.
		want := templates.Shape{TableBits: 11, EntryDigits: 3, Lookups: 8, Windows: 2, MergeSteps: 2, LaneLookups: 30}
		c := choices(t, evenly(16))
		if got := c.shape(); got != want {
			t.Errorf("chosen is %+v, want %+v", got, want)
		}
		if s := c.table.candidates[c.table.best]; !s.fits || s.shared > 4*(codebook.ChunkWindows+1)+2*codebook.ChunkWindows*16 {
			t.Errorf("%+v takes more than there is", s)
		}
	})
	t.Run("exponents outside the run", func(t *testing.T) {
		h := evenly(24)
		for s := range 8 {
			h[128+s] = 1 << 10
		}
		c := choices(t, h)
		if with, without := c.table.candidates[c.table.best], choices(t, evenly(16)); with.rare <= without.table.candidates[without.table.best].rare {
			t.Errorf("rare is %v", with.rare)
		}
	})
}

// TestCUDAAnyBook holds the shape of the kernels for any code book to what the cost model chooses for normal weights.
func TestCUDAAnyBook(t *testing.T) {
	h := new(codebook.Histogram)
	for s, n := range []uint64{1, 2, 4, 8, 16, 31, 61, 119, 227, 411, 654, 748, 446, 91, 2} { // in thousands, of 2.8 millions
		h[110+s] = 1000 * n
	}
	c := chooseCUDA(oneBook(t, h))
	if got := c.shape(); got != anyBook {
		t.Errorf("chosen is %+v, want %+v", got, anyBook)
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name string
		all  []cudaCandidate
		want int
	}{
		{"the cheapest", []cudaCandidate{{cost: 3, fits: true}, {cost: 1, fits: true}, {cost: 2, fits: true}}, 1},
		{"that fits", []cudaCandidate{{cost: 1}, {cost: 3, fits: true}, {cost: 2, fits: true}}, 2},
		{"the first of equals", []cudaCandidate{{cost: 1 + 1e-9, fits: true}, {cost: 1, fits: true}}, 0},
		{"the first where none fits", []cudaCandidate{{cost: 2}, {cost: 1}}, 0},
	} {
		if got := choose(c.all); got.best != c.want {
			t.Errorf("%s: %d, want %d", c.name, got.best, c.want)
		}
	}
}

func TestExplainCUDA(t *testing.T) {
	first, err := ExplainCUDA(smallPlan(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := ExplainCUDA(smallPlan(t))
	if err != nil {
		t.Fatal(err)
	}
	a, b := fmt.Sprint(first), fmt.Sprint(second)
	if a != b {
		t.Errorf("two plans that are equal:\n%s\n%s", a, b)
	}
	if strings.Count(a, "chosen") != 4 || strings.Count(a, "the book's") != 1 {
		t.Errorf("want four choices and a book's limit:\n%s", a)
	}
}
