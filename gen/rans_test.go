package gen

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/rans"
)

// codedRANS is a model that is coded with rANS: units of one tensor each, which has the unit's name. All have one table.
func codedRANS(t *testing.T, name string, units ...string) *checkpoint.Analysis {
	t.Helper()
	h := &codebook.Histogram{117: 10, 118: 70, 119: 20}
	table, err := rans.NewTable(rans.Exponent, h[:])
	if err != nil {
		t.Fatal(err)
	}
	var all []checkpoint.AnalysedUnit
	for _, u := range units {
		all = append(all, checkpoint.AnalysedUnit{
			Name: u, Histogram: h, Tensors: []string{u}, RANS: []checkpoint.AnalysedTensor{{Weights: 100, Form: rans.Exponent, Table: table}},
		})
	}
	a := checkpoint.AnalyseUnits(name, all)
	a.Kind = checkpoint.KindRANS
	a.Stored = &checkpoint.UnitSize{RANS: &checkpoint.RANSSize{Headers: 300, Blocks: 400, Plane: 100 * uint64(len(units))}}
	return a
}

// described is part of the manifest of a package.
func described(t *testing.T, r *Result) (m struct {
	Hash           string
	Weights, Bytes uint64
	Tables         []RansTableReport
	Tensors        []RansTensorReport
}) {
	t.Helper()
	if err := json.Unmarshal(r.find(ManifestName), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestGenerateRans generates from a checkpoint of each form, and wants other bytes for another model.
func TestGenerateRans(t *testing.T) {
	seen := map[string]bool{}
	for _, form := range rans.FormNames() {
		f, err := rans.FormByName(form)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "coded")
		if _, err := checkpoint.Compress(t.Context(), trained, dir, checkpoint.CompressOptions{Codec: "rans", Form: f}); err != nil {
			t.Fatal(err)
		}
		a := analyse(t, dir)
		p := plan(t, a, "p")
		r := generate(t, p, Options{Compiler: fakeCompiler(t, "1.0")})
		var names []string
		for _, f := range r.Files {
			names = append(names, f.Name)
			if f.Name != ManifestName && !bytes.HasPrefix(f.Data, []byte("// "+p.Rans.Header()+"\n")) {
				t.Errorf("%s: %s opens with %q", form, f.Name, f.Data[:min(len(f.Data), 80)])
			}
			if seen[string(f.Data)] {
				t.Errorf("%s: %s is that of the other form", form, f.Name)
			}
			seen[string(f.Data)] = true
		}
		if diff := cmp.Diff([]string{ManifestName, "p.go", "p_test.go", "rans.cu", "rans.ptx"}, names); diff != "" {
			t.Errorf("%s: files differ (-want +got):\n%s", form, diff)
		}
		m := described(t, r)
		weights, n := uint64(0), 0
		for _, tensor := range m.Tensors {
			weights += tensor.Weights
			if tensor.Table < 0 || tensor.Table >= len(m.Tables) || m.Tables[tensor.Table].Form != form {
				t.Errorf("%s: tensor %s has table %d", form, tensor.Name, tensor.Table)
			}
		}
		for i := range a.Units {
			n += len(a.Units[i].Tensors)
		}
		if len(m.Tensors) != n || weights != m.Weights || m.Bytes != a.Stored.Total() || m.Hash != p.Rans.Hash() {
			t.Errorf("%s: the manifest has %d tensors of %d weights in %d bytes, hash %s", form, len(m.Tensors), weights, m.Bytes, m.Hash)
		}
		report := strings.Join(r.Report, "\n")
		for _, want := range []string{"package p for coded", "form           " + form, emit.RansPTXName + ": compiled by"} {
			if !strings.Contains(report, want) {
				t.Errorf("%s: the report lacks %q:\n%s", form, want, report)
			}
		}
		// The PTX of the same source is kept.
		again := generate(t, p, Options{Previous: r.Files})
		if !strings.Contains(strings.Join(again.Report, "\n"), "kept, compiled from the same rans.cu") || !cmp.Equal(again.Files, r.Files) {
			t.Errorf("%s: generated again: %q", form, again.Report)
		}
	}
}

// TestRansTablesShared wants a table that several tensors have once.
func TestRansTablesShared(t *testing.T) {
	r := generate(t, plan(t, codedRANS(t, "coded", "one", "other"), "p"), Options{})
	if m := described(t, r); len(m.Tables) != 1 || len(m.Tensors) != 2 || m.Tensors[1].Table != 0 {
		t.Errorf("tables %v, tensors %v", m.Tables, m.Tensors)
	}
}
