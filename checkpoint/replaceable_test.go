package checkpoint

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/model"
)

// What may be replaced with force, and by what. Whatever may not stays as it was.
func TestForce(t *testing.T) {
	ctx := context.Background()
	df11 := filepath.Join(t.TempDir(), "df11")
	withFiles := copyTree(t, vectorModel)
	writeText(t, filepath.Join(withFiles, "below", "vocab.txt"), "words")
	writeText(t, filepath.Join(withFiles, "lora.safetensors", "note"), "copied to another place")
	if _, err := Compress(ctx, withFiles, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	compress := func(dst string) error {
		_, err := Compress(ctx, vectorModel, dst, CompressOptions{Force: true})
		return err
	}
	compressMore := func(dst string) error {
		_, err := Compress(ctx, withFiles, dst, CompressOptions{Force: true})
		return err
	}
	restore := func(dst string) error {
		_, err := Decompress(ctx, df11, dst, DecompressOptions{Force: true})
		return err
	}
	convert := func(dst string) error {
		_, err := Convert(ctx, vectorModel, dst, model.BF16, ConvertOptions{Force: true})
		return err
	}
	copied := func(from string) func(t *testing.T, dst string) {
		return func(t *testing.T, dst string) {
			if err := os.CopyFS(dst, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
		}
	}
	with := func(from, name string) func(t *testing.T, dst string) {
		return func(t *testing.T, dst string) {
			copied(from)(t, dst)
			writeText(t, filepath.Join(dst, name), "mine")
		}
	}
	cases := []struct {
		name   string
		before func(t *testing.T, dst string)
		run    func(dst string) error
		want   string // in the error
	}{
		{"compressed, by a compressed one", copied(df11), compress, ""},
		{"compressed, by a restored one", copied(df11), restore, ""},
		{"compressed, by a converted one", copied(df11), convert, ""},
		{"restored, by a restored one", copied(withFiles), restore, ""},
		{"part of a restored one", copied(vectorModel), restore, ""},
		{"converted, by a converted one", copied(vectorModel), convert, ""},
		{"an empty folder", func(t *testing.T, dst string) {
			if err := os.Mkdir(dst, 0o777); err != nil {
				t.Fatal(err)
			}
		}, compress, ""},
		{"a model, by a compressed one", copied(vectorModel), compress, "it has no bespoke.json; it holds config.json, model.safetensors; remove"},
		{"a published one, by a compressed one", copied(vectorDF11), compress, "it has no bespoke.json"},
		{"a published one, by a restored one", copied(vectorDF11), restore, "did not write: lm_head.safetensors, model_embed_tokens.safetensors"},
		{"compressed, with a stranger", with(df11, "precious.txt"), compress, "did not write: precious.txt; move"},
		{"compressed, with a stranger, by a restored one", with(df11, "precious.txt"), restore, "did not write: precious.txt; move"},
		{"compressed, with other weights", with(df11, "more.safetensors"), compress, "did not write: more.safetensors; move"},
		{"compressed, with a stranger below", with(df11, "below/precious.txt"), compress, "did not write: below/precious.txt; move"},
		{"compressed, under version control", with(df11, ".git/HEAD"), compress, "did not write: .git/HEAD; move"},
		{"compressed, with a file that is written again", with(vectorModel, "below/vocab.txt"), compressMore, "it has no bespoke.json"},
		{"restored, with a file that is written again", with(vectorModel, "below/vocab.txt"), restore, ""},
		{"restored, with a stranger", with(withFiles, "precious.txt"), restore, "did not write: precious.txt; move"},
		{"converted, with a stranger", with(vectorModel, "precious.txt"), convert, "did not write: precious.txt; move"},
		{"many strangers", func(t *testing.T, dst string) {
			for _, name := range strings.Split("abcdefg", "") {
				writeText(t, filepath.Join(dst, name), "mine")
			}
		}, convert, "did not write: a, b, c, d, e and 2 more; move"},
		{"config.json and a stranger", func(t *testing.T, dst string) {
			writeText(t, filepath.Join(dst, "config.json"), "{}")
			writeText(t, filepath.Join(dst, "precious.txt"), "mine")
		}, compress, "it holds config.json, precious.txt; remove"},
		{"a damaged sidecar", func(t *testing.T, dst string) {
			copied(df11)(t, dst)
			writeText(t, filepath.Join(dst, "bespoke.json"), "{")
		}, compress, "is not the work of bespoke compress: bespoke.json: "},
		{"a sidecar of somebody else", func(t *testing.T, dst string) {
			writeText(t, filepath.Join(dst, "bespoke.json"), `{"tailor": true}`)
		}, compress, "is not the work of bespoke compress: bespoke.json: version 0"},
		{"a link among the files", func(t *testing.T, dst string) {
			copied(vectorModel)(t, dst)
			if err := os.Rename(filepath.Join(dst, "config.json"), filepath.Join(filepath.Dir(dst), "elsewhere")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("../elsewhere", filepath.Join(dst, "config.json")); err != nil {
				t.Fatal(err)
			}
		}, restore, "did not write: config.json; move"},
		{"a folder in place of a file", func(t *testing.T, dst string) {
			writeText(t, filepath.Join(dst, "config.json", "mine"), "mine")
		}, convert, "did not write: config.json/mine; move"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			dst, fresh := filepath.Join(parent, "dst"), filepath.Join(t.TempDir(), "fresh")
			c.before(t, dst)
			before := tree(t, parent)
			err := c.run(dst)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "checkpoint: output "+dst) {
					t.Errorf("error %v, want one with %q", err, c.want)
				}
				sameTree(t, before, tree(t, parent))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := c.run(fresh); err != nil {
				t.Fatal(err)
			}
			sameTree(t, tree(t, fresh), tree(t, dst))
			if entries, _ := os.ReadDir(parent); len(entries) != 1 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

// What stands in the way of a compressed model is known before the work begins.
func TestContainerRefusedAtOnce(t *testing.T) {
	df11 := filepath.Join(t.TempDir(), "df11")
	if _, err := Compress(context.Background(), vectorModel, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	start := func(dst string) error {
		out, err := newContainer(dst, true, false, "key")
		if err != nil {
			return err
		}
		return out.Close()
	}
	if err := start(df11); err != nil {
		t.Errorf("our own: %v", err)
	}
	if err := start(filepath.Join(t.TempDir(), "new")); err != nil {
		t.Errorf("a new one: %v", err)
	}
	if err := start(t.TempDir()); err != nil {
		t.Errorf("an empty one: %v", err)
	}
	writeText(t, filepath.Join(df11, "precious.txt"), "mine")
	for dst, want := range map[string]string{df11: "did not write: precious.txt", copyTree(t, vectorModel): "it has no bespoke.json"} {
		if err := start(dst); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", dst, err, want)
		}
	}
}

// What stands in the way of a converted model is known before the work begins, too.
func TestConvertRefusedAtOnce(t *testing.T) {
	dst := copyTree(t, vectorModel)
	writeText(t, filepath.Join(dst, "precious.txt"), "mine")
	p := &stager{stage: "converting", begin: func() { t.Error("the work begins") }}
	_, err := Convert(context.Background(), vectorModel, dst, model.BF16, ConvertOptions{Force: true, Progress: p})
	if err == nil || !strings.Contains(err.Error(), "did not write: precious.txt") {
		t.Errorf("error %v", err)
	}
}

// And so is what stands in the way of a restored one, where the sidecar tells its files.
func TestDecompressRefusedAtOnce(t *testing.T) {
	df11, dst := filepath.Join(t.TempDir(), "df11"), copyTree(t, vectorModel)
	if _, err := Compress(t.Context(), vectorModel, df11, CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(dst, "precious.txt"), "mine")
	var p stages
	_, err := Decompress(t.Context(), df11, dst, DecompressOptions{Force: true, Progress: &p})
	if err == nil || !strings.Contains(err.Error(), "did not write: precious.txt") || len(p.begun) > 0 {
		t.Errorf("error %v after %q", err, p.begun)
	}
}

// With force the folder behind a link is replaced, and the link stays.
func TestForceThroughLink(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "real"), os.DirFS(vectorModel)); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(dir, "fresh")
	for _, dst := range []string{link, fresh} {
		if _, err := Decompress(context.Background(), vectorDF11, dst, DecompressOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	if to, err := os.Readlink(link); err != nil || to != "real" {
		t.Errorf("the link is gone: %q, %v", to, err)
	}
	sameTree(t, tree(t, fresh), tree(t, filepath.Join(dir, "real")))
}

// The input is told by more than its name: here the output lies in it by another way.
func TestOutputInInput(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "model")
	if err := os.CopyFS(src, os.DirFS(vectorModel)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("model", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, dst := range []string{"link/out", "link/new/out", "model/../link/out"} {
		_, err := newOutput(filepath.Join(dir, dst), true, src)
		if err == nil || !strings.Contains(err.Error(), "lies in the input") {
			t.Errorf("%s: %v", dst, err)
		}
	}
	sameTree(t, tree(t, vectorModel), tree(t, src))
}

// The weights of the input lie in the output's place, behind a link.
func TestOutputHoldsWhatLinksLeadTo(t *testing.T) {
	dir := t.TempDir()
	real, linked := filepath.Join(dir, "real"), filepath.Join(dir, "linked")
	if err := errors.Join(os.CopyFS(real, os.DirFS(vectorModel)), os.Mkdir(linked, 0o777)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "model.safetensors"} {
		if err := os.Symlink(filepath.Join("../real", name), filepath.Join(linked, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Convert(t.Context(), linked, real, model.BF16, ConvertOptions{Force: true})
	if err == nil || !strings.Contains(err.Error(), "holds what the input's link "+filepath.Join(linked, "config.json")+" leads to") {
		t.Errorf("error %v", err)
	}
	if _, err := Convert(t.Context(), linked, filepath.Join(dir, "out"), model.BF16, ConvertOptions{}); err != nil {
		t.Errorf("beside it: %v", err)
	}
	sameTree(t, tree(t, vectorModel), tree(t, real))
}

// Names that differ may be those of one file.
func TestSameFile(t *testing.T) {
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	writeText(t, a, "")
	writeText(t, c, "")
	if err := os.Link(a, b); err != nil {
		t.Fatal(err)
	}
	if !sameFile(a, b) || sameFile(a, c) || sameFile(a, filepath.Join(dir, "none")) || !sameFile("none", "none") {
		t.Error("files are mistaken for each other")
	}
}

// An interrupted operation that resumes later leaves what it has finished, any other nothing.
func TestGiveUp(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	failure := errors.New("failure")
	for _, c := range []struct {
		name           string
		ctx            context.Context
		resume, finish bool
		kept           bool
	}{
		{"interrupted", ended, false, true, false},
		{"interrupted, to be resumed", ended, true, true, true},
		{"interrupted before anything was finished", ended, true, false, false},
		{"a failure", context.Background(), true, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dst := filepath.Join(t.TempDir(), "out")
			out, err := newContainer(dst, false, c.resume, "key")
			if err != nil {
				t.Fatal(err)
			}
			writeText(t, filepath.Join(out.Path(), "file"), "text")
			if c.finish {
				if err := out.Finish("file", "key of file", "sum"); err != nil {
					t.Fatal(err)
				}
			}
			err = giveUp(c.ctx, out, c.resume, failure)
			if !errors.Is(err, failure) || errors.Is(err, ErrKept) != c.kept {
				t.Errorf("error %v", err)
			}
			if entries, _ := os.ReadDir(filepath.Dir(dst)); (len(entries) == 1) != c.kept {
				t.Errorf("left: %v", entries)
			}
			again, err := newContainer(dst, false, true, "key")
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if _, ok := again.Finished("file", "key of file"); ok != c.kept {
				t.Errorf("finished is %v", !c.kept)
			}
		})
	}
}
