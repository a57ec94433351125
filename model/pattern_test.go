package model

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePatterns(t *testing.T) {
	const text = `{"z\\.\\d+":["b","a.0"],"lm_head":[],"a|<b>":["x"]}`
	p, err := ParsePatterns([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := Patterns{{`z\.\d+`, []string{"b", "a.0"}}, {"lm_head", []string{}}, {"a|<b>", []string{"x"}}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	again, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Patterns
	if err := json.Unmarshal(again, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, back); diff != "" {
		t.Error(diff)
	}
}

func TestParsePatternsRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"array", `[]`, "object expected"},
		{"attributes are no list", `{"a":"b"}`, `pattern "a": array expected`},
		{"attribute is no string", `{"a":[1]}`, "string expected"},
		{"pattern twice", `{"a":[],"a":["b"]}`, `duplicate key "a"`},
		{"attribute twice", `{"a":["b","b"]}`, `attribute "b" appears twice`},
		{"empty attribute", `{"a":[""]}`, "has an empty part"},
		{"empty part", `{"a":["b..c"]}`, "has an empty part"},
		{"no regex", `{"(":[]}`, `pattern "("`},
		{"only whole in a group", `{"a)(b":[]}`, `pattern "a)(b"`},
		{"lookahead", `{"model\\.(?!x)\\d+":[]}`, "lookaround and backreferences of Python are not supported"},
		{"backreference", `{"(a)\\1":[]}`, "lookaround and backreferences of Python are not supported"},
		{"text behind", `{} {}`, "text after"},
		{"cut off", `{"a":[`, "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParsePatterns([]byte(tt.text))
			wantError(t, err, "model: patterns: ", tt.want)
		})
	}
}

// TestMatchesWhole compares the matching with what Python's re.fullmatch says.
func TestMatchesWhole(t *testing.T) {
	tests := []struct {
		regex, module string
		want          bool
	}{
		{`model\.layers\.\d+`, "model.layers.11", true},
		{`model\.layers\.\d+`, "model.layers.1.mlp", false},
		{`model\.layers\.\d+`, "x.model.layers.1", false},
		{`model\.layers\.\d+`, "model.layers.1\n", false},
		{`a|ab`, "ab", true},
		{`a|ab`, "abc", false},
		{`a\.b|a\.c`, "a.c", true},
		{`a\.b|a\.c`, "axc", false},
		{`a.b|a\.c`, "axb", true},
		{`a|`, "", true},
		{`a\|b`, "a|b", true},
		{`a\|b`, "b", false},
		{`[|]`, "|", true},
		{`(?i)LM_head`, "lm_head", true},
		{`^lm_head$`, "lm_head", true},
		{`(model\.)?layers\.\d+`, "layers.0", true},
		{``, "", true},
	}
	for _, tt := range tests {
		m, err := Patterns{{Regex: tt.regex}}.compile()
		if err != nil {
			t.Fatal(err)
		}
		if have := len(m.all(tt.module)) > 0; have != tt.want {
			t.Errorf("%q matches %q: %v, want %v", tt.regex, tt.module, have, tt.want)
		}
	}
}

func TestReadPatterns(t *testing.T) {
	dir := writeFiles(t, map[string]string{"good": `{"a":["b"]}`, "bad": `{`})
	p, err := ReadPatterns(dir + "/good")
	if err != nil || len(p) != 1 {
		t.Error(p, err)
	}
	_, err = ReadPatterns(dir + "/bad")
	wantError(t, err, "model: "+dir+"/bad: ")
	_, err = ReadPatterns(dir + "/none")
	wantError(t, err, "no such file")
}

// TestFamilies holds the table to its own rules.
func TestFamilies(t *testing.T) {
	classes, types := map[string]string{}, map[string]string{}
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			if len(f.roots) == 0 || len(f.patterns) == 0 || (f.embedding == "") != (f.head == "") {
				t.Error("roots, patterns or one of embedding and head are missing")
			}
			for _, root := range f.roots {
				if _, err := f.rooted(root).compile(); err != nil {
					t.Error(err)
				}
			}
			for _, class := range f.classes {
				if classes[class] != "" {
					t.Errorf("class %s is in %s too", class, classes[class])
				}
				classes[class] = f.name
			}
			for _, typ := range f.types {
				if types[typ] != "" {
					t.Errorf("type %s is in %s too", typ, types[typ])
				}
				types[typ] = f.name
			}
		})
	}
}

// TestFamiliesPublished compares the patterns of Llama with those of a published checkpoint.
func TestFamiliesPublished(t *testing.T) {
	d, err := OpenContainer(tinyDF11)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	i := slices.IndexFunc(families, func(f family) bool { return f.name == "llama" })
	want := d.Config.DF11.Patterns
	have := families[i].rooted("model.")
	for i := range have {
		have[i].Attrs = append([]string{}, have[i].Attrs...)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}
