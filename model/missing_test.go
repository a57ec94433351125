package model

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFindMissing takes the published checkpoint apart.
func TestFindMissing(t *testing.T) {
	layer := func(n string) []string {
		var names []string
		for _, name := range []string{"input_layernorm", "mlp.down_proj", "mlp.gate_proj", "mlp.up_proj", "post_attention_layernorm",
			"self_attn.k_proj", "self_attn.o_proj", "self_attn.q_proj", "self_attn.v_proj"} {
			names = append(names, "model.layers."+n+"."+name+".weight")
		}
		return names
	}
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		want   []string
	}{
		{"whole", func(t *testing.T, dir string) {}, nil},
		{"head", func(t *testing.T, dir string) { removeFile(t, dir, "lm_head.safetensors") }, []string{"lm_head.weight"}},
		{"embedding", func(t *testing.T, dir string) { removeFile(t, dir, "model_embed_tokens.safetensors") }, []string{"model.embed_tokens.weight"}},
		{"last layer, coded part", func(t *testing.T, dir string) { removeFile(t, dir, "model_layers_1.safetensors") },
			slices.DeleteFunc(layer("1"), func(name string) bool { return strings.Contains(name, "norm") })},
		{"raw part", func(t *testing.T, dir string) { removeFile(t, dir, "model.safetensors") }, []string{"model.safetensors"}},
		{"last layer", func(t *testing.T, dir string) {
			removeFile(t, dir, "model_layers_1.safetensors")
			keepRaw(t, dir, func(name string) bool { return !strings.Contains(name, "layers.1.") })
		}, layer("1")},
		{"first layer", func(t *testing.T, dir string) {
			removeFile(t, dir, "model_layers_0.safetensors")
			keepRaw(t, dir, func(name string) bool { return !strings.Contains(name, "layers.0.") })
		}, layer("0")},
		{"all layers", func(t *testing.T, dir string) {
			removeFile(t, dir, "model_layers_0.safetensors")
			removeFile(t, dir, "model_layers_1.safetensors")
		}, slices.DeleteFunc(append(append(layer("0"), layer("1")...), `model\.layers\.\d+`), func(name string) bool { return strings.Contains(name, "norm") })},
		{"what an index lists", func(t *testing.T, dir string) {
			putText(t, dir, "model.safetensors.index.json", `{"weight_map":{"model.norm.weight":"a.safetensors","lm_head.weight":"a.safetensors","lm_head.luts":"a.safetensors","lost":"a.safetensors"}}`)
		}, []string{"lost"}},
		{"a shard", func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, "lm_head.safetensors"), filepath.Join(dir, "x-00002-of-00002.safetensors")); err != nil {
				t.Fatal(err)
			}
		}, []string{"shards"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(tinyDF11)); err != nil {
				t.Fatal(err)
			}
			tt.change(t, dir)
			d, err := OpenContainer(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			var names []string
			slices.Sort(tt.want)
			for _, m := range d.FindMissing() {
				names = append(names, m.Name)
				if m.Evidence == "" {
					t.Errorf("%s: no evidence", m.Name)
				}
			}
			slices.Sort(names)
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFindMissingMatching looks for what is missing in a checkpoint that took all the work of matching to open.
func TestFindMissingMatching(t *testing.T) {
	d, err := OpenContainer(tinyDF11)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.patterns.spent = maxMatching
	if list := d.FindMissing(); list != nil {
		t.Errorf("have %v, want nothing", list)
	}
	d.patterns.regexes[0].size = maxMatching / 2
	list := d.FindMissing()
	if len(list) != 1 || !strings.Contains(list[0].Evidence, "too many names") {
		t.Errorf("have %v, want that it is too much", list)
	}
}

// TestFindMissingTooMuch lacks more than can be listed, which is said.
func TestFindMissingTooMuch(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tinyDF11)); err != nil {
		t.Fatal(err)
	}
	var index strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&index, `,"%d%s":"a.safetensors"`, i, strings.Repeat("x", maxName-8))
	}
	putText(t, dir, "model.safetensors.index.json", `{"weight_map":{`+index.String()[1:]+`}}`)
	d, err := OpenContainer(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	list := d.FindMissing()
	if n := len(list); n < 30 || n > 60 || list[n-1].Evidence != "there are too many names to look for all that is missing" {
		t.Errorf("%d are listed, the last is %.80v", n, list[max(0, n-1)])
	}
}

// TestFindMissingBeside has files that the metadata name, and what is no file in the place of one.
func TestFindMissingBeside(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tinyDF11)); err != nil {
		t.Fatal(err)
	}
	putText(t, dir, "there", "")
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	d, err := OpenContainer(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.Beside = map[string]FileSum{"there": {}, "folder": {}, "gone": {}, "folder/gone": {}}
	want := []Missing{
		{"folder", "the metadata of the safetensors files name it, but it is a folder"},
		{"folder/gone", "the metadata of the safetensors files name it, but it is not there"},
		{"gone", "the metadata of the safetensors files name it, but it is not there"},
	}
	if diff := cmp.Diff(want, d.FindMissing()); diff != "" {
		t.Error(diff)
	}
	list := []Missing{{Name: SidecarName}, {Name: "there"}, {Name: ConfigName}, {Name: "a.weight"}, {Name: "folder"}, {Name: "b.weight"}}
	d.SortMissing(list)
	var names []string
	for _, m := range list {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff("a.weight b.weight config.json there folder bespoke.json", strings.Join(names, " ")); diff != "" {
		t.Error(diff)
	}
}

func removeFile(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func putText(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// keepRaw rewrites model.safetensors with some of its tensors.
func keepRaw(t *testing.T, dir string, keep func(name string) bool) {
	t.Helper()
	path := filepath.Join(dir, RestFileName)
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var entries []Entry
	for _, x := range f.Tensors {
		if keep(x.Name) {
			entries = append(entries, BytesEntry(x.Name, x.DType, x.Shape, append([]byte{}, x.Bytes()...)))
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	removeFile(t, dir, RestFileName)
	if err := WriteFile(path, entries, f.Metadata); err != nil {
		t.Fatal(err)
	}
}

// TestMissingLayers looks at names alone: what is missed, and what is no layer that misses anything.
func TestMissingLayers(t *testing.T) {
	tests := []struct {
		name, config, tensors string
		want                  string
	}{
		{"norm of one layer", `{}`, "m.layers.{0..3}.{norm,mlp.up}.w m.layers.4.mlp.up.w", "m.layers.4.norm.w"},
		{"hole", `{}`, "m.layers.{0..3}.mlp.up.w m.layers.5.mlp.up.w", "m.layers.4.mlp.up.w"},
		{"end", `{"num_hidden_layers":3}`, "m.layers.{0..1}.mlp.up.w", "m.layers.2.mlp.up.w"},
		{"end of a tower beside", `{"num_hidden_layers":2}`, "m.layers.{0..1}.mlp.up.w vision.layers.{0..5}.mlp.w", ""},
		{"more layers than the configuration has", `{"num_hidden_layers":2}`, "m.layers.{0..2}.mlp.up.w", ""},
		{"layers that share weights", `{"num_hidden_layers":12,"num_hidden_groups":1}`, "m.layers.0.mlp.up.w", ""},
		{"functions in a sequence", `{}`, "merger.{0,2,4}.weight", ""},
		{"the first layer has more", `{}`, "m.layers.{0..5}.a.w m.layers.0.bias.w", ""},
		{"the first layer is of another kind", `{}`, "m.layers.0.{a.w,dense.w} m.layers.{1..5}.{a.w,router.w,experts.0.w,experts.1.w}", ""},
		{"two kinds in turn", `{}`, "m.layers.{0,2,4}.{norm.w,attn.w} m.layers.{1,3,5}.{norm.w,mamba.w}", ""},
		{"an expert", `{}`, "m.layers.{0..3}.{a.w,experts.0.w,experts.1.w} m.layers.4.{a.w,experts.0.w}", "m.layers.4.experts.1.w"},
		{"too few to tell", `{}`, "m.layers.0.{a.w,b.w} m.layers.1.a.w", ""},
		{"huge number", `{}`, "m.layers.0.a.w m.layers.999999999999.a.w m.layers.9999999999999999999999.a.w", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config, err := ParseConfig([]byte(tt.config))
			if err != nil {
				t.Fatal(err)
			}
			f := newFinder(&Container{Config: config})
			for group := range strings.FieldsSeq(tt.tensors) {
				for _, name := range expandBraces(group) {
					f.add(name)
				}
			}
			f.layers()
			var names []string
			for _, m := range f.list {
				names = append(names, m.Name)
			}
			if have := strings.Join(names, " "); have != tt.want {
				t.Errorf("have %q, want %q", have, tt.want)
			}
		})
	}
}
