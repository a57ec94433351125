package checkpoint

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/model"
)

// damage changes bytes of a tensor in the file that holds it.
func damage(t *testing.T, path, tensor string, change func(data []byte)) {
	t.Helper()
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x := f.Tensor(tensor)
	if x == nil {
		t.Fatalf("%s has no tensor %q", path, tensor)
	}
	start := 8 + uint64(len(f.HeaderText())) + x.Begin
	end := start + x.Size()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change(data[start:end])
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	type kindName struct{ Kind, Name string }
	flip := func(i int) func([]byte) { return func(b []byte) { b[i] ^= 1 } }
	cases := []struct {
		name   string
		change func(t *testing.T, original, df11 string)
		want   []kindName
		detail string // of the first difference
	}{
		{"identical", func(*testing.T, string, string) {}, nil, ""},
		{"a weight", func(t *testing.T, _, df11 string) {
			// Element 4100 of the unit is number 4 of k_proj: its mantissa.
			damage(t, filepath.Join(df11, "model_layers_1.safetensors"), "model.layers.1.sign_mantissa", flip(4100))
		}, []kindName{{DiffValue, "model.layers.1.self_attn.k_proj.weight"}}, "elements that differ: 1, the first at index 4: 0x"},
		{"two weights", func(t *testing.T, _, df11 string) {
			damage(t, filepath.Join(df11, "lm_head.safetensors"), "lm_head.sign_mantissa", func(b []byte) { b[7] ^= 3; b[32767] ^= 0x80 })
		}, []kindName{{DiffValue, "lm_head.weight"}}, "elements that differ: 2, the first at index 7: 0x"},
		{"a raw tensor", func(t *testing.T, _, df11 string) {
			damage(t, filepath.Join(df11, "model.safetensors"), "model.norm.weight", flip(127))
		}, []kindName{{DiffValue, "model.norm.weight"}}, "elements that differ: 1, the first at index 63: 0x"},
		{"the stream", func(t *testing.T, _, df11 string) {
			damage(t, filepath.Join(df11, "lm_head.safetensors"), "lm_head.encoded_exponent", func(b []byte) { clear(b[4096:8000]) })
		}, []kindName{{DiffStream, "lm_head"}}, "chunk 1: "},
		{"a gap that only a GPU reads", func(t *testing.T, _, df11 string) {
			damage(t, filepath.Join(df11, "lm_head.safetensors"), "lm_head.gaps", flip(100))
		}, []kindName{{DiffStream, "lm_head"}}, "window 16"},
		{"what fills up the last byte", func(t *testing.T, _, df11 string) {
			damage(t, filepath.Join(df11, "model_embed_tokens.safetensors"), "model.embed_tokens.encoded_exponent", func(b []byte) { b[len(b)-1] ^= 1 })
		}, nil, ""},
		{"a missing tensor", func(t *testing.T, original, _ string) {
			list := readTensors(t, original)
			replaceModel(t, original, append(list, tensor{"new", model.U8, []uint64{1}, []byte{1}}))
		}, []kindName{{DiffMissing, "new"}}, "not in the checkpoint"},
		{"extra tensors", func(t *testing.T, original, _ string) {
			list := readTensors(t, original)
			replaceModel(t, original, list[1:len(list)-1])
		}, []kindName{{DiffExtra, "lm_head.weight"}, {DiffExtra, "model.embed_tokens.weight"}}, "not in the model"},
		{"another shape", func(t *testing.T, original, _ string) {
			list := readTensors(t, original)
			find(t, list, "model.norm.weight").shape = []uint64{8, 8}
			find(t, list, "lm_head.weight").shape = []uint64{64, 512}
			replaceModel(t, original, list)
		}, []kindName{{DiffShape, "lm_head.weight"}, {DiffShape, "model.norm.weight"}}, "shape [64 512] in the model, [512 64] in the checkpoint"},
		{"another dtype", func(t *testing.T, original, _ string) {
			list := readTensors(t, original)
			find(t, list, "model.norm.weight").dtype = model.F16
			find(t, list, "lm_head.weight").dtype = model.F16
			replaceModel(t, original, list)
		}, []kindName{{DiffDType, "lm_head.weight"}, {DiffDType, "model.norm.weight"}}, "F16 in the model, BF16 in the checkpoint"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			original, df11 := copyTree(t, vectorModel), copyTree(t, vectorDF11)
			c.change(t, original, df11)
			r, err := Verify(context.Background(), original, df11, VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var got []kindName
			for _, d := range r.Differences {
				got = append(got, kindName{d.Kind, d.Name})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatalf("differences (-want +got):\n%s", diff)
			}
			if err := r.Err(); errors.Is(err, ErrDifferent) != (c.want != nil) {
				t.Errorf("Err: %v", err)
			}
			if c.want != nil && !strings.Contains(r.Differences[0].Detail, c.detail) {
				t.Errorf("%q, want it to hold %q", r.Differences[0].Detail, c.detail)
			}
		})
	}
}

// replaceModel writes model.safetensors anew.
func replaceModel(t *testing.T, dir string, list []tensor) {
	t.Helper()
	path := filepath.Join(dir, "model.safetensors")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	writeTensors(t, path, list)
}

// With a sidecar the files count too, and damage that only a checksum shows never reaches an output.
func TestVerifyFiles(t *testing.T) {
	ctx := context.Background()
	original := copyTree(t, vectorModel)
	writeText(t, filepath.Join(original, "tokenizer.json"), "{}")
	df11 := filepath.Join(t.TempDir(), "df11")
	if _, err := Compress(ctx, original, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	kinds := func(path string) (kinds []string) {
		r, err := Verify(ctx, path, df11, VerifyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range r.Differences {
			kinds = append(kinds, d.Kind+" "+d.Name)
		}
		return kinds
	}
	if got := kinds(filepath.Join(original, "model.safetensors")); got != nil {
		t.Errorf("the model's one file by its name: %v", got)
	}
	writeText(t, filepath.Join(df11, "tokenizer.json"), "[]")
	if got := kinds(original); !cmp.Equal(got, []string{"file tokenizer.json"}) {
		t.Errorf("a changed copy: %v", got)
	}
	out := filepath.Join(t.TempDir(), "out")
	if _, err := Decompress(ctx, df11, out, DecompressOptions{}); err == nil || !strings.Contains(err.Error(), "tokenizer.json: restored 2 bytes with xxh128") {
		t.Errorf("a changed copy was restored: %v", err)
	}
	writeText(t, filepath.Join(df11, "tokenizer.json"), "{}")
	damage(t, filepath.Join(df11, "lm_head.safetensors"), "lm_head.sign_mantissa", func(b []byte) { b[0] ^= 1 })
	if _, err := Decompress(ctx, df11, out, DecompressOptions{}); err == nil || !strings.Contains(err.Error(), `tensor "lm_head.weight" of unit "lm_head" in `) {
		t.Errorf("a changed weight was restored: %v", err)
	}
	if _, err := os.Lstat(out); err == nil {
		t.Error("the output of a failed restoration appeared")
	}
	if err := os.Remove(filepath.Join(original, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	if got := kinds(original); !cmp.Equal(got, []string{"value lm_head.weight", "sum lm_head.sign_mantissa", "extra tokenizer.json"}) {
		t.Errorf("a removed file: %v", got)
	}
	writeText(t, filepath.Join(original, "merges.txt"), "")
	if err := os.Remove(filepath.Join(df11, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	want := []string{"value lm_head.weight", "sum lm_head.sign_mantissa", "extra tokenizer.json", "missing tokenizer.json", "missing merges.txt"}
	if got := kinds(original); !cmp.Equal(got, want) {
		t.Errorf("a removed copy and a new file: %v", got)
	}
}
