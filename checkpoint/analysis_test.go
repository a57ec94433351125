package checkpoint

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/codebook"
)

func analyse(t *testing.T, path string) *Analysis {
	t.Helper()
	a, err := Analyse(context.Background(), path, AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAnalysisIsReported changes what an analysis has computed already: the report goes by it and computes nothing
// again.
func TestAnalysisIsReported(t *testing.T) {
	for _, c := range []struct {
		path    string
		schemes []string // that are applied already
	}{
		{vectorModel, []string{"model", "unit"}},
		{vectorDF11, nil},
		{writeTemp(t, `{"histogram": {"120": 1000, "121": 24}}`), []string{"model"}},
	} {
		t.Run(c.path, func(t *testing.T) {
			a := analyse(t, c.path)
			for _, p := range a.prices {
				p.coded += 1 << 40
			}
			var have []string
			for _, s := range a.Report().Schemes {
				if s.CodedBytes > 1<<40 {
					have = append(have, s.Name)
				}
			}
			if diff := cmp.Diff(c.schemes, have); diff != "" {
				t.Errorf("schemes reported as computed before (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnalysisBooks wants the books of the checkpoint itself from a DF11 checkpoint, and those that Compress would choose
// from the model.
func TestAnalysisBooks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := Compress(context.Background(), vectorModel, dir, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	before, after := analyse(t, vectorModel), analyse(t, dir)
	if before.Scheme != "model" || after.Scheme != "" || len(before.Units) != len(after.Units) {
		t.Fatalf("schemes %q and %q, %d and %d units", before.Scheme, after.Scheme, len(before.Units), len(after.Units))
	}
	byName := func(a, b AnalysedUnit) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(before.Units, byName)
	slices.SortFunc(after.Units, byName)
	for i := range before.Units {
		x, y := &before.Units[i], &after.Units[i]
		if x.Name != y.Name || *x.Histogram != *y.Histogram || x.Size != y.Size || x.Book.Fingerprint() != y.Book.Fingerprint() ||
			!cmp.Equal(x.Tensors, y.Tensors) {
			t.Errorf("unit %q of the model and %q of the checkpoint differ", x.Name, y.Name)
		}
		if after.Units[0].Book.Fingerprint() == y.Book.Fingerprint() && after.Units[0].Book != y.Book {
			t.Errorf("unit %q has a copy of the book of the first", y.Name)
		}
	}
}

// TestBare tells histograms of a whole model from those of units, also where they are read back from a report.
func TestBare(t *testing.T) {
	const h = `{"120": 1000, "121": 24}`
	for _, c := range []struct {
		name, text string
		bare       bool
		want       []string // names of units
	}{
		{"histogram", `{"model": "m", "histogram": ` + h + `}`, true, []string{"m"}},
		{"a unit without a name", `{"model": "m", "units": [{"histogram": ` + h + `}]}`, true, []string{"m"}},
		{"two", `{"model": "m", "units": [{"histogram": ` + h + `}, {"name": "a", "histogram": ` + h + `}]}`, false, []string{"m", "a"}},
		{"report of a histogram", `{"model": "m", "kind": "histogram", "units": [{"name": "m", "histogram": ` + h + `}]}`, true, []string{"m"}},
		{"report of a model", `{"model": "m", "kind": "model", "units": [{"name": "m", "histogram": ` + h + `}]}`, false, []string{"m"}},
		{"report of another unit", `{"model": "m", "kind": "histogram", "units": [{"name": "a", "histogram": ` + h + `}]}`, false, []string{"a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := analyse(t, writeTemp(t, c.text))
			var names []string
			for _, u := range a.Units {
				names = append(names, u.Name)
			}
			if diff := cmp.Diff(c.want, names); diff != "" || a.Bare != c.bare {
				t.Errorf("bare %t, units (-want +got):\n%s", a.Bare, diff)
			}
		})
	}
}

// TestAnalyseUnitsRefuses keeps units whose code books are not to be had, and says why.
func TestAnalyseUnitsRefuses(t *testing.T) {
	h := &codebook.Histogram{100: 5, 101: 7}
	b, err := codebook.Canonical(h, 12)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		units []AnalysedUnit
		want  string
	}{
		{"books for some", []AnalysedUnit{{Name: "a", Histogram: h, Book: b}, {Name: "b", Histogram: h}}, "1 of 2 units have a code book"},
		{"no code", []AnalysedUnit{{Name: "a", Histogram: &codebook.Histogram{50: 1}, Book: b}}, `unit "a": codebook: symbol 50`},
		{"inexpressible", []AnalysedUnit{{Name: "a", Histogram: &codebook.Histogram{250: 1}}}, `code book "model": unit "a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := AnalyseUnits("m", c.units)
			if a.NoBooks == nil || !strings.Contains(a.NoBooks.Error(), c.want) || len(a.Units) != len(c.units) {
				t.Errorf("%d units, error %v, want one with %q", len(a.Units), a.NoBooks, c.want)
			}
		})
	}
}

func TestAnalyseErrors(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "x.safetensors")
	writeText(t, broken, "short")
	for _, path := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "none.json"), broken} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := Analyse(context.Background(), path, AnalyseOptions{})
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one that names the file", err)
			}
		})
	}
}

// writeTemp writes a JSON file and returns its path.
func writeTemp(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.json")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}
