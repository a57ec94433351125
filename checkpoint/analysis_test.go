package checkpoint

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
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

// TestAnalysisOfferedSchemes wants the same from each scheme, whether the units bring code books or not: those of
// the scheme "model" depend on all units.
func TestAnalysisOfferedSchemes(t *testing.T) {
	var plain, coded []AnalysedUnit
	for i := range uint64(3 * codebook.MaxBooks) {
		h := &codebook.Histogram{100: 1000 + 100*i, 101: 5000 - 100*i, 120: 7}
		h[110+i%5] = 300 + i*i
		b, err := codebook.Canonical(h, 12)
		if err != nil {
			t.Fatal(err)
		}
		plain = append(plain, AnalysedUnit{Histogram: h})
		coded = append(coded, AnalysedUnit{Histogram: h, Book: b})
	}
	want, have := AnalyseUnits("m", plain).Report().Schemes, AnalyseUnits("m", coded).Report().Schemes
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("schemes of units that bring code books (-want +got):\n%s", diff)
	}
	if n := have[0].Books; n < 1 || n > codebook.MaxBooks {
		t.Errorf("%d code books under %q", n, have[0].Name)
	}
}

// TestAnalysisOfSmallUnits prices a unit that coding makes no smaller: a model leaves it out, all else keeps it.
func TestAnalysisOfSmallUnits(t *testing.T) {
	for kind, want := range map[string]uint64{KindModel: 0, KindDF11: 12, KindHistogram: 12} {
		units := []AnalysedUnit{{Histogram: &codebook.Histogram{100: 5, 101: 7}}}
		a := AnalyseUnits("m", units)
		a.Kind = kind
		if p, err := a.price("unit"); err != nil || p.weights != want {
			t.Errorf("%s: %+v, error %v, want %d weights", kind, p, err, want)
		}
		a.DTypes = []DTypeCount{{Bytes: 24}}
		if u := a.Report().Units[0]; (u.Book != "") != (kind == KindDF11) {
			t.Errorf("%s: reported with the code book %q", kind, u.Book)
		}
		if s := a.Report().Schemes; len(s) > 1 && (s[1].Error == "nothing gains by it") != (want == 0) {
			t.Errorf("%s: reported as %+v", kind, s[1])
		}
		if units[0].Name != "" || units[0].Book != nil {
			t.Errorf("%s: the units of the caller were changed: %+v", kind, units[0])
		}
	}
}

// TestSettleAgain wants the code books that the units which stay get without those that were left out.
func TestSettleAgain(t *testing.T) {
	scheme := mustScheme("model")
	var units []AnalysedUnit
	for i := range uint64(4 * codebook.MaxBooks) {
		h := &codebook.Histogram{100: 600, 101: 500, 120: 7}
		h[102+i%16] += 900
		if i%2 == 0 { // large enough to gain
			h[110+i%7] += 9000
		}
		units = append(units, AnalysedUnit{Name: string(rune('A' + i)), Histogram: h})
	}
	have, lost, err := settle(scheme, units)
	if err != nil || len(have) != len(units)/2 || len(lost) != len(units)/2 {
		t.Fatalf("%d units, %d lost, error %v", len(have), len(lost), err)
	}
	var stay []AnalysedUnit
	for _, u := range have {
		stay = append(stay, AnalysedUnit{Name: u.Name, Histogram: u.Histogram})
	}
	want, err := assign(scheme, stay)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if have[i].Size != want[i].Size || have[i].Book.Fingerprint() != want[i].Book.Fingerprint() {
			t.Errorf("unit %q has a code book that is not chosen for the units that stay", have[i].Name)
		}
	}
}

func TestModelName(t *testing.T) {
	for path, want := range map[string]string{
		"a/b": "b", "a/b.safetensors": "b", "a/model.safetensors.index.json": "model", "b.json": "b", "a/.json": ".json", "a/b.bin/": "b.bin",
	} {
		if have := modelName(path); have != want {
			t.Errorf("%s: %q, want %q", path, have, want)
		}
	}
}

// TestAnalyseDamaged wants an error where the weights of a DF11 checkpoint are not those that it has the sums of.
func TestAnalyseDamaged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := Compress(context.Background(), vectorModel, dir, CompressOptions{SingleFile: true}); err != nil {
		t.Fatal(err)
	}
	c, err := model.OpenContainer(dir)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(c.Files[0].Tensors, func(x *model.Tensor) bool { return strings.HasSuffix(x.Name, ".sign_mantissa") })
	path, at := c.Files[0].Path(), len(c.Files[0].Start())+int(c.Files[0].Tensors[i].Begin)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[at] ^= 0x10
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = Analyse(context.Background(), dir, AnalyseOptions{})
	if _, ok := errors.AsType[*runtime.SumError](err); !ok {
		t.Errorf("error %v, want that of a sum", err)
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
