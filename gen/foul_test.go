package gen

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
)

// foulName ends every kind of comment and string, begins directives, and ends in what joins lines in C. All of it is
// printable.
const foulName = "x */ /* // \" ' ` %s %n ${PATH} $(touch x) ??/ \\n \\u000a <!-- 日本 #define go //go:build ignore \\"

// foulUnit is what a tensor may be called.
const foulUnit = "\x1b[31mred\u009b2J\u202e\u2028\x7f\r\n\x00\U000e0001</script>"

// foul is a model whose names are of the worst kind that is taken.
func foul() *checkpoint.Analysis {
	return checkpoint.AnalyseUnits(foulName, []checkpoint.AnalysedUnit{{Name: foulUnit, Histogram: &codebook.Histogram{118: 70, 119: 30}}})
}

// TestFoulNames generates files for the model: no character in them is more than it looks, and names stand in
// comments and in JSON alone.
func TestFoulNames(t *testing.T) {
	testFoulNames(t, foul())
	testFoulNames(t, codedRANS(t, foulName, foulUnit))
}

func testFoulNames(t *testing.T, a *checkpoint.Analysis) {
	t.Helper()
	r := generate(t, plan(t, a, "foulnames"), Options{Compiler: fakeCompiler(t, "1.0")})
	for _, f := range r.Files {
		for i, c := range string(f.Data) {
			if c != '\n' && c != '\t' && !unicode.IsPrint(c) {
				t.Errorf("%s: %q at byte %d", f.Name, c, i)
			}
		}
		if f.Name == ManifestName {
			continue
		}
		named := 0
		for line := range strings.Lines(string(f.Data)) {
			if !strings.Contains(line, "日本") {
				continue
			}
			named++
			if !strings.HasPrefix(line, "// ") || !strings.Contains(line, foulName) || strings.HasSuffix(line, foulName+"\n") {
				t.Errorf("%s: line %q", f.Name, line)
			}
		}
		if named == 0 {
			t.Errorf("%s does not name the model", f.Name)
		}
	}
	var read struct {
		Model   string
		Units   []struct{ Name string }
		Tensors []struct{ Unit string }
	}
	if err := json.Unmarshal(r.find(ManifestName), &read); err != nil || read.Model != foulName {
		t.Errorf("the manifest says %q, %v", read, err)
	}
	names := []string{}
	for _, u := range read.Units {
		names = append(names, u.Name)
	}
	for _, t := range read.Tensors {
		names = append(names, t.Unit)
	}
	if !slices.Equal(names, []string{foulUnit}) {
		t.Errorf("the manifest has the units %q", names)
	}
}
