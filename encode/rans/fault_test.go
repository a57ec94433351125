//go:build unix

package rans

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed54244801/bespoke/internal/fault/faulttest"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

// TestFaults counts and codes the weights of a file that is cut short, with several workers, and other weights with the same
// memory then.
func TestFaults(t *testing.T) {
	faulttest.Require(t)
	const n, blockWeights = 300_000, 4096
	weights := trained(n, 4)
	path := filepath.Join(t.TempDir(), "x.safetensors")
	entry := model.BytesEntry("w", model.BF16, []uint64{n}, littleEndian(weights, false))
	if err := model.WriteFile(path, []model.Entry{entry}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mapped := f.Tensor("w").Bytes()
	if err := os.Truncate(path, f.Size()/2); err != nil {
		t.Fatal(err)
	}
	table := tableFor(t, rans.Joint, weights)
	want, err := rans.Encode(rans.Joint, table, weights, blockWeights)
	if err != nil {
		t.Fatal(err)
	}
	implementations(t, func(t *testing.T) {
		for _, workers := range []int{1, 2, 5} {
			e, err := New(rans.Joint, table)
			if err != nil {
				t.Fatal(err)
			}
			into := new(rans.Stream)
			for what, do := range map[string]func() error{
				"counting": func() error { Histogram(rans.Joint, [][]byte{mapped}, workers); return nil },
				"coding":   func() error { _, err := e.Encode(into, mapped, blockWeights, workers); return err },
			} {
				if e, ok := errors.AsType[*model.FaultError](model.Guard(do)); !ok || e.Path != path {
					t.Errorf("%s with %d workers: no fault", what, workers)
				}
			}
			got, err := e.Encode(into, littleEndian(weights, true), blockWeights, workers)
			if err != nil || difference(got, want) != "" {
				t.Errorf("%d workers: another stream then, %v", workers, err)
			}
		}
	})
}
