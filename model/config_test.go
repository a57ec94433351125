package model

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseConfig(t *testing.T) {
	yes := true
	tests := []struct {
		name, text string
		want       Config
	}{
		{"empty", `{}`, Config{Sizes: map[string]uint64{}}},
		{"usual", `{"architectures":["A"],"model_type":"b","hidden_size":64,"tie_word_embeddings":true,"rms_norm_eps":1e-05,"head_dim":null}`,
			Config{Architectures: []string{"A"}, ModelType: "b", Tied: &yes, Sizes: map[string]uint64{"hidden_size": 64}}},
		{"text_config", `{"hidden_size":1,"text_config":{"hidden_size":2,"vocab_size":3,"tie_word_embeddings":true}}`,
			Config{Tied: &yes, Sizes: map[string]uint64{"hidden_size": 1, "vocab_size": 3}}},
		{"diffusers", `{"_class_name":"FluxTransformer2DModel"}`, Config{ClassName: "FluxTransformer2DModel", Sizes: map[string]uint64{}}},
		{"other types", `{"architectures":"A","model_type":1,"hidden_size":"64","intermediate_size":[1,2],"n":-1,"tie_word_embeddings":0}`,
			Config{Sizes: map[string]uint64{"model_type": 1, "tie_word_embeddings": 0}}},
		{"Python's numbers", `{"a":NaN,"b":[-Infinity,Infinity,-1],"c":"NaN \" Infinity","hidden_size":5}`,
			Config{Sizes: map[string]uint64{"hidden_size": 5}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := ParseConfig([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Raw = []byte(tt.text)
			if diff := cmp.Diff(&tt.want, have); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, text := range []string{``, `[]`, `{`, `{"a":nan}`, `{"dfloat11_config":null}`} {
		if _, err := ParseConfig([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestParseDF11Config(t *testing.T) {
	const rest = `"bytes_per_thread":8,"pattern_dict":{"b":["x.y"],"a":[]}}`
	for _, version := range []string{"0.2", "0.2.0", "0.3.1", "0.4.0", "0.5.0"} {
		for _, threads := range []string{"512", "[512]"} {
			c, err := ParseDF11Config([]byte(`{"version":"` + version + `","threads_per_block":` + threads + `,` + rest))
			if err != nil {
				t.Fatal(err)
			}
			want := NewDF11Config(Patterns{{"b", []string{"x.y"}}, {"a", []string{}}})
			want.Version = version
			if diff := cmp.Diff(want, c); diff != "" {
				t.Error(diff)
			}
		}
	}
	tests := []struct{ name, text, want string }{
		{"other threads", `{"version":"0.5.0","threads_per_block":[256],` + rest, "threads_per_block [256], bytes_per_thread 8: only [512] and 8"},
		{"two threads", `{"version":"0.5.0","threads_per_block":[512,1],` + rest, "[512 1]"},
		{"other bytes", `{"version":"0.5.0","threads_per_block":[512],"bytes_per_thread":4,"pattern_dict":{}}`, "bytes_per_thread 4"},
		{"other version", `{"version":"0.6.0","threads_per_block":[512],` + rest, `version "0.6.0"`},
		{"version 0.50", `{"version":"0.50","threads_per_block":[512],` + rest, `version "0.50"`},
		{"no threads", `{"version":"0.5.0",` + rest, "is missing"},
		{"no version", `{"threads_per_block":[512],` + rest, `version ""`},
		{"threads text", `{"version":"0.5.0","threads_per_block":"512",` + rest, "threads_per_block"},
		{"pattern", `{"version":"0.5.0","threads_per_block":[512],"bytes_per_thread":8,"pattern_dict":{"(":[]}}`, `pattern "("`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseDF11Config([]byte(tt.text))
			wantError(t, err, tt.want)
		})
	}
}

// TestInsertIntoReference compares the text of config.json with the published writer's.
func TestInsertIntoReference(t *testing.T) {
	before, err := os.ReadFile(filepath.Join(tinyBF16, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(tinyDF11, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseConfig(want)
	if err != nil {
		t.Fatal(err)
	}
	have, err := parsed.DF11.InsertInto(before)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Error(diff)
	}
}

func TestInsertInto(t *testing.T) {
	c := NewDF11Config(Patterns{{`a\.\d+`, []string{"x"}}})
	const compact = `"dfloat11_config": {"version":"0.5.0","threads_per_block":[512],"bytes_per_thread":8,"pattern_dict":{"a\\.\\d+":["x"]}}`
	tests := []struct{ name, before, want string }{
		{"compact", `{"a":1}`, `{"a":1,` + compact + `}`},
		{"empty object", `{}`, `{` + compact + `}`},
		{"Python's numbers stay", `{"a":NaN }` + "\n", `{"a":NaN,` + compact + " }\n"},
		{"tabs", "{\n\t\"a\": 1\n}\n", "{\n\t\"a\": 1,\n\t\"dfloat11_config\": {\n\t\t\"version\": \"0.5.0\",\n\t\t\"threads_per_block\": [\n\t\t\t512\n\t\t],\n\t\t\"bytes_per_thread\": 8,\n\t\t\"pattern_dict\": {\n\t\t\t\"a\\\\.\\\\d+\": [\n\t\t\t\t\"x\"\n\t\t\t]\n\t\t}\n\t}\n}\n"},
		{"no file", "", "{\n  \"dfloat11_config\": {\n    \"version\": \"0.5.0\",\n    \"threads_per_block\": [\n      512\n    ],\n    \"bytes_per_thread\": 8,\n    \"pattern_dict\": {\n      \"a\\\\.\\\\d+\": [\n        \"x\"\n      ]\n    }\n  }\n}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := c.InsertInto([]byte(tt.before))
			if err != nil {
				t.Fatal(err)
			}
			if string(have) != tt.want {
				t.Errorf("have %q", have)
			}
			parsed, err := ParseConfig(have)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c, parsed.DF11); diff != "" {
				t.Error(diff)
			}
			if _, err := c.InsertInto(have); err == nil {
				t.Error("inserted twice")
			}
		})
	}
	if _, err := c.InsertInto([]byte("[]")); err == nil {
		t.Error("an array is accepted")
	}
}

func TestReadSmall(t *testing.T) {
	dir := t.TempDir()
	_, err := readSmall(dir)
	wantError(t, err, "model: "+dir+": open: not a regular file")
	path := filepath.Join(dir, "large")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxJSON+1); err != nil {
		t.Fatal(err)
	}
	_, err = readSmall(path)
	wantError(t, err, "100000001 bytes, max 100000000")
}
