package gen

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// plan is NewPackage for a model without errors.
func plan(t *testing.T, a *checkpoint.Analysis, pkg string) *Package {
	t.Helper()
	p, err := NewPackage(a, pkg, PackageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func generate(t *testing.T, p *Package, opts Options) *Result {
	t.Helper()
	r, err := Generate(t.Context(), p, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// find returns the data of a file, nil when there is none of that name.
func (r *Result) find(name string) []byte {
	if i := slices.IndexFunc(r.Files, func(f File) bool { return f.Name == name }); i >= 0 {
		return r.Files[i].Data
	}
	return nil
}

func TestGenerateDeterministic(t *testing.T) {
	first := generate(t, plan(t, compressed(t, 3), "three"), Options{})
	second := generate(t, plan(t, compressed(t, 3), "three"), Options{})
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two runs differ (-first +second):\n%s", diff)
	}
}

func TestGenerateFiles(t *testing.T) {
	for _, tc := range []struct {
		pkg       string
		histogram codebook.Histogram
		want      []string
	}{
		{"two", codebook.Histogram{118: 7, 119: 1},
			[]string{"decode.cu", "decode_noasm.go", "manifest.json", "two.go", "two_test.go"}},
		{"many", codebook.Histogram{105: 20, 110: 700, 113: 5000, 115: 20000, 117: 90000, 118: 160000, 119: 250000, 120: 270000, 121: 130000, 122: 8000},
			[]string{"decode.cu", "decode_amd64.go", "decode_amd64.s", "decode_noasm.go", "manifest.json", "many.go", "many_test.go"}},
	} {
		t.Run(tc.pkg, func(t *testing.T) {
			p := plan(t, bare(tc.histogram), tc.pkg)
			r := generate(t, p, Options{})
			var names []string
			for _, f := range r.Files {
				names = append(names, f.Name)
				if f.Name != ManifestName && !bytes.HasPrefix(f.Data, []byte("// "+p.Header()+"\n")) {
					t.Errorf("%s opens with %q", f.Name, f.Data[:min(len(f.Data), 80)])
				}
			}
			if diff := cmp.Diff(tc.want, names); diff != "" {
				t.Errorf("files differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManifestGolden(t *testing.T) {
	m := compressed(t, 2)
	m.Stored = &checkpoint.UnitSize{Size: codebook.Size{Luts: 1024, Stream: 400, SignMantissa: 1914, OutputPositions: 16, Gaps: 640, SplitPositions: 96}}
	r := generate(t, plan(t, m, "golden"), Options{})
	got := r.find(ManifestName)
	path := filepath.Join("testdata", ManifestName)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); go test -update rewrites it:\n%s", path, diff)
	}
}

// A manifest holds what a package can be generated from once more.
func TestManifestIsHistogram(t *testing.T) {
	p := plan(t, bare(every(40)), "again")
	first := generate(t, p, Options{})
	path := filepath.Join(t.TempDir(), ManifestName)
	if err := os.WriteFile(path, first.find(ManifestName), 0o666); err != nil {
		t.Fatal(err)
	}
	again := generate(t, plan(t, analyse(t, path), "again"), Options{})
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("generated from the manifest it differs (-first +second):\n%s", diff)
	}
}

func TestReport(t *testing.T) {
	m := compressed(t, 1)
	m.Stored = &checkpoint.UnitSize{Size: codebook.Size{Stream: 957}}
	m.Raw = []checkpoint.RawReport{{Name: "lm_head.weight", Reason: "F32, only BF16 is coded"}, {Name: "norm.weight"}}
	r := generate(t, plan(t, m, "one"), Options{})
	text := strings.Join(r.Report, "\n")
	if strings.Contains(text, "norm.weight") {
		t.Errorf("the report names a tensor that is not coded for no reason:\n%s", text)
	}
	for _, want := range []string{
		"package one for compressed",
		"weights        957 in 1 unit",
		"real size      8.0000 bits a weight, 50.00 % of bfloat16",
		"code books: those of the checkpoint",
		emit.PTXName + ": none",
		"not coded: lm_head.weight",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}
