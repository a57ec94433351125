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

// interrupt compresses and cancels once some units are finished.
func interrupt(t *testing.T, src, dst string, opts CompressOptions) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opts.Resume, opts.Progress = true, &canceller{stage: "reading back", cancel: cancel}
	if opts.NoCheck {
		opts.Progress = &canceller{stage: "copying", cancel: cancel}
	}
	_, err := Compress(ctx, src, dst, opts)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrKept) {
		t.Fatalf("error %v, want %v and %v", err, context.Canceled, ErrKept)
	}
	if _, err := os.Lstat(dst); err == nil {
		t.Fatal("the output of an interrupted run appeared")
	}
}

// TestResume goes on from finished units, and ends with the very files of a run that was not interrupted.
func TestResume(t *testing.T) {
	ctx := context.Background()
	for _, opts := range []CompressOptions{{}, {SingleFile: true}, {Scheme: "published"}, {NoCheck: true}, {Codec: model.RANS}} {
		src := copyTree(t, vectorModel)
		writeText(t, filepath.Join(src, "notes.txt"), "notes")
		work := t.TempDir()
		whole, out := filepath.Join(work, "whole"), filepath.Join(work, "out")
		if _, err := Compress(ctx, src, whole, opts); err != nil {
			t.Fatal(err)
		}
		interrupt(t, src, out, opts)
		opts.Resume = true
		r, err := Compress(ctx, src, out, opts)
		if err != nil {
			t.Fatal(err)
		}
		if want := 4; r.Resumed != want && !opts.SingleFile { // which had joined them by then
			t.Errorf("%+v: %d units resumed, want %d", opts, r.Resumed, want)
		}
		sameTree(t, tree(t, whole), tree(t, out))
		if entries, _ := os.ReadDir(work); len(entries) != 2 {
			t.Errorf("left behind: %v", entries)
		}
	}
}

// TestResumeOthers goes on with another model, other options, or damaged units: what does not fit is made anew, or
// refused.
func TestResumeOthers(t *testing.T) {
	ctx := context.Background()
	kept := func(work string) string {
		names, _ := filepath.Glob(filepath.Join(work, ".out.*.bespoke-tmp"))
		return strings.Join(names, " ")
	}
	t.Run("another model", func(t *testing.T) {
		src, work := copyTree(t, vectorModel), t.TempDir()
		out := filepath.Join(work, "out")
		interrupt(t, src, out, CompressOptions{})
		change(t, filepath.Join(src, "model.safetensors"), 70_000, false)
		r, err := Compress(ctx, src, out, CompressOptions{Resume: true})
		if err != nil || r.Resumed != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		back := filepath.Join(work, "back")
		if _, err := Decompress(ctx, out, back, DecompressOptions{}); err != nil {
			t.Fatal(err)
		}
		sameTree(t, tree(t, src), tree(t, back))
	})
	t.Run("another mode", func(t *testing.T) {
		src, work := copyTree(t, vectorModel), t.TempDir()
		out := filepath.Join(work, "out")
		interrupt(t, src, out, CompressOptions{})
		if err := os.Chmod(filepath.Join(src, "model.safetensors"), 0o400); err != nil {
			t.Fatal(err)
		}
		if _, err := Compress(ctx, src, out, CompressOptions{Resume: true}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(out, "lm_head.safetensors"))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	})
	t.Run("other options", func(t *testing.T) {
		work := t.TempDir()
		out := filepath.Join(work, "out")
		interrupt(t, vectorModel, out, CompressOptions{})
		r, err := Compress(ctx, vectorModel, out, CompressOptions{Resume: true, Scheme: "unit"})
		if err != nil || r.Resumed != 0 || kept(work) != "" {
			t.Errorf("%+v, %v; left behind: %s", r, err, kept(work))
		}
	})
	t.Run("not asked for", func(t *testing.T) {
		work := t.TempDir()
		out := filepath.Join(work, "out")
		interrupt(t, vectorModel, out, CompressOptions{})
		if kept(work) == "" {
			t.Fatal("nothing is kept")
		}
		r, err := Compress(ctx, vectorModel, out, CompressOptions{})
		if err != nil || r.Resumed != 0 || kept(work) != "" {
			t.Errorf("%+v, %v; left behind: %s", r, err, kept(work))
		}
	})
	for _, at := range []int64{64, 5000} { // the index, and what is decoded
		t.Run("a damaged unit", func(t *testing.T) {
			work := t.TempDir()
			out := filepath.Join(work, "out")
			interrupt(t, vectorModel, out, CompressOptions{})
			change(t, filepath.Join(kept(work), "lm_head.safetensors"), at, false)
			r, err := Compress(ctx, vectorModel, out, CompressOptions{Resume: true})
			if err != nil || r.Resumed != 3 {
				t.Fatalf("%+v, %v", r, err)
			}
			if damage, err := Check(ctx, out, VerifyOptions{}); err != nil || damage.Err() != nil {
				t.Errorf("%v, %v", err, damage.Err())
			}
		})
	}
}
