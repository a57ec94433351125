package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/model"
)

const (
	vectorModel = "../model/testdata/tiny-llama/bf16"
	vectorDF11  = "../model/testdata/tiny-llama/df11"
	vectorRANS  = "../model/testdata/tiny-llama/rans"
)

// A tensor is one to be written, or read back.
type tensor struct {
	name  string
	dtype model.DType
	shape []uint64
	data  []byte
}

// readTensors reads all tensors of a model into memory.
func readTensors(t *testing.T, path string) []tensor {
	t.Helper()
	c, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var list []tensor
	for _, x := range c.Tensors {
		list = append(list, tensor{x.Name, x.DType, append([]uint64{}, x.Shape...), bytes.Clone(x.Bytes())})
	}
	return list
}

func find(t *testing.T, list []tensor, name string) *tensor {
	t.Helper()
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	t.Fatalf("no tensor %q", name)
	return nil
}

func writeTensors(t *testing.T, path string, list []tensor) {
	t.Helper()
	var entries []model.Entry
	for _, x := range list {
		entries = append(entries, model.BytesEntry(x.name, x.dtype, x.shape, x.data))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := model.WriteFile(path, entries, map[string]string{"format": "pt", "file": filepath.Base(path)}); err != nil {
		t.Fatal(err)
	}
}

// writeShards writes a model in n shards with their index.
func writeShards(t *testing.T, dir string, list []tensor, n int) {
	t.Helper()
	weightMap := map[string]string{}
	total := 0
	for i := range n {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n)
		part := list[i*len(list)/n : (i+1)*len(list)/n]
		writeTensors(t, filepath.Join(dir, name), part)
		for _, x := range part {
			weightMap[x.name] = name
			total += len(x.data)
		}
	}
	index, err := json.MarshalIndent(map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": weightMap}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(dir, "model.safetensors.index.json"), string(index))
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// vectorConfig is the config.json of the vector.
func vectorConfig(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectorModel, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// copyTree copies a folder, so that a test can damage it.
func copyTree(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// tree reads all files below a folder, by path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sameTree fails unless the two folders hold the same files.
func sameTree(t *testing.T, want, got map[string]string) {
	t.Helper()
	names := func(files map[string]string) map[string]int {
		sizes := map[string]int{}
		for name, data := range files {
			sizes[name] = len(data)
		}
		return sizes
	}
	if diff := cmp.Diff(names(want), names(got)); diff != "" {
		t.Fatalf("files and sizes (-want +got):\n%s", diff)
	}
	for name, data := range want {
		if got[name] != data {
			t.Errorf("%s differs", name)
		}
	}
}

// gaussian returns n bfloat16 weights that look trained.
func gaussian(n int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 7))
	data := make([]byte, 2*n)
	var r Rounding
	for i := range n {
		binary.LittleEndian.PutUint16(data[2*i:], fromFloat32(math.Float32bits(float32(0.02*random.NormFloat64())), &r))
	}
	return data
}

// canceller is a Progress that cancels its context the first time work is done in a stage.
type canceller struct {
	stage   string
	current string
	cancel  context.CancelFunc
}

func (c *canceller) Stage(name string, _ int64, _ string) { c.current = name }
func (c *canceller) Done()                                {}
func (c *canceller) Advance(int64) {
	if c.current == c.stage {
		c.cancel()
	}
}
