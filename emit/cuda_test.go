package emit

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// newPlan is NewPlan for an input without errors.
func newPlan(t *testing.T, in *Input) *Plan {
	t.Helper()
	p, err := NewPlan(*in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// small is a model of six exponents.
func small(t *testing.T) *Input {
	t.Helper()
	var h codebook.Histogram
	for i, n := range []uint64{3, 10, 100, 900, 700, 50} {
		h[118+i] = n
	}
	b, err := codebook.Canonical(&h, 16)
	if err != nil {
		t.Fatal(err)
	}
	return &Input{Package: "small", Model: "small.json", Histogram: h, Books: []*codebook.Book{b}}
}

// smallPlan is the plan for small.
func smallPlan(t *testing.T) *Plan {
	t.Helper()
	return newPlan(t, small(t))
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
