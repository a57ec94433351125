package checkpoint

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// TestBenchNothing measures a checkpoint whose only unit has no weights.
func TestBenchNothing(t *testing.T) {
	book, err := codebook.Canonical(&codebook.Histogram{100: 1, 101: 1}, 11)
	if err != nil {
		t.Fatal(err)
	}
	s, err := codebook.Encode(book, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := model.WriteFile(path, model.UnitEntries("u", s, nil), nil); err != nil {
		t.Fatal(err)
	}
	_, err = Bench(t.Context(), path, BenchOptions{Time: time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "no coded weights") {
		t.Errorf("error %v", err)
	}
}

// TestBenchCancelledLast cancels with the last step of the work.
func TestBenchCancelledLast(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := &canceller{stage: "measuring", cancel: cancel}
	r, err := Bench(ctx, vectorDF11, BenchOptions{Threads: []int{1}, Decoders: []string{"generic"}, Time: 1, Progress: p})
	if !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("report %v, error %v, want %v", r, err, context.Canceled)
	}
}
