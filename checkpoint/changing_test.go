package checkpoint

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/model"
)

// change flips bits of a file at an offset from its end, in place. With still its time stays what it was.
func change(t *testing.T, path string, offset int64, still bool) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data := make([]byte, 64)
	if _, err := f.ReadAt(data, info.Size()-offset); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] ^= 1
	}
	if _, err := f.WriteAt(data, info.Size()-offset); err != nil {
		t.Fatal(err)
	}
	if still {
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestChangingModel changes a model while it is compressed or converted: the output never appears.
func TestChangingModel(t *testing.T) {
	compress := func(opts CompressOptions) func(src, dst string, p Progress) error {
		return func(src, dst string, p Progress) error {
			opts.Progress = p
			_, err := Compress(context.Background(), src, dst, opts)
			return err
		}
	}
	convert := func(src, dst string, p Progress) error {
		_, err := Convert(context.Background(), src, dst, model.BF16, ConvertOptions{Progress: p})
		return err
	}
	weights := func(still bool) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) { change(t, filepath.Join(dir, "model.safetensors"), 70_000, still) }
	}
	cases := []struct {
		name, stage string
		run         func(src, dst string, p Progress) error
		change      func(t *testing.T, dir string)
		want        string
	}{
		{"before it is coded", "compressing", compress(CompressOptions{}), weights(true), "the model changed while it was compressed"},
		{"before it is coded, with a new time", "compressing", compress(CompressOptions{NoCheck: true}), weights(false), "model.safetensors changed meanwhile"},
		{"after it was coded", "reading back", compress(CompressOptions{}), weights(false), "model.safetensors changed meanwhile"},
		{"a raw tensor", "compressing", compress(CompressOptions{}), func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "model.safetensors"), 64, true)
		}, "the model changed while it was compressed"},
		{"a file appears", "reading back", compress(CompressOptions{}), func(t *testing.T, dir string) {
			writeText(t, filepath.Join(dir, "a.txt"), "new")
		}, "a.txt appeared meanwhile"},
		{"a file disappears", "reading back", compress(CompressOptions{}), func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "notes.txt")); err != nil {
				t.Fatal(err)
			}
		}, "notes.txt disappeared meanwhile"},
		{"a file is replaced", "reading back", compress(CompressOptions{}), func(t *testing.T, dir string) {
			path := filepath.Join(dir, "notes.txt")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			writeText(t, path+".new", "NOTES")
			if err := os.Chtimes(path+".new", info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}, "notes.txt changed meanwhile"},
		{"the configuration", "compressing", compress(CompressOptions{NoCheck: true}), func(t *testing.T, dir string) {
			writeText(t, filepath.Join(dir, "config.json"), "{}")
		}, "config.json changed while it was compressed"},
		{"converted", "converting", convert, weights(false), "it must not change while it is converted"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			src, work := copyTree(t, vectorModel), t.TempDir()
			writeText(t, filepath.Join(src, "notes.txt"), "notes")
			err := c.run(src, filepath.Join(work, "out"), &stager{stage: c.stage, begin: func() { c.change(t, src) }})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if entries, _ := os.ReadDir(work); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
	t.Run("one file by its name", func(t *testing.T) {
		src, work := filepath.Join(copyTree(t, vectorModel), "model.safetensors"), t.TempDir()
		err := compress(CompressOptions{})(src, filepath.Join(work, "out"), &stager{stage: "reading back", begin: func() { change(t, src, 100, false) }})
		if err == nil || !strings.Contains(err.Error(), "model.safetensors changed meanwhile") {
			t.Errorf("error %v", err)
		}
	})
}

// TestReadBack damages the output before it is read back: it never appears. Without the check it would.
func TestReadBack(t *testing.T) {
	src := copyTree(t, vectorModel)
	writeText(t, filepath.Join(src, "notes.txt"), "notes")
	for _, damaged := range []struct{ file, stage, want string }{
		{"lm_head.safetensors", "reading back", "or the output is not what was written"},
		{"model.safetensors", "reading back", "or the output is not what was written"},
		{"notes.txt", "reading back", "or the output is not what was written"},
		{"model_layers_0.safetensors", "checking indices", `tensor "model.layers.0.split_positions" of `},
	} {
		file := damaged.file
		t.Run(file, func(t *testing.T) {
			work := t.TempDir()
			damage := func() {
				temp, err := filepath.Glob(filepath.Join(work, ".out.*"))
				if err != nil || len(temp) != 1 {
					t.Fatalf("%v, %v", temp, err)
				}
				path := filepath.Join(temp[0], file)
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				at := len(data) - 3
				if file == "lm_head.safetensors" { // in the middle are its sign_mantissa bytes
					at = len(data) / 2
				}
				data[at] ^= 1
				if err := os.WriteFile(path, data, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			// What is mapped for reading back is what was damaged: the same file, written to in place.
			_, err := Compress(context.Background(), src, filepath.Join(work, "out"), CompressOptions{Progress: &stager{stage: damaged.stage, begin: damage}})
			if err == nil || !strings.Contains(err.Error(), damaged.want) {
				t.Errorf("error %v, want one with %q", err, damaged.want)
			}
			if entries, _ := os.ReadDir(work); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
	for _, noCheck := range []bool{false, true} {
		out := filepath.Join(t.TempDir(), "out")
		r, err := Compress(context.Background(), src, out, CompressOptions{NoCheck: noCheck})
		if err != nil {
			t.Fatal(err)
		}
		if r.Checked == noCheck {
			t.Errorf("checked %v with NoCheck %v", r.Checked, noCheck)
		}
		back := filepath.Join(t.TempDir(), "back")
		if _, err := Decompress(context.Background(), out, back, DecompressOptions{}); err != nil {
			t.Fatal(err)
		}
		sameTree(t, tree(t, src), tree(t, back))
	}
}

// TestSameSidecar compresses with and without reading back: the sums of files come from what was decoded or from what
// was read, and are the same.
func TestSameSidecar(t *testing.T) {
	var texts [2][]byte
	for i, noCheck := range []bool{false, true} {
		out := filepath.Join(t.TempDir(), "out")
		if _, err := Compress(context.Background(), vectorModel, out, CompressOptions{NoCheck: noCheck}); err != nil {
			t.Fatal(err)
		}
		var err error
		if texts[i], err = os.ReadFile(filepath.Join(out, model.SidecarName)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Errorf("the sidecars differ:\n%s\n%s", texts[0], texts[1])
	}
}

// TestModes restores permissions, and keeps what only some may read from all others.
func TestModes(t *testing.T) {
	src := copyTree(t, vectorModel)
	modes := map[string]os.FileMode{"model.safetensors": 0o600, "config.json": 0o640, "notes.txt": 0o604, "run.sh": 0o755, "fixed.txt": 0o444}
	for name, mode := range modes {
		path := filepath.Join(src, name)
		if _, err := os.Stat(path); err != nil {
			writeText(t, path, name)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	work := t.TempDir()
	df11, back := filepath.Join(work, "df11"), filepath.Join(work, "back")
	if _, err := Compress(context.Background(), src, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Decompress(context.Background(), df11, back, DecompressOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range modes {
		info, err := os.Stat(filepath.Join(back, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, want %v (%v)", name, info.Mode(), want, err)
		}
	}
	perm := func(path string) os.FileMode {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	for _, name := range []string{"lm_head.safetensors", "model.safetensors", "config.json", model.SidecarName} {
		if mode := perm(filepath.Join(df11, name)); mode != 0o600 {
			t.Errorf("%s of the container: mode %v", name, mode)
		}
	}

	// What is not the original file has its permissions, too.
	if err := os.Remove(filepath.Join(df11, model.SidecarName)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(src, "config.json"), 0o400); err != nil {
		t.Fatal(err)
	}
	rebuilt, converted := filepath.Join(work, "rebuilt"), filepath.Join(work, "converted")
	if _, err := Decompress(t.Context(), df11, rebuilt, DecompressOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Convert(t.Context(), src, converted, model.BF16, ConvertOptions{}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{
		filepath.Join(rebuilt, "model.safetensors"):   0o600,
		filepath.Join(rebuilt, "config.json"):         0o600,
		filepath.Join(converted, "model.safetensors"): 0o600,
		filepath.Join(converted, "config.json"):       0o400,
	} {
		if mode := perm(path); mode != want {
			t.Errorf("%s: mode %v, want %v", path, mode, want)
		}
	}
}

// TestJournalName compresses a model with a file of the name that an output on its way has for one of its own.
func TestJournalName(t *testing.T) {
	src := copyTree(t, vectorModel)
	writeText(t, filepath.Join(src, ".bespoke-journal"), "mine")
	df11, back := filepath.Join(t.TempDir(), "df11"), filepath.Join(t.TempDir(), "back")
	if _, err := Compress(t.Context(), src, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Decompress(t.Context(), df11, back, DecompressOptions{}); err != nil {
		t.Fatal(err)
	}
	sameTree(t, tree(t, src), tree(t, back))
}

// TestShrinkingFiles cuts files short while they are mapped, in every operation: an error names the file, and nothing
// of the output remains.
func TestShrinkingFiles(t *testing.T) {
	ctx := context.Background()
	cut := func(t *testing.T, path string) func() {
		return func() {
			if err := os.Truncate(path, 4096); err != nil {
				t.Fatal(err)
			}
		}
	}
	floats := filepath.Join(t.TempDir(), "floats")
	writeTensors(t, filepath.Join(floats, "model.safetensors"), []tensor{{"a.weight", model.F32, []uint64{1 << 20}, make([]byte, 4<<20)}})
	ours := filepath.Join(t.TempDir(), "ours")
	if _, err := Compress(ctx, vectorModel, ours, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, stage, from, file string
		run                     func(src, dst string, p Progress) error
	}{
		{"compress, counting", "counting exponents", vectorModel, "model.safetensors", func(src, dst string, p Progress) error {
			_, err := Compress(ctx, src, dst, CompressOptions{Progress: p})
			return err
		}},
		{"compress, counting with sums of files", "counting exponents", vectorModel, "model.safetensors", func(src, dst string, p Progress) error {
			_, err := Compress(ctx, src, dst, CompressOptions{Progress: p, NoCheck: true})
			return err
		}},
		{"compress, coding", "compressing", vectorModel, "model.safetensors", func(src, dst string, p Progress) error {
			_, err := Compress(ctx, src, dst, CompressOptions{Progress: p})
			return err
		}},
		{"inspect", "counting exponents", vectorModel, "model.safetensors", func(src, _ string, p Progress) error {
			_, err := Inspect(ctx, src, AnalyseOptions{Progress: p})
			return err
		}},
		{"inspect a checkpoint", "decoding", vectorDF11, "lm_head.safetensors", func(src, _ string, p Progress) error {
			_, err := Inspect(ctx, src, AnalyseOptions{Progress: p})
			return err
		}},
		{"convert", "converting", floats, "model.safetensors", func(src, dst string, p Progress) error {
			_, err := Convert(ctx, src, dst, model.BF16, ConvertOptions{Progress: p})
			return err
		}},
		{"restore", "restoring", ours, "lm_head.safetensors", func(src, dst string, p Progress) error {
			_, err := Decompress(ctx, src, dst, DecompressOptions{Progress: p})
			return err
		}},
		{"rebuild", "decompressing", vectorDF11, "lm_head.safetensors", func(src, dst string, p Progress) error {
			_, err := Decompress(ctx, src, dst, DecompressOptions{Progress: p})
			return err
		}},
		{"check, decoding", "checking tensors", ours, "lm_head.safetensors", func(src, _ string, p Progress) error {
			r, err := Check(ctx, src, VerifyOptions{Progress: p})
			if err == nil {
				err = r.Err()
			}
			return err
		}},
		{"check, stored", "checking files", ours, "lm_head.safetensors", func(src, _ string, p Progress) error {
			_, err := Check(ctx, src, VerifyOptions{Progress: p})
			return err
		}},
		{"verify", "comparing tensors", vectorModel, "model.safetensors", func(src, _ string, p Progress) error {
			_, err := Verify(ctx, src, ours, VerifyOptions{Progress: p})
			return err
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			src, work := copyTree(t, c.from), t.TempDir()
			err := c.run(src, filepath.Join(work, "out"), &stager{stage: c.stage, begin: cut(t, filepath.Join(src, c.file))})
			if err == nil || !strings.Contains(err.Error(), c.file+": byte ") {
				t.Errorf("error %v", err)
			}
			if entries, _ := os.ReadDir(work); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}
