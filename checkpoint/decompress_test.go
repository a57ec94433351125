package checkpoint

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// A checkpoint that does not tell the shapes of its tensors.
func TestDecompressShapes(t *testing.T) {
	ctx := context.Background()
	shapeless := copyTree(t, vectorDF11)
	config, err := os.ReadFile(filepath.Join(shapeless, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	i := strings.Index(string(config), `  "dfloat11_config"`)
	writeText(t, filepath.Join(shapeless, "config.json"), "{\n"+string(config)[i:])
	writeText(t, filepath.Join(shapeless, "below", "notes.txt"), "kept")
	wrong := copyTree(t, vectorModel)
	list := readTensors(t, wrong)
	head := find(t, list, "lm_head.weight")
	head.shape, head.data = []uint64{512, 32}, head.data[:512*32*2]
	replaceModel(t, wrong, list)

	cases := []struct {
		name  string
		opts  DecompressOptions
		err   string
		shape string
	}{
		{"unknown", DecompressOptions{}, "unknown shape of lm_head.weight, model.embed_tokens.weight, ", ""},
		{"from a model", DecompressOptions{Shapes: vectorModel}, "", "[512 64]"},
		{"from a model that does not fit", DecompressOptions{Shapes: wrong}, `tensor "lm_head.weight" has 32768 elements, but shape [512 32]`, ""},
		{"from nothing", DecompressOptions{Shapes: "none"}, "no such file", ""},
		{"flat", DecompressOptions{Flat: true}, "", "[32768]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			_, err := Decompress(ctx, shapeless, out, c.opts)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want one with %q", err, c.err)
				}
				if errors.Is(err, ErrShapes) != (c.name == "unknown") {
					t.Errorf("ErrShapes: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m, err := model.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			got, want := m.Tensor("lm_head.weight"), find(t, readTensors(t, vectorModel), "lm_head.weight")
			if s := strings.TrimPrefix(got.String(), "lm_head.weight BF16 "); s != c.shape || string(got.Bytes()) != string(want.data) {
				t.Errorf("lm_head.weight has shape %s, want %s", s, c.shape)
			}
			files := tree(t, out)
			if _, ok := files["config.json"]; ok || len(files) != 2 || files["below/notes.txt"] != "kept" {
				t.Errorf("%d files; a config.json of nothing but dfloat11_config: %v", len(files), ok)
			}
		})
	}
}

// One file of a checkpoint gives its tensors and nothing else.
func TestDecompressOneFile(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	r, err := Decompress(context.Background(), filepath.Join(vectorDF11, "lm_head.safetensors"), out, DecompressOptions{
		Runtime: []runtime.Option{runtime.WithDecoder(runtime.Generic), runtime.WithWorkers(1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Decoder != runtime.Generic || r.Files != 1 || r.Tensors != 1 {
		t.Errorf("report: %+v", r)
	}
	if list := readTensors(t, out); len(list) != 1 || len(list[0].shape) != 2 {
		t.Errorf("tensors: %d", len(list))
	}
}

func TestDecompressDecoder(t *testing.T) {
	for _, name := range []string{"cuda", "none"} {
		_, err := Decompress(context.Background(), vectorDF11, filepath.Join(t.TempDir(), "out"), DecompressOptions{
			Runtime: []runtime.Option{runtime.WithDecoder(name)},
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("decoder %s: %v", name, err)
		}
	}
}
