package model

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const twoShards = `{"metadata":{"total_size":4},"weight_map":{"a":"m-1-of-2.safetensors","b":"m-2-of-2.safetensors"}}`

func TestOpen(t *testing.T) {
	tests := []struct {
		name    string
		files   map[string]string
		open    string // below the folder
		tensors string // names in order
		listed  string // paths, "*" behind those with weights
	}{
		{"single", map[string]string{"model.safetensors": oneTensor("a"), "config.json": "{}"}, "",
			"a", "config.json model.safetensors*"},
		{"other name", map[string]string{"weights.safetensors": oneTensor("a")}, "", "a", "weights.safetensors*"},
		{"several without index", map[string]string{"y.safetensors": oneTensor("b"), "x.safetensors": oneTensor("a")}, "",
			"a b", "x.safetensors* y.safetensors*"},
		{"sharded", map[string]string{
			"m-1-of-2.safetensors": oneTensor("a"), "m-2-of-2.safetensors": oneTensor("b"), "other.safetensors": oneTensor("a"),
			"model.safetensors.index.json": twoShards,
		}, "", "a b", "m-1-of-2.safetensors* m-2-of-2.safetensors* model.safetensors.index.json other.safetensors"},
		{"index by name", map[string]string{
			"m-1-of-2.safetensors": oneTensor("a"), "m-2-of-2.safetensors": oneTensor("b"), "model.safetensors": oneTensor("c"),
			"m.safetensors.index.json": twoShards,
		}, "m.safetensors.index.json", "a b", "m-1-of-2.safetensors* m-2-of-2.safetensors* m.safetensors.index.json model.safetensors"},
		{"single before index", map[string]string{
			"m-1-of-2.safetensors": oneTensor("a"), "model.safetensors": oneTensor("c"), "model.safetensors.index.json": twoShards,
		}, "", "c", "m-1-of-2.safetensors model.safetensors* model.safetensors.index.json"},
		{"model.safetensors is a shard", map[string]string{
			"model.safetensors": oneTensor("a"), "z.safetensors": oneTensor("b"),
			"model.safetensors.index.json": `{"weight_map":{"b":"z.safetensors","a":"model.safetensors"}}`,
		}, "", "a b", "model.safetensors* model.safetensors.index.json z.safetensors*"},
		{"shards in natural order", map[string]string{
			"x10.safetensors": oneTensor("a"), "x9.safetensors": oneTensor("b"),
			"model.safetensors.index.json": `{"weight_map":{"a":"x10.safetensors","b":"x9.safetensors"}}`,
		}, "", "b a", "model.safetensors.index.json x10.safetensors* x9.safetensors*"},
		{"shards below", map[string]string{
			"sub/x.safetensors": oneTensor("a"), "model.safetensors.index.json": `{"weight_map":{"a":"sub/x.safetensors"}}`,
		}, "", "a", "model.safetensors.index.json sub/x.safetensors*"},
		{"one file", map[string]string{"x.safetensors": oneTensor("a"), "y.safetensors": oneTensor("a"), "config.json": "{}"}, "x.safetensors",
			"a", "x.safetensors*"},
		{"tools' folders", map[string]string{
			"model.safetensors": oneTensor("a"), ".git/x": "", ".cache/y": "", ".gitattributes": "", "sub/.git/z": "", "onnx/m.onnx": "1",
		}, "", "a", ".gitattributes model.safetensors* onnx/m.onnx"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeFiles(t, tt.files)
			c, err := Open(filepath.Join(dir, tt.open))
			if err != nil {
				t.Fatal(err)
			}
			var names, listed []string
			for _, x := range c.Tensors {
				names = append(names, x.Name)
				if c.Tensor(x.Name) != x || len(x.Bytes()) != 2 {
					t.Errorf("tensor %q is not found or has no bytes", x.Name)
				}
			}
			for _, f := range c.Listed {
				if f.Weights {
					f.Path += "*"
				}
				listed = append(listed, f.Path)
			}
			if have := strings.Join(names, " "); have != tt.tensors {
				t.Errorf("tensors %s, want %s", have, tt.tensors)
			}
			if have := strings.Join(listed, " "); have != tt.listed {
				t.Errorf("files %s, want %s", have, tt.listed)
			}
			if _, ok := tt.files["config.json"]; ok != (c.Config != nil) {
				t.Errorf("config %v", c.Config)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenFails(t *testing.T) {
	index := func(text string) map[string]string {
		return map[string]string{"m-1-of-2.safetensors": oneTensor("a"), "m-2-of-2.safetensors": oneTensor("b"), "model.safetensors.index.json": text}
	}
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"empty folder", nil, "no safetensors files"},
		{"files below", map[string]string{
			"transformer/x.safetensors": "", "vae/y.safetensors": "", "vae/z.safetensors": "", "onnx/m.onnx": "", "config.json": "{}",
		},
			"but in transformer, vae: open one"},
		{"same tensor twice", map[string]string{"x.safetensors": oneTensor("a"), "y.safetensors": oneTensor("a")}, `tensor "a" is in `},
		{"two indices", map[string]string{"a.safetensors.index.json": twoShards, "b.safetensors.index.json": twoShards}, "2 indices"},
		{"broken config", map[string]string{"x.safetensors": oneTensor("a"), "config.json": "{"}, "config.json: unexpected end"},
		{"broken file", map[string]string{"x.safetensors": "x"}, "x.safetensors: 1 bytes"},
		{"empty file", map[string]string{"x.safetensors": ""}, "x.safetensors: 0 bytes"},
		{"LFS pointer", map[string]string{"x.safetensors": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"}, "x.safetensors: this is a Git LFS pointer"},
		{"GGUF", map[string]string{"x.safetensors": "GGUF\x03\x00\x00\x00........"}, "this is a GGUF file, not safetensors"},
		{"pickle in a zip archive", map[string]string{"x.safetensors": "PK\x03\x04............"}, "this is a zip archive, such as PyTorch's pickles are"},
		{"pickle", map[string]string{"x.safetensors": "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P"}, "this is a Python pickle"},
		{"web page", map[string]string{"x.safetensors": "<!DOCTYPE html><html>not found</html>"}, "this is a web page"},
		{"shard missing", map[string]string{"m-00001-of-00003.safetensors": oneTensor("a"), "m-00003-of-00003.safetensors": oneTensor("b")},
			`shard "m-00002-of-00003.safetensors" is missing: "m-00001-of-00003.safetensors" says that there are 3`},
		{"index is no JSON", index(`x`), "invalid character"},
		{"no weight_map", index(`{}`), "weight_map is missing"},
		{"weight_map twice", index(`{"weight_map":{},"weight_map":{}}`), "duplicate key"},
		{"tensor twice", index(`{"weight_map":{"a":"m-1-of-2.safetensors","a":"m-2-of-2.safetensors"}}`), `duplicate key "a"`},
		{"file missing", index(`{"weight_map":{"a":"none.safetensors"}}`), `file "none.safetensors" is not there: a file is missing, or the index is stale`},
		{"file is no string", index(`{"weight_map":{"a":1}}`), `tensor "a": string expected`},
		{"file of another kind", index(`{"weight_map":{"a":"config.json"}}`), "not a safetensors file"},
		{"tensor elsewhere", index(`{"weight_map":{"a":"m-2-of-2.safetensors","b":"m-1-of-2.safetensors"}}`), `tensor "a" is in m-1-of-2.safetensors, the index says m-2-of-2.safetensors`},
		{"tensor nowhere", index(`{"weight_map":{"a":"m-1-of-2.safetensors","c":"m-1-of-2.safetensors"}}`), `tensor "c" is not in m-1-of-2.safetensors`},
		{"tensor not in the index", index(`{"weight_map":{"b":"m-2-of-2.safetensors","c":"m-1-of-2.safetensors"}}`), `tensor "a" of m-1-of-2.safetensors is not in the index`},
		{"parent folder", index(`{"weight_map":{"a":"../x.safetensors"}}`), "leaves the folder"},
		{"parent folder in the middle", index(`{"weight_map":{"a":"x/../../x.safetensors"}}`), "leaves the folder"},
		{"absolute", index(`{"weight_map":{"a":"/x.safetensors"}}`), "leaves the folder"},
		{"folder of a tool", map[string]string{".cache/x.safetensors": oneTensor("a"), "model.safetensors.index.json": `{"weight_map":{"a":".cache/x.safetensors"}}`},
			".cache/x.safetensors lies in a folder that is left out of a model"},
		{"drive letter", index(`{"weight_map":{"a":"C:x.safetensors"}}`), "not a plain relative path"},
		{"backslash", index(`{"weight_map":{"a":"..\\x.safetensors"}}`), "not a plain relative path"},
		{"roundabout", index(`{"weight_map":{"a":"./m-1-of-2.safetensors"}}`), "not in its shortest form"},
		{"no path", index(`{"weight_map":{"a":""}}`), "names no file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(writeFiles(t, tt.files))
			wantError(t, err, tt.want)
		})
	}
	_, err := Open(filepath.Join(t.TempDir(), "none"))
	wantError(t, err, "no such file")
}

// TestOpenCacheLayout covers the cache of Hugging Face: every file a link to a blob elsewhere.
func TestOpenCacheLayout(t *testing.T) {
	dir := writeFiles(t, map[string]string{"blobs/1": oneTensor("a"), "blobs/2": "{}"})
	snapshot := filepath.Join(dir, "snapshots", "main")
	if err := os.MkdirAll(snapshot, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, blob := range map[string]string{"model.safetensors": "1", "config.json": "2"} {
		if err := os.Symlink(filepath.Join("..", "..", "blobs", blob), filepath.Join(snapshot, name)); err != nil {
			t.Skip("no symbolic links on this system")
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(snapshot, link); err != nil {
		t.Fatal(err)
	}
	c, err := Open(link)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := []ListedFile{
		{Path: "config.json", Size: 2, Mode: 0o644},
		{Path: "model.safetensors", Size: int64(len(oneTensor("a"))), Mode: 0o644, Weights: true},
	}
	if diff := cmp.Diff(want, c.Listed, cmpopts.IgnoreUnexported(ListedFile{})); diff != "" {
		t.Error(diff)
	}
	for name, target := range map[string]string{"to a folder": dir, "to nothing": "none"} {
		if err := os.Symlink(target, filepath.Join(snapshot, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"b\\slash", "a:b", "bad\xff", ".GIT"} {
		if err := os.WriteFile(filepath.Join(snapshot, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	odd, err := Open(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	defer odd.Close()
	var found []string
	for _, f := range odd.Odd {
		found = append(found, f.Path+": "+f.Reason)
	}
	wantOdd := []string{
		`.GIT: path ".GIT" lies in a folder that is left out of a model (.git, .cache)`,
		`a:b: path "a:b" is not a plain relative path on every system: no backslash, drive or NUL`,
		`b\slash: path "b\\slash" is not a plain relative path on every system: no backslash, drive or NUL`,
		"bad\xff: path \"bad\\xff\" is not UTF-8",
		"to a folder: neither a file nor a link to one",
		"to nothing: a link that leads nowhere",
	}
	if diff := cmp.Diff(wantOdd, found); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, odd.Listed, cmpopts.IgnoreUnexported(ListedFile{})); diff != "" {
		t.Error(diff)
	}
}

// TestOpenOddWeights has beside a good file, or alone, one that has the name of a safetensors file and is none.
func TestOpenOddWeights(t *testing.T) {
	put := map[string]func(path string) error{
		"a link that leads nowhere": func(path string) error { return os.Symlink("gone", path) },
		"a folder":                  func(path string) error { return os.Mkdir(path, 0o777) },
		"a device":                  func(path string) error { return os.Symlink(os.DevNull, path) },
	}
	for want, put := range put {
		for _, alone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, alone %v", want, alone), func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "b.safetensors")
				if err := put(path); err != nil {
					t.Fatal(err)
				}
				if !alone {
					putText(t, dir, "a.safetensors", oneTensor("x"))
				}
				_, err := Open(dir)
				wantError(t, err, "model: "+path+" is "+want)
				_, err = OpenContainer(dir)
				wantError(t, err, path+" is "+want)
				if alone {
					return
				}
				// An index, or the name of the model, says what belongs to it.
				putText(t, dir, "model.safetensors.index.json", `{"weight_map":{"x":"a.safetensors"}}`)
				c, err := Open(dir)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestOpenOddName has a file of weights that a listing leaves out for its name.
func TestOpenOddName(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.safetensors": oneTensor("x"), "b:c.safetensors": oneTensor("y")})
	_, err := Open(dir)
	wantError(t, err, `cannot take the file "b:c.safetensors": path `)
}

func TestNaturalCompare(t *testing.T) {
	order := []string{"", "a", "a.1", "a.2", "a.2.b", "a.10", "a.x", "a1", "a1b", "a01b2", "a10", "b"}
	for i, x := range order {
		for k, y := range order {
			want := min(1, max(-1, i-k))
			if have := min(1, max(-1, naturalCompare(x, y))); have != want {
				t.Errorf("naturalCompare(%q, %q) = %d, want %d", x, y, have, want)
			}
		}
	}
}
