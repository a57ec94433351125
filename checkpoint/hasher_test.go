package checkpoint

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/seed54244801/bespoke/model"
)

// total is a Progress that adds up what was done.
type total struct {
	silent
	n atomic.Int64
}

func (p *total) Advance(n int64) { p.n.Add(n) }

func TestHasher(t *testing.T) {
	dir := t.TempDir()
	writeShards(t, dir, readTensors(t, vectorModel), 5)
	c, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	h := startHasher(context.Background(), c.Files)
	defer h.close()
	var p total
	sums, err := h.wait(&p)
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for i, f := range c.Files {
		data, err := os.ReadFile(f.Path())
		if err != nil {
			t.Fatal(err)
		}
		if want := sumOf(data); sums[i] != want {
			t.Errorf("%s: %v, want %v", filepath.Base(f.Path()), sums[i], want)
		}
		size += f.Size()
	}
	if p.n.Load() != size {
		t.Errorf("progress of %d bytes, the files have %d", p.n.Load(), size)
	}
	if n := h.workers(); n < 1 {
		t.Errorf("%d workers", n)
	}
}

func TestHasherCancelled(t *testing.T) {
	c, err := model.Open(vectorModel)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h := startHasher(ctx, c.Files)
	defer h.close()
	if _, err := h.wait(silent{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
