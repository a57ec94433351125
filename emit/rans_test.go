package emit

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/rans"
)

// skewed is a table of n symbols from one on.
func skewed(t *testing.T, f rans.Form, from, n int) *rans.Table {
	t.Helper()
	counts := make([]uint64, f.Symbols())
	for i := range n {
		counts[from+i] = 1 << (2 * i)
	}
	table, err := rans.NewTable(f, counts)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// threeTensors is a model of two forms and two tables.
func threeTensors(t *testing.T) *RansInput {
	t.Helper()
	one, other := skewed(t, rans.Exponent, 115, 9), skewed(t, rans.Joint, 232, 12)
	return &RansInput{
		Package: "three", Model: "three tensors", Histogram: codebook.Histogram{118: 800, 119: 200}, Units: 2, Bytes: 1330,
		Tensors: []RansTensor{
			{"layer.q", rans.Exponent, one}, {"layer.\x1b\\", rans.Joint, other}, {"head", rans.Exponent, skewed(t, rans.Exponent, 115, 9)},
		},
	}
}

func ransPlan(t *testing.T, in *RansInput) *RansPlan {
	t.Helper()
	p, err := NewRansPlan(*in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRansGolden(t *testing.T) {
	p := ransPlan(t, threeTensors(t))
	for name, render := range map[string]func() ([]byte, error){
		"three.go":      func() ([]byte, error) { return RansPackage(p, Embedding{PTX: true, Fatbin: true}) },
		"three_test.go": func() ([]byte, error) { return RansTest(p) },
	} {
		got, err := render()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "golang/"+name, got)
	}
}

// TestRansTables reads the tables back from the CUDA source.
func TestRansTables(t *testing.T) {
	p := ransPlan(t, threeTensors(t))
	if got := fmt.Sprint(p.Of); got != "[0 1 0]" {
		t.Errorf("the tables of the tensors are %s", got)
	}
	source, err := RansCUDA(p)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(source), "rans_tables[2][64] = {\n")
	var got []string
	for _, word := range regexp.MustCompile(`0x[0-9a-f]{8}`).FindAllString(text, -1) {
		got = append(got, word[2:])
	}
	var want []string
	for _, t := range p.Tensors[:2] {
		b := launch.RansTable(t.Form, t.Table.Alias())
		for ; len(b) > 0; b = b[4:] {
			want = append(want, fmt.Sprintf("%02x%02x%02x%02x", b[3], b[2], b[1], b[0]))
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the source has other tables:\n%s", text)
	}
	if !strings.Contains(text, `// 1: 12 symbols, of "layer.\x1b\\"`) {
		t.Errorf("the second table is not named:\n%s", text)
	}
}

// TestRansForms wants kernels for the forms of the model, and for no other.
func TestRansForms(t *testing.T) {
	in := threeTensors(t)
	for _, tc := range []struct {
		tensors []RansTensor
		want    string
	}{
		{in.Tensors, "decode_rans decode_rans_joint matvec_rans matvec_rans_joint matvec_rans_join"},
		{in.Tensors[:1], "decode_rans matvec_rans matvec_rans_join"},
		{in.Tensors[1:2], "decode_rans_joint matvec_rans_joint matvec_rans_join"},
	} {
		one := *in
		one.Tensors = tc.tensors
		p := ransPlan(t, &one)
		source, err := RansCUDA(p)
		if err != nil {
			t.Fatal(err)
		}
		var entries, launches []string
		for _, m := range regexp.MustCompile(`(?m)^((?:decode|matvec)_rans\w*)\(`).FindAllSubmatch(source, -1) {
			entries = append(entries, string(m[1]))
		}
		for _, l := range ransLaunches(p) {
			launches = append(launches, l.Entry)
		}
		if got := strings.Join(entries, " "); got != tc.want {
			t.Errorf("the source has the kernels %s, want %s", got, tc.want)
		}
		if got := strings.Join(launches, " "); got != tc.want {
			t.Errorf("the launches are %s, want %s", got, tc.want)
		}
	}
}

func TestRansHash(t *testing.T) {
	in := threeTensors(t)
	hashes := map[string]string{}
	for name, tensors := range map[string][]RansTensor{
		"all":        in.Tensors,
		"first":      in.Tensors[:1],
		"other form": {{"x", rans.Joint, in.Tensors[0].Table}},
		"one more":   {{"x", rans.Exponent, skewed(t, rans.Exponent, 115, 10)}},
	} {
		one := *in
		one.Tensors = tensors
		h := ransPlan(t, &one).Hash()
		if hashes[h] != "" {
			t.Errorf("%s and %s have one hash", name, hashes[h])
		}
		hashes[h] = name
	}
}

func TestRansInput(t *testing.T) {
	for want, change := range map[string]func(in *RansInput){
		"no tensors":         func(in *RansInput) { in.Tensors = nil },
		"package name":       func(in *RansInput) { in.Package = "a b" },
		"model name":         func(in *RansInput) { in.Model = "a\nb" },
		"sum to":             func(in *RansInput) { in.Tensors[1].Table.Frequencies[0]++ },
		"the largest is 255": func(in *RansInput) { in.Tensors[0].Table.Symbols[0] = 300 },
	} {
		in := threeTensors(t)
		change(in)
		if _, err := NewRansPlan(*in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
}
