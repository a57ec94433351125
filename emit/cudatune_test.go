package emit

import (
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/templates"
)

// TestCUDAShapes checks what the cost model says of models whose answer is known.
func TestCUDAShapes(t *testing.T) {
	t.Run("one exponent", func(t *testing.T) {
		var h codebook.Histogram
		h[120] = 1 << 20
		b, err := codebook.Canonical(&h, 16)
		if err != nil {
			t.Fatal(err)
		}
		shapes, _, err := CUDAShapes(&Plan{Package: "a", Model: "a", Histogram: h, Books: []*codebook.Book{b}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range shapes {
			if s.Needed != 13 || s.Slow != 1 { // 64 codes of a bit, five an entry
				t.Errorf("%+v, want 13 lookups and slow windows alone", s)
			}
		}
	})
	t.Run("codes of four bits", func(t *testing.T) {
		var h codebook.Histogram
		for s := range 16 {
			h[112+s] = 1 << 20
		}
		b, err := codebook.Canonical(&h, 16)
		if err != nil {
			t.Fatal(err)
		}
		shapes, best, err := CUDAShapes(&Plan{Package: "a", Model: "a", Histogram: h, Books: []*codebook.Book{b}})
		if err != nil {
			t.Fatal(err)
		}
		// Chunks have so few elements that the published caller gives no room for the largest table.
		if s := shapes[best]; s.TableBits != templates.MinTableBits || !s.Fits {
			t.Errorf("chosen is %+v", s)
		}
	})
	t.Run("always the same", func(t *testing.T) {
		first, err := ExplainCUDA(smallPlan(t))
		if err != nil {
			t.Fatal(err)
		}
		second, err := ExplainCUDA(smallPlan(t))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := strings.Join(first, "\n"), strings.Join(second, "\n"); a != b || strings.Count(a, "chosen") != 1 {
			t.Errorf("%s\n%s", a, b)
		}
	})
	t.Run("no books", func(t *testing.T) {
		if _, err := ExplainCUDA(&Plan{Package: "a"}); err == nil {
			t.Error("no error")
		}
	})
}
