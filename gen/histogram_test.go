package gen

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
	var back Counts
	if err := json.Unmarshal(text, &back); err != nil || back != c {
		t.Errorf("read back: %v, %v; want %v", back, err, c)
	}
	array, err := json.Marshal([256]uint64(c))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(array, &back); err != nil || back != c {
		t.Errorf("read back as an array: %v, %v; want %v", back, err, c)
	}
}

func TestParseHistogram(t *testing.T) {
	tests := []struct {
		name, text, wantErr string
		want                []string // unit names
	}{
		{name: "object", text: `{"model": "m", "histogram": {"118": 5}}`, want: []string{""}},
		{name: "other members", text: `{"tensors": [1], "histogram": {"118": 5}, "entropy": 0}`, want: []string{""}},
		{name: "units", text: `{"units": [{"name": "a", "histogram": {"1": 2}}, {"name": "b", "histogram": {"1": 3}}]}`, want: []string{"a", "b"}},
		{name: "units and sum", text: `{"histogram": {"1": 5}, "units": [{"name": "a", "histogram": {"1": 5}}, {"name": "kept"}]}`, want: []string{"a"}},
		{name: "units without histograms", text: `{"histogram": {"1": 5}, "units": [{"name": "a"}]}`, want: []string{""}},
		{name: "units and another sum", text: `{"histogram": {"1": 4}, "units": [{"name": "a", "histogram": {"1": 5}}]}`, wantErr: "do not add up"},
		{name: "nothing", text: `{}`, wantErr: "neither"},
		{name: "not an object", text: `[]`, wantErr: "cannot unmarshal"},
		{name: "cut off", text: `{"histogram": {"118": 5}`, wantErr: "unexpected end"},
		{name: "no exponent", text: `{"histogram": {"256": 5}}`, wantErr: `"256" is not an exponent`},
		{name: "negative exponent", text: `{"histogram": {"-1": 5}}`, wantErr: `"-1" is not an exponent`},
		{name: "twice", text: `{"histogram": {"118": 5, "118": 5}}`, wantErr: "exponent 118 twice"},
		{name: "twice in two spellings", text: `{"histogram": {"118": 5, "0118": 5}}`, wantErr: "exponent 118 twice"},
		{name: "negative count", text: `{"histogram": {"118": -5}}`, wantErr: "whole number"},
		{name: "fraction", text: `{"histogram": {"118": 0.5}}`, wantErr: "whole number"},
		{name: "text", text: `{"histogram": {"118": "5"}}`, wantErr: "whole number"},
		{name: "nested", text: `{"histogram": {"118": {}}}`, wantErr: "whole number"},
		{name: "number", text: `{"histogram": 118}`, wantErr: "want an object or an array"},
		{name: "short array", text: `{"histogram": [1, 2]}`, wantErr: "histogram of 2 counts"},
		{name: "null", text: `{"histogram": null}`, wantErr: "neither"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := parseHistogram([]byte(tt.text))
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
			for _, u := range f.model("m").Units {
				names = append(names, u.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("units differ (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseHistogram(f *testing.F) {
	f.Add([]byte(`{"model": "m", "histogram": {"118": 5, "119": 7}}`))
	f.Add([]byte(`{"units": [{"name": "a", "histogram": [1, 2]}], "histogram": {"240": 18446744073709551615}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := parseHistogram(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(parsed)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseHistogram(again)
		if err != nil {
			t.Fatalf("%s is refused: %v", again, err)
		}
		if diff := cmp.Diff(parsed, back); diff != "" {
			t.Fatalf("read back differs (-want +got):\n%s", diff)
		}
		// What Plan makes of it may be an error, never a panic.
		_, _ = parsed.model("m").Plan("p")
	})
}
