package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed54244801/bespoke/checkpoint"
)

// TestRestore compresses the model that out/shakespeare was generated for, and restores it. The code books that
// compress chooses must be those of the kernel.
func TestRestore(t *testing.T) {
	model := filepath.Join("..", "..", "testdata", "shakespeare-llama")
	df11, restored := filepath.Join(t.TempDir(), "df11"), filepath.Join(t.TempDir(), "restored")
	if _, err := checkpoint.Compress(context.Background(), model, df11, checkpoint.CompressOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := restore(df11, restored); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(model)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		want, err := os.ReadFile(filepath.Join(model, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(restored, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs", f.Name())
		}
	}
}
