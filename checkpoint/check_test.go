package checkpoint

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/model"
)

// TestCheck damages what lies beside the weights.
func TestCheck(t *testing.T) {
	for _, codec := range []model.Codec{model.DF11, model.RANS} {
		t.Run(string(codec), func(t *testing.T) { testCheck(t, codec) })
	}
}

func testCheck(t *testing.T, codec model.Codec) {
	ctx := context.Background()
	source, df11 := copyTree(t, vectorModel), filepath.Join(t.TempDir(), "df11")
	writeText(t, filepath.Join(source, "README.md"), "a model")
	if _, err := Compress(ctx, source, df11, CompressOptions{Codec: codec}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(dir string)
		want   string // the files that differ
	}{
		{"nothing", func(string) {}, ""},
		{"config.json", func(dir string) { appendText(t, filepath.Join(dir, model.ConfigName), "\n") }, "file config.json"},
		{"a copy", func(dir string) { appendText(t, filepath.Join(dir, "README.md"), "x") }, "file README.md"},
		{"a copy is not there", func(dir string) { remove(t, filepath.Join(dir, "README.md")) }, "missing README.md"},
		{"metadata", func(dir string) { dropMetadata(t, filepath.Join(dir, "lm_head.safetensors")) }, "sum lm_head.safetensors"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := copyTree(t, df11)
			tt.change(dir)
			r, err := Check(ctx, dir, VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var have []string
			for _, d := range r.Differences {
				have = append(have, d.Kind+" "+d.Name)
			}
			if diff := cmp.Diff(tt.want, strings.Join(have, ", ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// dropMetadata writes a file anew without its metadata.
func dropMetadata(t *testing.T, path string) {
	t.Helper()
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var entries []model.Entry
	for _, x := range f.Tensors {
		entries = append(entries, model.BytesEntry(x.Name, x.DType, x.Shape, bytes.Clone(x.Bytes())))
	}
	remove(t, path)
	if err := model.WriteFile(path, entries, nil); err != nil {
		t.Fatal(err)
	}
}

func appendText(t *testing.T, path, text string) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, path, string(old)+text)
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
