package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/model"
)

// TestMissingWhole takes the sidecar from containers of odd models: by their metadata they are whole, whatever their
// names and sizes let suspect.
func TestMissingWhole(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name, config, tensors string
	}{
		{"one weight", "", "a.weight"},
		{"holes between layers", "", "h.{0,1,2,5,16383}.mlp.up.weight"},
		{"no embedding", `{"architectures":["LlamaForCausalLM"],"model_type":"llama"}`, "lm_head.weight model.norm.weight"},
		{"fewer layers than configured", `{"num_hidden_layers":9}`, "m.layers.{0,1}.mlp.up.weight"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source, df11 := t.TempDir(), filepath.Join(t.TempDir(), "df11")
			writeTensors(t, filepath.Join(source, model.RestFileName), oddTensors(tt.tensors))
			if tt.config != "" {
				writeText(t, filepath.Join(source, model.ConfigName), tt.config)
			}
			if _, err := Compress(ctx, source, df11, CompressOptions{}); err != nil {
				t.Fatal(err)
			}
			remove(t, filepath.Join(df11, model.SidecarName))
			if diff := cmp.Diff("", missingNames(t, df11)); diff != "" {
				t.Error(diff)
			}
			if _, err := Decompress(ctx, df11, filepath.Join(t.TempDir(), "back"), DecompressOptions{Shapes: source}); err != nil {
				t.Error(err)
			}
			// Guesses count again where a file is lost.
			remove(t, filepath.Join(df11, model.RestFileName))
			if names := missingNames(t, df11); !strings.HasSuffix(names, model.SidecarName) || names == model.SidecarName {
				t.Errorf("without %s: %q", model.RestFileName, names)
			}
		})
	}
}

// oddTensors returns tensors of these names, with numbers in braces.
func oddTensors(names string) (list []tensor) {
	add := func(name string) {
		x := tensor{name: name, dtype: model.BF16, shape: []uint64{128, 256}}
		if strings.Contains(name, "norm") {
			x.shape = []uint64{64}
		}
		n := uint64(1)
		for _, d := range x.shape {
			n *= d
		}
		x.data = gaussian(int(n), uint64(len(list)+1))
		list = append(list, x)
	}
	for group := range strings.FieldsSeq(names) {
		before, rest, braces := strings.Cut(group, "{")
		if !braces {
			add(group)
			continue
		}
		numbers, after, _ := strings.Cut(rest, "}")
		for n := range strings.SplitSeq(numbers, ",") {
			add(before + n + after)
		}
	}
	return list
}

// missingNames returns what [Check] says is missing, and fails the test if it says anything else.
func missingNames(t *testing.T, df11 string) string {
	t.Helper()
	r, err := Check(context.Background(), df11, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range r.Differences {
		if d.Kind != DiffMissing {
			t.Errorf("%s %s: %s", d.Kind, d.Name, d.Detail)
		}
		names = append(names, d.Name)
	}
	return strings.Join(names, " ")
}

// TestMissingBeside puts what is no file of the container in the place of one that its metadata name.
func TestMissingBeside(t *testing.T) {
	ctx := context.Background()
	const name = "tokenizer.json"
	source, df11 := copyTree(t, vectorModel), filepath.Join(t.TempDir(), "df11")
	writeText(t, filepath.Join(source, name), "words")
	if _, err := Compress(ctx, source, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), name)
	writeText(t, outside, "words")
	tests := []struct {
		name string
		put  func(path string) error
		want string
	}{
		{"nothing", func(string) error { return nil }, "not there"},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o777) }, "a folder"},
		{"a device", func(path string) error { return os.Symlink(os.DevNull, path) }, "a device"},
		{"a link to nothing", func(path string) error { return os.Symlink("gone", path) }, "a link that leads nowhere"},
		{"a link out of the folder", func(path string) error { return os.Symlink(outside, path) }, "a link out of its folder"},
	}
	for _, tt := range tests {
		for _, sidecar := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, sidecar %v", tt.name, sidecar), func(t *testing.T) {
				dir := copyTree(t, df11)
				remove(t, filepath.Join(dir, name))
				if err := tt.put(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
				if !sidecar {
					remove(t, filepath.Join(dir, model.SidecarName))
				}
				r, err := Check(ctx, dir, VerifyOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if n := len(r.Differences); n != 1 || r.Differences[0].Name != name || !strings.Contains(r.Differences[0].Detail, tt.want) {
					t.Errorf("have %v, want %s missing: %s", r.Differences, name, tt.want)
				}
				_, err = Decompress(ctx, dir, filepath.Join(t.TempDir(), "back"), DecompressOptions{Shapes: source})
				if lost, ok := errors.AsType[*model.MissingError](err); err == nil || ok == sidecar || ok && lost.List[0].Name != name {
					t.Errorf("decompress: %v", err)
				}
				if sidecar {
					return
				}
				report, err := Inspect(ctx, dir, AnalyseOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if len(report.Missing) != 1 || report.Missing[0].Name != name {
					t.Errorf("inspect: %v", report.Missing)
				}
			})
		}
	}
}

// TestMissingBesideCache leaves the links of the Hugging Face cache alone.
func TestMissingBesideCache(t *testing.T) {
	source, root := copyTree(t, vectorModel), t.TempDir()
	writeText(t, filepath.Join(source, "tokenizer.json"), "words")
	df11 := filepath.Join(root, "snapshots", "main")
	if _, err := Compress(context.Background(), source, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(df11, model.SidecarName))
	if err := os.Mkdir(filepath.Join(root, "blobs"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tokenizer.json", model.ConfigName} {
		if err := os.Rename(filepath.Join(df11, name), filepath.Join(root, "blobs", name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../../blobs/"+name, filepath.Join(df11, name)); err != nil {
			t.Fatal(err)
		}
	}
	if names := missingNames(t, df11); names != "" {
		t.Errorf("missing: %s", names)
	}
}

// TestMissingConfig takes away what names the tensors of units.
func TestMissingConfig(t *testing.T) {
	ctx := context.Background()
	source := copyTree(t, vectorModel)
	writeText(t, filepath.Join(source, "a.txt"), "a")
	tests := []struct {
		name   string
		opts   CompressOptions
		remove []string
		want   string // what verify says
		lost   string // the first that decompress misses
	}{
		{"config.json", CompressOptions{}, []string{"config.json"}, "config.json", "config.json"},
		{"of a published container", CompressOptions{Scheme: "published"}, []string{"config.json"}, "config.json", ""},
		{"and a file", CompressOptions{}, []string{"config.json", "a.txt"}, "config.json a.txt", "config.json"},
		{"and a unit that nothing names", CompressOptions{}, []string{"config.json", "a.txt", "model_layers_1.safetensors"},
			"safetensors files config.json a.txt bespoke.json", "safetensors files"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			df11 := filepath.Join(t.TempDir(), "df11")
			if _, err := Compress(ctx, source, df11, tt.opts); err != nil {
				t.Fatal(err)
			}
			for _, name := range append(tt.remove, model.SidecarName) {
				remove(t, filepath.Join(df11, name))
			}
			if diff := cmp.Diff(tt.want, missingNames(t, df11)); diff != "" {
				t.Error(diff)
			}
			_, err := Decompress(ctx, df11, filepath.Join(t.TempDir(), "back"), DecompressOptions{Shapes: source})
			if lost, ok := errors.AsType[*model.MissingError](err); ok != (tt.lost != "") || ok && lost.List[0].Name != tt.lost || err == nil {
				t.Errorf("decompress: %v, want %q missing", err, tt.lost)
			}
		})
	}
}
