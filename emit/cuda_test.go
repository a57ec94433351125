package emit

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// smallPlan is a model of six exponents.
func smallPlan(t *testing.T) *Plan {
	t.Helper()
	var h codebook.Histogram
	for i, n := range []uint64{3, 10, 100, 900, 700, 50} {
		h[118+i] = n
	}
	b, err := codebook.Canonical(&h, 16)
	if err != nil {
		t.Fatal(err)
	}
	return &Plan{Package: "small", Model: "small.json", Histogram: h, Books: []*codebook.Book{b}}
}

func TestCUDAGolden(t *testing.T) {
	got, err := CUDA(smallPlan(t))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "cuda/small.cu", got)
}

func TestCUDADeterministic(t *testing.T) {
	first, err := CUDA(smallPlan(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := CUDA(smallPlan(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("two equal plans give different sources")
	}
}

func TestCUDAHeader(t *testing.T) {
	p := smallPlan(t)
	got, err := CUDA(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := "// " + p.Header() + "\n"; !strings.HasPrefix(string(got), want) {
		t.Errorf("source starts with %.80q, want %q", got, want)
	}
	if bytes.Contains(got, []byte("#include")) {
		t.Error("source does not stand alone: it includes a file")
	}
}

func TestCUDARefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Plan)
		want string
	}{
		{"no books", func(p *Plan) { p.Books = nil }, "0 code books"},
		{"line break in the model's name", func(p *Plan) { p.Model = "a\nb" }, "not a usable model name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := smallPlan(t)
			c.edit(p)
			_, err := CUDA(p)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}
