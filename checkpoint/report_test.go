package checkpoint

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cost"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

func TestInspect(t *testing.T) {
	var first *Report
	for _, path := range []string{vectorModel, vectorDF11, filepath.Join(vectorModel, "model.safetensors")} {
		t.Run(path, func(t *testing.T) {
			r, err := Inspect(context.Background(), path, AnalyseOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = r
			}
			if r.Tensors != 21 || r.Weights != 158016 || r.Bytes != 316032 || r.CodedWeights != 157696 || r.Histogram.Total() != r.CodedWeights {
				t.Errorf("counts: %d tensors, %d weights, %d bytes, %d coded", r.Tensors, r.Weights, r.Bytes, r.CodedWeights)
			}
			if diff := cmp.Diff(first.Histogram, r.Histogram); diff != "" {
				t.Errorf("histogram (-want +got):\n%s", diff)
			}
			if len(r.Units) != 4 || len(r.Raw) != 5 || math.Abs(r.Entropy-2.819) > 0.001 {
				t.Errorf("%d units, %d raw, entropy %f", len(r.Units), len(r.Raw), r.Entropy)
			}
			if (r.Kind == KindDF11) != (r.Stored != nil) {
				t.Errorf("kind %s, stored %v", r.Kind, r.Stored)
			}
			for i, s := range r.Schemes {
				if s.Name != Schemes()[i] || s.Error != "" || s.Percent < 69 || s.Percent > 70 {
					t.Errorf("scheme: %+v", s)
				}
			}
			if s := r.Stored; s != nil && (s.Size.Total() != r.Schemes[2].CodedBytes || s.Books != 4 || s.Percent != r.Schemes[2].Percent) {
				t.Errorf("stored: %+v, scheme: %+v", s, r.Schemes[2])
			}
		})
	}
}

// The expected sizes are the real ones, and the units listed those of the default scheme.
func TestInspectForetells(t *testing.T) {
	odd := filepath.Join(t.TempDir(), "odd")
	writeTensors(t, filepath.Join(odd, "model.safetensors"), oddUnit())
	for _, path := range []string{vectorModel, odd} {
		r, err := Inspect(context.Background(), path, AnalyseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Schemes {
			c, err := Compress(context.Background(), path, filepath.Join(t.TempDir(), "out"), CompressOptions{Scheme: s.Name})
			if err != nil {
				t.Fatal(err)
			}
			got := SchemeReport{Name: s.Name, Books: c.Books, LongestCode: c.LongestCode, CodedBytes: c.Stored.Size.Total(),
				Bytes: c.Stored.Size.Total() + c.Stored.Raw, BitsPerWeight: c.Stored.BitsPerWeight, Percent: c.Stored.Percent}
			if diff := cmp.Diff(s, got); diff != "" {
				t.Errorf("%s: expected and real (-expected +real):\n%s", path, diff)
			}
			if s.Name != Schemes()[0] {
				continue
			}
			if diff := cmp.Diff(r.Raw, c.Raw); diff != "" || len(r.Units) != c.Units || r.CodedWeights != c.CodedWeights {
				t.Errorf("%s: %d units, really %d; tensors left raw (-expected +real):\n%s", path, len(r.Units), c.Units, diff)
			}
		}
	}
}

// oddUnit is a model with a unit that gains by a code book of its own and loses by that of the others, so
// few are its weights.
func oddUnit() []tensor {
	few := make([]byte, 2*4000)
	for i := 0; i < len(few); i += 2 {
		few[i+1] = byte(40 + i/2%2) // exponents 80 and 82
	}
	return []tensor{
		{"net.0.weight", model.BF16, []uint64{1024, 5120}, gaussian(5<<20, 1)},
		{"net.1.weight", model.BF16, []uint64{40, 100}, few},
	}
}

func TestOddUnit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd")
	writeTensors(t, filepath.Join(dir, "model.safetensors"), oddUnit())
	for scheme, units := range map[string]int{"model": 1, "unit": 2} {
		r, err := Compress(context.Background(), dir, filepath.Join(t.TempDir(), "out"), CompressOptions{Scheme: scheme, Verify: true})
		if err != nil {
			t.Fatal(err)
		}
		if r.Units != units || r.Books != units {
			t.Errorf("%s: %d units with %d books, want %d: %+v", scheme, r.Units, r.Books, units, r.Raw)
		}
	}
}

// The JSON form of a report stands for the model; its names are a promise.
func TestReportJSON(t *testing.T) {
	r, err := Inspect(context.Background(), vectorDF11, AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	all, err := jsonedit.Members(text)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range all {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	want := strings.Fields(`bits_per_weight book books bytes coded_bytes coded_weights distinct_exponents dtype dtypes elements
		encoded_exponent entropy gaps histogram kind longest_code luts model name output_positions path percent raw schemes
		shape sign_mantissa split_positions stored tensors units weights`)
	if diff := cmp.Diff(want, slices.Compact(names)); diff != "" {
		t.Errorf("names in the JSON form (-want +got):\n%s", diff)
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	back, err := Inspect(context.Background(), path, AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if back.Kind != KindHistogram || back.Model != "df11" || back.Histogram != r.Histogram || back.Entropy != r.Entropy || len(back.Units) != len(r.Units) {
		t.Errorf("read back: %s %q, %d units", back.Kind, back.Model, len(back.Units))
	}
}

func TestInspectEmpty(t *testing.T) {
	dir := t.TempDir()
	writeTensors(t, filepath.Join(dir, "model.safetensors"), nil)
	r, err := Inspect(context.Background(), dir, AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Tensors != 0 || r.CodedWeights != 0 || len(r.Schemes) != 0 {
		t.Errorf("report: %+v", r)
	}
}

func TestHistogramFile(t *testing.T) {
	list := func(h codebook.Histogram) string {
		text, _ := json.Marshal(h)
		return string(text)
	}
	h := list(codebook.Histogram{120: 1000, 121: 24})
	cases := []struct{ name, text, want string }{
		{"whole model", `{"histogram": ` + h + `}`, ""},
		{"named", `{"model": "x", "histogram": ` + h + `, "other": []}`, ""},
		{"by exponent", `{"histogram": {"120": 1000, "121": 24}}`, ""},
		{"units", `{"units": [{"name": "a", "histogram": {"120": 1000}}, {"name": "b", "histogram": {"121": 24}}]}`, ""},
		{"both", `{"histogram": ` + h + `, "units": [{"name": "a", "histogram": ` + h + `}]}`, ""},
		{"units without", `{"histogram": ` + h + `, "units": [{"name": "a"}]}`, ""},
		{"neither", `{}`, "neither"},
		{"not JSON", `{`, "unexpected end"},
		{"short", `{"histogram": [1, 2]}`, "2 counts, want 256"},
		{"negative", `{"histogram": {"1": -1}}`, "whole numbers"},
		{"fraction", `{"histogram": {"1": 1.5}}`, "whole numbers"},
		{"exponent 256", `{"histogram": {"256": 1}}`, "0 to 255"},
		{"too many", `{"histogram": {"1": 72057594037927936, "2": 1}}`, "2^56"},
		{"overflow", `{"histogram": {"1": 18446744073709551615, "2": 1}}`, "2^56"},
		{"no sum", `{"histogram": ` + h + `, "units": [{"name": "a", "histogram": {"120": 1000}}]}`, "do not add up"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.json")
			writeText(t, path, c.text)
			r, err := Inspect(context.Background(), path, AnalyseOptions{})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want one with %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Model != "x" || r.CodedWeights != 1024 || r.Histogram[121] != 24 || r.Weights != 1024 || len(r.Schemes) != 3 {
				t.Errorf("report: %+v", r)
			}
		})
	}
}

// What cannot be coded is said, not failed on.
func TestHistogramInexpressible(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	writeText(t, path, `{"histogram": {"250": 7, "1": 1}}`)
	r, err := Inspect(context.Background(), path, AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Schemes {
		if !strings.Contains(s.Error, "250 (7 times)") {
			t.Errorf("scheme %s: %q", s.Name, s.Error)
		}
	}
}

func FuzzHistograms(f *testing.F) {
	f.Add(`{"histogram": {"120": 1000, "121": 24}}`)
	f.Add(`{"units": [{"name": "a", "histogram": {"120": 1000}}, {"name": "b", "histogram": {"121": 24}}]}`)
	f.Add(`{"histogram": [1, 2]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var parsed *histogramFile
		var err error
		cost.Bounded(t, len(text), 64<<10, 64, func() { parsed, err = parseHistograms(strings.NewReader(text)) })
		if err != nil {
			return
		}
		var sum codebook.Histogram
		for _, u := range parsed.units {
			u.histogram.addTo(&sum)
		}
		if err := sum.CheckTotal(); err != nil {
			t.Error(err)
		}
	})
}

func TestBench(t *testing.T) {
	r, err := Bench(context.Background(), vectorDF11, BenchOptions{Time: 1, Threads: []int{1, 3}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Weights != 157696 || r.Units != 4 || len(r.Results)%2 != 0 || len(r.Results) == 0 {
		t.Errorf("report: %+v", r)
	}
	for _, s := range r.Results {
		if s.Rate <= 0 || s.Rounds < 3 || s.MemcpyRatio <= 0 || s.RooflineRatio <= 0 {
			t.Errorf("result: %+v", s)
		}
	}
	for _, opts := range []BenchOptions{{Decoders: []string{"cuda"}}, {Decoders: []string{"auto"}}, {Threads: []int{0}}} {
		if _, err := Bench(context.Background(), vectorDF11, opts); err == nil {
			t.Errorf("no error for %+v", opts)
		}
	}
}

// A checkpoint coded with rANS is described whatever weights it has, and as it was when it was written.
func TestInspectRANS(t *testing.T) {
	src, coded := t.TempDir(), filepath.Join(t.TempDir(), "coded")
	infinite := gaussian(64*1024, 1)
	infinite[0], infinite[1] = 0x80, 0x7f
	writeTensors(t, filepath.Join(src, "model.safetensors"), []tensor{
		{"layers.0.a.weight", model.BF16, []uint64{64, 1024}, infinite},
		{"layers.0.b.weight", model.BF16, []uint64{64, 512}, gaussian(64*512, 2)},
		{"layers.1.a.weight", model.BF16, []uint64{64, 512}, gaussian(64*512, 3)},
	})
	written, err := Compress(t.Context(), src, coded, CompressOptions{Codec: model.RANS})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), coded, AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if written.Books != 3 {
		t.Errorf("%d tables", written.Books)
	}
	if diff := cmp.Diff(written.Stored, *r.Stored); diff != "" {
		t.Errorf("stored (-written +inspected):\n%s", diff)
	}
}

// A checkpoint without weights has no ratios.
func TestInspectNoWeights(t *testing.T) {
	table := rans.Table{Symbols: []uint16{1, 2}, Frequencies: []uint16{1, rans.Scale - 1}}
	coded := &rans.Tensor{Stream: rans.Stream{BlockWeights: 1, Table: table.Bytes()}, Shape: []uint64{0}}
	entry, err := model.RANSEntry("a", "a.weight", coded, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := model.WriteFile(path, []model.Entry{entry}, nil); err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), path, AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}
