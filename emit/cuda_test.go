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
		{"line break in the model's name", func(p *Plan) { p.Model = "a\nb" }, "comment line"},
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

func TestHeaviestRun(t *testing.T) {
	for _, c := range []struct {
		name    string
		symbols map[int]uint8 // exponent to code length
		want    uint8
	}{
		{"one low symbol", map[int]uint8{3: 1}, 0},
		{"one high symbol", map[int]uint8{239: 1}, 224},
		{"two apart, the shorter code counts", map[int]uint8{10: 2, 200: 1}, 186},
		{"sixteen fit", map[int]uint8{100: 1, 115: 2}, 100},
		{"sixteen from an odd one on do not", map[int]uint8{101: 2, 116: 1}, 102},
		{"seventeen do not", map[int]uint8{100: 2, 116: 1}, 102},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lengths [256]uint8
			for s, n := range c.symbols {
				lengths[s] = n
			}
			b, err := codebook.NewCanonical(&lengths, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := heaviestRun(b); got != c.want {
				t.Errorf("run starts at %d, want %d", got, c.want)
			}
		})
	}
}
