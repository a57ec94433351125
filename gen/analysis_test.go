package gen

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/internal/cost"
	"github.com/seed54244801/bespoke/model"
)

const (
	trained   = "../testdata/shakespeare-llama"
	published = "../model/testdata/tiny-llama/df11"
)

func analyse(t *testing.T, path string) *checkpoint.Analysis {
	t.Helper()
	a, err := checkpoint.Analyse(t.Context(), path, checkpoint.AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A kernel generated from a model decodes what the model is compressed to, and the compressed
// checkpoint gives the same kernel.
func TestCompressedAgrees(t *testing.T) {
	t.Run("trained", func(t *testing.T) { compressedAgrees(t, trained) })
	t.Run("unit that does not gain", func(t *testing.T) { compressedAgrees(t, oddModel(t)) })
}

// oddModel writes a model with a unit that is left raw because it loses by the book of the others.
func oddModel(t *testing.T) string {
	random := rand.New(rand.NewPCG(1, 2))
	many, few := make([]byte, 10<<20), make([]byte, 5000)
	for i := 0; i < len(many); i += 2 {
		bits := math.Float32bits(float32(random.NormFloat64()) / 50)
		many[i], many[i+1] = byte(bits>>16), byte(bits>>24)
	}
	for i := 1; i < len(few); i += 2 {
		few[i] = byte(40 + i/2%2) // exponents 80 and 82
	}
	dir := t.TempDir()
	err := model.WriteFile(filepath.Join(dir, "model.safetensors"), []model.Entry{
		model.BytesEntry("net.0.weight", model.BF16, []uint64{1024, 5120}, many),
		model.BytesEntry("net.1.weight", model.BF16, []uint64{25, 100}, few),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func compressedAgrees(t *testing.T, path string) {
	before := plan(t, analyse(t, path), "p")
	dir := filepath.Join(t.TempDir(), "df11")
	if _, err := checkpoint.Compress(t.Context(), path, dir, checkpoint.CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	compressed := analyse(t, dir)
	if compressed.Model != "df11" || compressed.Stored == nil {
		t.Fatalf("model %q with real size %v", compressed.Model, compressed.Stored)
	}
	after := plan(t, compressed, "p")
	if before.Hash() != after.Hash() {
		t.Errorf("the model's books have the hash %s, those it was compressed with %s", before.Hash(), after.Hash())
	}
	if diff := cmp.Diff(before.Expected, compressed.Stored.Size); diff != "" {
		t.Errorf("expected and real size differ (-expected +real):\n%s", diff)
	}
	if before.Histogram != after.Histogram {
		t.Error("the histograms of the model and the compressed model differ")
	}
}

func TestPublishedCheckpoint(t *testing.T) {
	a := analyse(t, published)
	p, err := NewPackage(a, "p", PackageOptions{Model: "tiny-llama"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Model != "tiny-llama" || p.Units != 4 || len(p.Books) != 4 || a.Scheme != "" {
		t.Errorf("model %q: %d units, %d books, scheme %q", p.Model, p.Units, len(p.Books), a.Scheme)
	}
	if diff := cmp.Diff(p.Expected, a.Stored.Size); diff != "" {
		t.Errorf("expected and real size differ (-expected +real):\n%s", diff)
	}
	for i, b := range p.Books {
		if b.Canonical() {
			t.Errorf("book %d of the published encoder is canonical", i)
		}
	}
}

// The JSON form of a report stands for the model that it was made from.
func TestReportIsHistogram(t *testing.T) {
	r, err := checkpoint.Inspect(t.Context(), trained, checkpoint.AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	want, got := plan(t, analyse(t, trained), "p"), plan(t, analyse(t, path), "p")
	if got.Header() != want.Header() || got.Units != want.Units || got.Histogram != want.Histogram {
		t.Errorf("from the report %q with %d units, want %q with %d", got.Header(), got.Units, want.Header(), want.Units)
	}
}

func TestSingleFile(t *testing.T) {
	m := analyse(t, filepath.Join(trained, "model.safetensors"))
	if m.Model != "model" || m.Bare || len(m.Units) == 0 || m.Stored != nil {
		t.Errorf("model %q, bare %t, %d units, real size %v", m.Model, m.Bare, len(m.Units), m.Stored)
	}
}

func TestNotes(t *testing.T) {
	got := notCoded([]checkpoint.RawReport{
		{Name: "a.weight", Reason: "F32, only BF16 is coded"},
		{Name: "b.weight", Reason: "no elements"},
		{Name: "c.weight", Reason: "F32, only BF16 is coded"},
	})
	want := []string{
		"not coded: a.weight and 1 more: F32, only BF16 is coded",
		"not coded: b.weight: no elements",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notes differ (-want +got):\n%s", diff)
	}
}

func TestHistogramFile(t *testing.T) {
	tests := []struct {
		name, text, wantErr string
		want                []string // unit names
	}{
		{name: "object", text: `{"model": "m", "histogram": {"118": 5}}`, want: []string{"m"}},
		{name: "other members", text: `{"tensors": [1], "histogram": {"118": 5}, "entropy": 0}`, want: []string{"named"}},
		{name: "units", text: `{"units": [{"name": "a", "histogram": {"1": 2}}, {"name": "b", "histogram": {"1": 3}}]}`, want: []string{"a", "b"}},
		{name: "units and another sum", text: `{"histogram": {"1": 4}, "units": [{"name": "a", "histogram": {"1": 5}}]}`, wantErr: "do not add up"},
		{name: "nothing", text: `{}`, wantErr: "neither"},
		{name: "not JSON", text: `histogram`, wantErr: "invalid character"},
		{name: "no exponent", text: `{"histogram": {"256": 5}}`, wantErr: "256"},
		{name: "short array", text: `{"histogram": [1, 2]}`, wantErr: "histogram of 2 counts"},
		{name: "inexpressible", text: `{"histogram": {"118": 5, "243": 2}}`, wantErr: "243 (2 times)"},
		{name: "empty", text: `{"histogram": {}}`, wantErr: "no weights"},
		{name: "line break in the name", text: `{"model": "a\nb", "histogram": {"118": 5}}`, wantErr: "not a usable model name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := planHistogram(t, tt.text)
			if err == nil {
				_, err = Generate(t.Context(), p, Options{})
			}
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, u := range p.Source.Units {
				names = append(names, u.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("units differ (-want +got):\n%s", diff)
			}
		})
	}
}

// histogramFile analyses a histogram file with the given text.
func histogramFile(t *testing.T, text string) (*checkpoint.Analysis, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "named.json")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return checkpoint.Analyse(t.Context(), path, checkpoint.AnalyseOptions{})
}

// planHistogram plans the model of a histogram file with the given text.
func planHistogram(t *testing.T, text string) (*Package, error) {
	t.Helper()
	a, err := histogramFile(t, text)
	if err != nil {
		return nil, err
	}
	return NewPackage(a, "p", PackageOptions{})
}

// A file without a name for the model gives its own.
func TestHistogramFileName(t *testing.T) {
	p, err := planHistogram(t, `{"histogram": {"118": 5}}`)
	if err != nil {
		t.Fatal(err)
	}
	if p.Model != "named" || !p.Source.Bare {
		t.Errorf("model %q, bare: %t", p.Model, p.Source.Bare)
	}
}

// TestPlanWork holds reading and planning to twice the work for twice the units.
func TestPlanWork(t *testing.T) {
	cost.Linear(t, 300, func(n int) func() {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"name": "unit %d", "histogram": {"%d": 900, "%d": 70, "%d": 30}},`, i, 100+i%9, 101+i%9, 103+i%9)
		}
		text := `{"units": [` + b.String() + `{}]}`
		return func() {
			if p, err := planHistogram(t, text); err != nil || len(p.Book) != n {
				t.Error(err)
			}
		}
	})
}

func FuzzHistogramFile(f *testing.F) {
	f.Add(`{"model": "m", "histogram": {"118": 5, "119": 7}}`)
	f.Add(`{"units": [{"name": "a", "histogram": [1, 2]}], "histogram": {"240": 18446744073709551615}}`)
	f.Fuzz(func(t *testing.T, text string) {
		// A unit of a few bytes gets a book. What the shapes of decoders take does not depend on the text.
		cost.Bounded(t, len(text), 2<<20, 16<<10, func() {
			if a, err := histogramFile(t, text); err == nil {
				_ = (&Package{Source: a}).addUnits(new(emit.Input))
			}
		})
	})
}
