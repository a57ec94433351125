//go:build unix

package encode

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/fault/faulttest"
	"github.com/seed54244801/bespoke/model"
)

// TestFaults counts and codes the weights of files that are cut short, with several workers, and other weights with
// the same memory then.
func TestFaults(t *testing.T) {
	faulttest.Require(t)
	implementations(t, func(t *testing.T) {
		for _, workers := range []int{1, 2, 5} {
			t.Run(fmt.Sprintf("workers=%d", workers), func(t *testing.T) { testFaults(t, workers) })
		}
	})
}

func testFaults(t *testing.T, workers int) {
	const n = 60 * blockElements
	weights := trained(n, 4)
	book, err := codebook.Canonical(histogramOf(weights), 11)
	if err != nil {
		t.Fatal(err)
	}
	bytes := littleEndian(weights, false)
	want, err := (&Encoder{Index: codebook.IndexBoth}).Encode(book, [][]byte{bytes})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	entry := model.BytesEntry("w", model.BF16, []uint64{n}, bytes)
	if err := model.WriteFile(path, []model.Entry{entry}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mapped := f.Tensor("w").Bytes()
	// The weights that are gone come first: others wait for their turn behind them.
	parts := [][]byte{mapped[2*(n-blockElements):], mapped[:2*(n-blockElements)]}
	e := Encoder{Workers: workers, Index: codebook.IndexBoth}
	for _, size := range []int64{f.Size(), f.Size() - 4096, f.Size() / 2, 1 << 16, 0} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		counting := model.Guard(func() error {
			Histogram(parts, workers)
			return nil
		})
		coding := model.Guard(func() error {
			_, err := e.Encode(book, parts)
			return err
		})
		for what, err := range map[string]error{"counting": counting, "coding": coding} {
			if size == f.Size() && err == nil {
				continue
			}
			if e, ok := errors.AsType[*model.FaultError](err); !ok || e.Path != path || e.Offset < size {
				t.Errorf("%s with %d bytes left: error %v", what, size, err)
			}
		}
		have, err := e.Encode(book, [][]byte{bytes})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, have) {
			t.Fatal("another stream then")
		}
	}
}
