package checkpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/internal/cost"
)

// unitsText is a histogram file with n units of few exponents.
func unitsText(n int) string {
	var b strings.Builder
	b.WriteString(`{"model": "m", "units": [`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"histogram": {"%d": 900000, "%d": 100000}}`, 100+i%20, 101+i%20)
	}
	b.WriteString("]}")
	return b.String()
}

// TestHistogramRefuses is about what no report has, in words that say where.
func TestHistogramRefuses(t *testing.T) {
	long := strings.Repeat("x", maxName+1)
	for _, c := range []struct{ name, text, want string }{
		{"too many units", unitsText(maxHistograms + 1), "units: more than 32768 with a histogram, the most that are read"},
		{"model twice", `{"model": "a", "model": "b", "histogram": {"1": 1}}`, `two members "model"`},
		{"histogram twice", `{"histogram": {"1": 1}, "histogram": {"1": 1}}`, `two members "histogram"`},
		{"units twice", `{"units": [], "units": [{"histogram": {"1": 1}}]}`, `two members "units"`},
		{"two names of a unit", `{"units": [{"name": "a", "name": "b", "histogram": {"1": 1}}]}`, "units: 0: name: two names"},
		{"two histograms in a unit", `{"units": [{"histogram": {"1": 1}, "histogram": {"2": 1}}]}`, "units: 0: histogram: two histograms"},
		{"exponent twice", `{"histogram": {"7": 1, "7": 2}}`, "histogram: exponent 7 twice"},
		{"long array", `{"histogram": [` + strings.Repeat("0,", 256) + `0]}`, "histogram: histogram of 257 counts, want 256"},
		{"long model name", `{"model": "` + long + `"}`, "model: a string of 4097 bytes, max 4096"},
		{"long unit name", `{"units": [{}, {"name": "` + long + `"}]}`, "units: 1: name: a string of 4097 bytes, max 4096"},
		{"name that is none", `{"model": {}}`, "model: unexpected object, want a string"},
		{"units that are none", `{"units": {"1": 1}}`, "units: unexpected object, want an array"},
		{"unit that is none", `{"units": [1]}`, "units: 0: unexpected number, want an object"},
		{"histogram that is none", `{"histogram": "x", "model": "m"}`, "histogram: want an array of 256 counts or an object"},
		{"histogram that is a number", `{"histogram": 7, "model": "m"}`, "histogram: want an array of 256 counts or an object"},
		{"count that is none", `{"histogram": {"7": [1]}}`, `histogram: count "[1]"`},
		{"null for a count", `{"histogram": {"7": null}}`, "histogram: count"},
		{"units of too many weights in all", `{"units": [{"histogram": {"7": 72057594037927936}}, {"histogram": {"8": 1}}]}`, "more than 2^56 weights in all"},
		{"exponent with a sign", `{"histogram": {"+7": 1}}`, "histogram: exponent"},
		{"an array", `[{"histogram": {"1": 1}}]`, "unexpected array, want an object"},
		{"more behind it", `{"histogram": {"1": 1}} {}`, "more than one JSON value"},
		{"cut in a unit", `{"units": [{"histogram": {"1": 1`, "unexpected end of JSON input"},
		{"cut in what is passed over", `{"other": [[{"a": `, "unexpected end of JSON input"},
		{"deep nesting", `{"other": ` + strings.Repeat("[", 1<<20), "nested more than 10000 deep"},
		{"deep nesting in a unit", `{"units": [{"tensors": ` + strings.Repeat(`{"":`, 1<<20), "nested more than 10000 deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseHistograms(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestHistogramNulls reads null as what is not there.
func TestHistogramNulls(t *testing.T) {
	f, err := parseHistograms(strings.NewReader(`{"model": null, "histogram": null, "units": [null, {"name": null, "histogram": null},
		{"tensors": ["a", {"b": []}], "histogram": {}}]}`))
	if err != nil || f.model != "" || len(f.units) != 1 || len(f.units[0].histogram) != 0 {
		t.Errorf("read %+v, %v", f, err)
	}
}

// TestHistogramLargest reads as many units as are read.
func TestHistogramLargest(t *testing.T) {
	f, err := parseHistograms(strings.NewReader(unitsText(maxHistograms)))
	if err != nil || len(f.units) != maxHistograms {
		t.Fatal(err)
	}
}

// TestHistogramWork holds reading to a multiple of the text, and all of inspecting it to twice the work for twice the
// units.
func TestHistogramWork(t *testing.T) {
	const factor = 64
	array := "[" + strings.Repeat("1,", 255) + "1]"
	for _, c := range []struct {
		name string
		make func(n int) string
	}{
		{"units", unitsText},
		{"empty units", func(n int) string { return `{"units": [` + strings.Repeat("{},", n) + `{"histogram": {}}]}` }},
		{"empty histograms", func(n int) string { return `{"units": [` + strings.Repeat(`{"histogram":{}},`, n) + `{}]}` }},
		{"arrays", func(n int) string { return `{"units": [` + strings.Repeat(`{"histogram":`+array+`},`, n/16) + `{}]}` }},
		{"one array", func(n int) string { return `{"histogram": [` + strings.Repeat("1,", n) + `1]}` }},
		{"one object", func(n int) string { return `{"histogram": {` + strings.Repeat(`"1":1,`, n) + `"1":1}}` }},
		{"names", func(n int) string { return `{"units": [` + strings.Repeat(`{"name":"a"},`, n) + `{}]}` }},
		{"what is passed over", func(n int) string { return `{"a": [` + strings.Repeat(`{"b":[0]},`, n) + `{}]}` }},
		{"members passed over", func(n int) string { return `{` + strings.Repeat(`"b":0,`, n) + `"c": 0}` }},
		{"a long string passed over", func(n int) string { return `{"a": "` + strings.Repeat("xyz", n) + `"}` }},
		{"escapes passed over", func(n int) string { return `{"a": "` + strings.Repeat(`\u0001`, n) + `"}` }},
		{"a long name", func(n int) string { return `{"model": "` + strings.Repeat("xyz", n) + `"}` }},
		{"nesting", func(n int) string { return `{"a": ` + strings.Repeat("[", n) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cost.Linear(t, 4000, func(n int) func() {
				text := c.make(n)
				read := func() { _, _ = parseHistograms(strings.NewReader(text)) }
				cost.Bounded(t, len(text), 64<<10, factor, read)
				return read
			})
		})
	}
	t.Run("inspect", func(t *testing.T) {
		cost.Linear(t, 500, func(n int) func() {
			path := filepath.Join(t.TempDir(), "x.json")
			writeText(t, path, unitsText(n))
			return func() {
				if r, err := Inspect(context.Background(), path, AnalyseOptions{}); err != nil || len(r.Units) != n {
					t.Error(err)
				}
			}
		})
	})
}

// TestHistogramBatches holds the schemes that give each unit its own book to the same result in one go.
func TestHistogramBatches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	writeText(t, path, unitsText(3*booksAtOnce/2))
	r, err := Inspect(context.Background(), path, AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := Analyse(context.Background(), path, AnalyseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Schemes {
		units, err := assign(mustScheme(s.Name), a.Units)
		if err != nil {
			if s.Error != err.Error() {
				t.Errorf("%s: error %q, want %v", s.Name, s.Error, err)
			}
			continue
		}
		want := priceOf(units)
		if s.CodedBytes != want.coded || s.Books != len(want.books) || s.LongestCode != want.longest || s.Bytes != want.coded {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
}

// A file that is too large is refused before it is read.
func TestHistogramFileSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	writeText(t, path, "{}")
	if err := os.Truncate(path, maxHistogramFile+1); err != nil {
		t.Fatal(err)
	}
	_, err := Inspect(context.Background(), path, AnalyseOptions{})
	if _, ok := errors.AsType[*os.PathError](err); !ok || !strings.Contains(err.Error(), "268435457 bytes, max 268435456") {
		t.Errorf("error %v", err)
	}
}

func TestCountsJSON(t *testing.T) {
	var c Counts
	c[9], c[118], c[255] = 1, 1<<63, 2
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"9":1,"118":9223372036854775808,"255":2}`; string(text) != want {
		t.Errorf("counts as JSON: %s, want %s", text, want)
	}
}
