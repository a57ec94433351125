package gen

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
)

const (
	trained   = "../testdata/shakespeare-llama"
	published = "../model/testdata/tiny-llama/df11"
)

func fromPath(t *testing.T, path string, opts ReadOptions) *Model {
	t.Helper()
	m, err := FromPath(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A kernel generated from a model decodes what the model is compressed to, and the compressed
// checkpoint gives the same kernel.
func TestCompressedAgrees(t *testing.T) {
	before := plan(t, fromPath(t, trained, ReadOptions{}), "p")
	dir := filepath.Join(t.TempDir(), "df11")
	if _, err := checkpoint.Compress(t.Context(), trained, dir, checkpoint.CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	compressed := fromPath(t, dir, ReadOptions{})
	if compressed.Name != "df11" || compressed.Real == nil {
		t.Fatalf("model %q with real size %v", compressed.Name, compressed.Real)
	}
	after := plan(t, compressed, "p")
	if before.Hash() != after.Hash() {
		t.Errorf("the model's books have the hash %s, those it was compressed with %s", before.Hash(), after.Hash())
	}
	if diff := cmp.Diff(before.Expected, *compressed.Real); diff != "" {
		t.Errorf("expected and real size differ (-expected +real):\n%s", diff)
	}
	if before.Histogram != after.Histogram {
		t.Error("the histograms of the model and the compressed model differ")
	}
}

func TestPublishedCheckpoint(t *testing.T) {
	m := fromPath(t, published, ReadOptions{Name: "tiny-llama"})
	p := plan(t, m, "p")
	if m.Name != "tiny-llama" || p.Units != 4 || len(p.Books) != 4 || p.Scheme != "" {
		t.Errorf("model %q: %d units, %d books, scheme %q", m.Name, p.Units, len(p.Books), p.Scheme)
	}
	if diff := cmp.Diff(p.Expected, *m.Real); diff != "" {
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
	r, err := checkpoint.Inspect(t.Context(), trained, checkpoint.InspectOptions{})
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
	want, got := plan(t, fromPath(t, trained, ReadOptions{}), "p"), plan(t, fromPath(t, path, ReadOptions{}), "p")
	if got.Header() != want.Header() || got.Units != want.Units || got.Histogram != want.Histogram {
		t.Errorf("from the report %q with %d units, want %q with %d", got.Header(), got.Units, want.Header(), want.Units)
	}
}

func TestSingleFile(t *testing.T) {
	m := fromPath(t, filepath.Join(trained, "model.safetensors"), ReadOptions{})
	if m.Name != "model" || m.Bare || len(m.Units) == 0 || m.Real != nil {
		t.Errorf("model %q, bare %t, %d units, real size %v", m.Name, m.Bare, len(m.Units), m.Real)
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

func TestFromPathErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct{ name, path, wantErr string }{
		{"no such folder", filepath.Join(dir, "none"), "none"},
		{"no such histogram", filepath.Join(dir, "none.json"), "none.json"},
		{"not JSON", write("text.json", "histogram"), "text.json: histogram: invalid character"},
		{"not safetensors", write("x.safetensors", "short"), "x.safetensors"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := FromPath(t.Context(), tt.path, ReadOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("error %v, want %q", err, tt.wantErr)
			}
		})
	}
	// What DF11 cannot express is named when the code books are chosen.
	path := write("wide.json", `{"histogram": {"118": 5, "243": 2}}`)
	if _, err := fromPath(t, path, ReadOptions{}).Plan("p"); err == nil || !strings.Contains(err.Error(), "243 (2 times)") {
		t.Errorf("error %v, want one that names exponent 243", err)
	}
	var h codebook.Histogram
	h[118] = 5
	if m := fromPath(t, write("named.json", `{"histogram": {"118": 5}}`), ReadOptions{}); m.Name != "named" || m.Units[0].Histogram != h {
		t.Errorf("model %q with histogram %v", m.Name, m.Units[0].Histogram)
	}
}
