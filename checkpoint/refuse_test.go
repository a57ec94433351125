package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/model"
)

// Whatever is refused leaves everything as it was.
func TestRefusals(t *testing.T) {
	ctx := context.Background()
	compress := func(src, dst string, opts CompressOptions) func() error {
		return func() error { _, err := Compress(ctx, src, dst, opts); return err }
	}
	cases := []struct {
		name string
		want string
		make func(dir string) func() error
	}{
		{"missing model", "no such file", func(dir string) func() error {
			return compress(filepath.Join(dir, "none"), filepath.Join(dir, "out"), CompressOptions{})
		}},
		{"existing target", "exists already", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "other"), CompressOptions{})
		}},
		{"below a file", "file/out: not a directory", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "file", "out"), CompressOptions{})
		}},
		{"target is a link to nothing", "dangling is a link to none, which does not exist", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "dangling"), CompressOptions{Force: true})
		}},
		{"a failure in new parents", "nothing to compress", func(dir string) func() error {
			return compress(filepath.Join(dir, "floats"), filepath.Join(dir, "new", "parents", "out"), CompressOptions{})
		}},
		{"target is the model in new parents", "lies in the input", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "model", "new", "out"), CompressOptions{})
		}},
		{"target is the model", "is the input itself", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "model"), CompressOptions{Force: true})
		}},
		{"target is the model by a link", "is the input itself", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "link"), CompressOptions{Force: true})
		}},
		{"target in the model", "lies in the input", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "model", "df11"), CompressOptions{})
		}},
		{"target in the folder of the index", "lies in the input", func(dir string) func() error {
			return compress(filepath.Join(dir, "shards", "model.safetensors.index.json"), filepath.Join(dir, "shards", "df11"), CompressOptions{})
		}},
		{"a file whose name has a backslash", `cannot take the file "back\\slash": path "back\\slash" is not a plain relative path`, func(dir string) func() error {
			return compress(filepath.Join(dir, "backslash"), filepath.Join(dir, "out"), CompressOptions{})
		}},
		{"a file whose name is not UTF-8", `"bad\xffname" is not UTF-8`, func(dir string) func() error {
			return compress(filepath.Join(dir, "latin1"), filepath.Join(dir, "out"), CompressOptions{})
		}},
		{"target holds the model", "holds the input", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), dir, CompressOptions{Force: true})
		}},
		{"target holds the model file", "holds the input", func(dir string) func() error {
			return compress(filepath.Join(dir, "model", "model.safetensors"), filepath.Join(dir, "model"), CompressOptions{Force: true})
		}},
		{"forced target is no model", "it has no bespoke.json; it holds letter.txt; remove it yourself", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "home"), CompressOptions{Force: true})
		}},
		{"forced target is a file", "is not a folder", func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "file"), CompressOptions{Force: true})
		}},
		{"unknown scheme", `"best"`, func(dir string) func() error {
			return compress(filepath.Join(dir, "model"), filepath.Join(dir, "out"), CompressOptions{Scheme: "best"})
		}},
		{"compressed already", "compressed already", func(dir string) func() error {
			return compress(vectorDF11, filepath.Join(dir, "out"), CompressOptions{})
		}},
		{"a file of a compressed model", "compressed already", func(dir string) func() error {
			return compress(filepath.Join(vectorDF11, "lm_head.safetensors"), filepath.Join(dir, "out"), CompressOptions{})
		}},
		{"a histogram", "not a model", func(dir string) func() error {
			return compress(filepath.Join(dir, "model", "config.json"), filepath.Join(dir, "out"), CompressOptions{})
		}},
		{"nothing to compress", "F32, only BF16 is coded", func(dir string) func() error {
			return compress(filepath.Join(dir, "floats"), filepath.Join(dir, "out"), CompressOptions{})
		}},
		{"truncated", "outside data", func(dir string) func() error {
			return compress(filepath.Join(dir, "short"), filepath.Join(dir, "out"), CompressOptions{})
		}},
		{"truncated, inspected", "outside data", func(dir string) func() error {
			return func() error { _, err := Inspect(ctx, filepath.Join(dir, "short"), AnalyseOptions{}); return err }
		}},
		{"decompress a model", "no coded units", func(dir string) func() error {
			return func() error {
				_, err := Decompress(ctx, filepath.Join(dir, "model"), filepath.Join(dir, "out"), DecompressOptions{})
				return err
			}
		}},
		{"decompress onto itself", "is the input itself", func(dir string) func() error {
			return func() error {
				_, err := Decompress(ctx, filepath.Join(dir, "df11"), filepath.Join(dir, "df11"), DecompressOptions{Force: true})
				return err
			}
		}},
		{"decompress onto the model of the shapes", "is the input itself", func(dir string) func() error {
			return func() error {
				_, err := Decompress(ctx, filepath.Join(dir, "df11"), filepath.Join(dir, "other"), DecompressOptions{Force: true, Shapes: filepath.Join(dir, "other")})
				return err
			}
		}},
		{"convert a compressed model", "compressed already", func(dir string) func() error {
			return func() error {
				_, err := Convert(ctx, filepath.Join(dir, "df11"), filepath.Join(dir, "out"), model.BF16, ConvertOptions{})
				return err
			}
		}},
		{"convert to F16", "only to BF16", func(dir string) func() error {
			return func() error {
				_, err := Convert(ctx, filepath.Join(dir, "model"), filepath.Join(dir, "out"), model.F16, ConvertOptions{})
				return err
			}
		}},
		{"convert onto an existing folder", "exists", func(dir string) func() error {
			return func() error {
				_, err := Convert(ctx, filepath.Join(dir, "model"), filepath.Join(dir, "other"), model.BF16, ConvertOptions{})
				return err
			}
		}},
	}
	dir := t.TempDir()
	for name, from := range map[string]string{
		"model": vectorModel, "other": vectorModel, "df11": vectorDF11, "short": vectorModel, "backslash": vectorModel, "latin1": vectorModel,
	} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(dir, "short", "model.safetensors"), 10000); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("model", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("none", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(dir, "home", "letter.txt"), "dear")
	writeText(t, filepath.Join(dir, "backslash", `back\slash`), "x")
	writeText(t, filepath.Join(dir, "latin1", "bad\xffname"), "x")
	writeShards(t, filepath.Join(dir, "shards"), readTensors(t, vectorModel), 2)
	writeText(t, filepath.Join(dir, "file"), "text")
	writeTensors(t, filepath.Join(dir, "floats", "model.safetensors"), []tensor{{"a.weight", model.F32, []uint64{64, 64}, make([]byte, 4*4096)}})
	list := func() string {
		var names []string
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	names := list()
	before := tree(t, filepath.Join(dir, "model"))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.make(dir)()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if got := list(); got != names {
				t.Errorf("the folder holds %s, before %s", got, names)
			}
			sameTree(t, before, tree(t, filepath.Join(dir, "model")))
		})
	}
}

// A cancelled context ends every operation in every stage, and nothing of its output remains.
func TestCancel(t *testing.T) {
	sidecar := filepath.Join(t.TempDir(), "df11")
	if _, err := Compress(context.Background(), vectorModel, sidecar, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	floats := filepath.Join(t.TempDir(), "floats")
	writeTensors(t, filepath.Join(floats, "model.safetensors"), []tensor{{"a.weight", model.F32, []uint64{1 << 20}, make([]byte, 4<<20)}})
	cases := []struct {
		name, stage string
		run         func(ctx context.Context, dst string, p Progress) error
	}{
		{"inspect", "counting exponents", func(ctx context.Context, _ string, p Progress) error {
			_, err := Inspect(ctx, vectorModel, AnalyseOptions{Progress: p})
			return err
		}},
		{"inspect df11", "decoding", func(ctx context.Context, _ string, p Progress) error {
			_, err := Inspect(ctx, vectorDF11, AnalyseOptions{Progress: p})
			return err
		}},
		{"convert", "converting", func(ctx context.Context, dst string, p Progress) error {
			_, err := Convert(ctx, floats, dst, model.BF16, ConvertOptions{Progress: p})
			return err
		}},
		{"compress", "counting exponents", func(ctx context.Context, dst string, p Progress) error {
			_, err := Compress(ctx, vectorModel, dst, CompressOptions{Progress: p})
			return err
		}},
		{"compress", "compressing", func(ctx context.Context, dst string, p Progress) error {
			_, err := Compress(ctx, vectorModel, dst, CompressOptions{Progress: p})
			return err
		}},
		{"compress", "copying", func(ctx context.Context, dst string, p Progress) error {
			_, err := Compress(ctx, vectorModel, dst, CompressOptions{Progress: p})
			return err
		}},
		{"compress", "comparing tensors", func(ctx context.Context, dst string, p Progress) error {
			_, err := Compress(ctx, vectorModel, dst, CompressOptions{Progress: p, Verify: true})
			return err
		}},
		{"decompress", "restoring", func(ctx context.Context, dst string, p Progress) error {
			_, err := Decompress(ctx, sidecar, dst, DecompressOptions{Progress: p})
			return err
		}},
		{"decompress", "decompressing", func(ctx context.Context, dst string, p Progress) error {
			_, err := Decompress(ctx, vectorDF11, dst, DecompressOptions{Progress: p})
			return err
		}},
		{"verify", "comparing tensors", func(ctx context.Context, _ string, p Progress) error {
			_, err := Verify(ctx, vectorModel, sidecar, VerifyOptions{Progress: p})
			return err
		}},
		{"verify", "checking files", func(ctx context.Context, _ string, p Progress) error {
			_, err := Verify(ctx, vectorModel, sidecar, VerifyOptions{Progress: p})
			return err
		}},
		{"bench", "measuring", func(ctx context.Context, _ string, p Progress) error {
			_, err := Bench(ctx, vectorDF11, BenchOptions{Time: 1, Progress: p})
			return err
		}},
	}
	for _, c := range cases {
		t.Run(c.name+"/"+c.stage, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			err := c.run(ctx, filepath.Join(dir, "out"), &canceller{stage: c.stage, cancel: cancel})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want %v", err, context.Canceled)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

// A failure late in the work, here a file that vanishes, takes the whole output with it.
func TestVanishingFile(t *testing.T) {
	src, work := copyTree(t, vectorModel), t.TempDir()
	writeText(t, filepath.Join(src, "vocab.txt"), "words")
	p := &canceller{stage: "copying", cancel: func() { os.Remove(filepath.Join(src, "vocab.txt")) }}
	_, err := Compress(context.Background(), src, filepath.Join(work, "out"), CompressOptions{Progress: p})
	if err == nil || !strings.Contains(err.Error(), "vocab.txt") {
		t.Errorf("error %v", err)
	}
	if entries, _ := os.ReadDir(work); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// stager is a Progress that calls a function when a stage begins.
type stager struct {
	silent
	stage string
	begin func()
}

func (s *stager) Stage(name string, _ int64, _ string) {
	if name == s.stage {
		s.begin()
	}
}

// A file that cannot be written, in whatever stage, takes the whole output with it.
func TestFailingWrite(t *testing.T) {
	ctx := context.Background()
	sharded, df11 := filepath.Join(t.TempDir(), "sharded"), filepath.Join(t.TempDir(), "df11")
	writeShards(t, sharded, readTensors(t, vectorModel), 3)
	writeText(t, filepath.Join(sharded, "config.json"), vectorConfig(t))
	if _, err := Compress(ctx, sharded, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	compress := func(dst string, p Progress) error {
		_, err := Compress(ctx, sharded, dst, CompressOptions{Progress: p})
		return err
	}
	restore := func(dst string, p Progress) error {
		_, err := Decompress(ctx, df11, dst, DecompressOptions{Progress: p})
		return err
	}
	rebuild := func(dst string, p Progress) error {
		_, err := Decompress(ctx, vectorDF11, dst, DecompressOptions{Progress: p})
		return err
	}
	cases := []struct {
		stage, file string
		run         func(dst string, p Progress) error
	}{
		{"compressing", "model_layers_1.safetensors", compress},
		{"compressing", "model.safetensors", compress},
		{"reading back", "bespoke.json", compress},
		{"restoring", "config.json", restore},
		{"restoring", "model-00002-of-00003.safetensors", restore},
		{"decompressing", "model.safetensors", rebuild},
	}
	for _, c := range cases {
		t.Run(c.stage+"/"+c.file, func(t *testing.T) {
			dir := t.TempDir()
			err := c.run(filepath.Join(dir, "out"), &stager{stage: c.stage, begin: func() {
				temp, err := filepath.Glob(filepath.Join(dir, ".out.*"))
				if err != nil || len(temp) != 1 {
					t.Fatalf("%v, %v", temp, err)
				}
				writeText(t, filepath.Join(temp[0], c.file), "in the way")
			}})
			if err == nil || !strings.Contains(err.Error(), "write "+c.file) {
				t.Errorf("error %v", err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

// A stream that does not decode, and one that decodes to other weights than it was made from, take the
// whole output with them.
func TestDecompressDamaged(t *testing.T) {
	ctx := context.Background()
	df11 := filepath.Join(t.TempDir(), "df11")
	if _, err := Compress(ctx, vectorModel, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]string{"encoded_exponent": `unit "lm_head": chunk 0: `, "sign_mantissa": `tensor "lm_head.weight" of unit "lm_head" in `} {
		t.Run(part, func(t *testing.T) {
			damaged, dir := copyTree(t, df11), t.TempDir()
			path := filepath.Join(damaged, "lm_head.safetensors")
			f, err := model.OpenFile(path)
			if err != nil {
				t.Fatal(err)
			}
			content := bytes.Clone(f.Content())
			at := len(content) - int(f.Tensors[len(f.Tensors)-1].End-f.Tensor("lm_head."+part).Begin)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			for i := range 64 {
				content[at+100+i] ^= 0xff
			}
			if err := os.WriteFile(path, content, 0o666); err != nil {
				t.Fatal(err)
			}
			_, err = Decompress(ctx, damaged, filepath.Join(dir, "out"), DecompressOptions{})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

// TestDecompressDamagedRANS changes every byte of a coded tensor in turn, header, index, states, words and plane: each is
// an error that names the tensor.
func TestDecompressDamagedRANS(t *testing.T) {
	ctx := context.Background()
	src, coded := filepath.Join(t.TempDir(), "src"), filepath.Join(t.TempDir(), "rans")
	writeTensors(t, filepath.Join(src, "model.safetensors"), []tensor{{"net.0.weight", model.BF16, []uint64{64, 64}, gaussian(4096, 1)}})
	if _, err := Compress(ctx, src, coded, CompressOptions{Codec: model.RANS}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(coded, "net_0.safetensors")
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content, size := bytes.Clone(f.Content()), int(f.Tensors[0].Size())
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for at := len(content) - size; at < len(content); at += 7 {
		content[at] ^= 0x20
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		content[at] ^= 0x20
		dir := t.TempDir()
		_, err := Decompress(ctx, coded, filepath.Join(dir, "out"), DecompressOptions{})
		if err == nil || !strings.Contains(err.Error(), `tensor "net.0`) {
			t.Errorf("byte %d of %d: error %v", at-len(content)+size, size, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			t.Errorf("left behind: %v", entries)
		}
	}
}

// The checksums of blocks show damage where there are no other sums.
func TestDecompressDamagedBlock(t *testing.T) {
	dir := t.TempDir()
	src, coded := filepath.Join(dir, "src"), filepath.Join(dir, "rans")
	writeTensors(t, filepath.Join(src, "model.safetensors"), []tensor{{"net.0.weight", model.BF16, []uint64{64, 64}, gaussian(4096, 1)}})
	if _, err := Compress(t.Context(), src, coded, CompressOptions{Codec: model.RANS}); err != nil {
		t.Fatal(err)
	}
	f, err := model.OpenFile(filepath.Join(coded, "net_0.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	stored := f.Tensors[0]
	data := bytes.Clone(stored.Bytes())
	for i, want := range []string{"", "block 0"} {
		path := filepath.Join(dir, fmt.Sprint(i, ".safetensors"))
		if err := model.WriteFile(path, []model.Entry{model.BytesEntry(stored.Name, stored.DType, stored.Shape, data)}, nil); err != nil {
			t.Fatal(err)
		}
		_, err := Decompress(t.Context(), path, filepath.Join(dir, fmt.Sprint("out", i)), DecompressOptions{Incomplete: true})
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		data[len(data)-1] ^= 1 // of the plane
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
