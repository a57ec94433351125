//go:build unix

package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/fault/faulttest"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// faultUnits returns a large unit of two tensors, with the given index, between small units. It is smaller for the
// stand-in of a GPU.
func faultUnits(index codebook.Index, decoder string) []testUnit {
	bc := samples.Books()[1]
	large := slices.Concat(bc.Weights, bc.Weights, bc.Weights)
	if decoder == CUDA {
		large = large[:90_000]
	}
	small := bc.Weights[:1000]
	return []testUnit{
		{name: "a", book: bc.Book, weights: small, damage: samples.Indexed(bc.Book, small, index)},
		{name: "b", book: bc.Book, weights: large, splits: []uint64{70_000}, damage: samples.Indexed(bc.Book, large, index)},
		{name: "c", book: bc.Book, weights: small, damage: samples.Indexed(bc.Book, small, index)},
	}
}

// isFault reports whether an error is a fault at a byte of a file, from size on.
func isFault(err error, path string, size int64) bool {
	e, ok := errors.AsType[*model.FaultError](err)
	return ok && e.Path == path && e.Offset >= size && strings.HasPrefix(err.Error(), "runtime: "+path+": ")
}

// TestFaults cuts a checkpoint short while it is open, before its units are read and after, and decodes all of it.
// Errors must name the file. Weights that are decoded without an error must be right. Other checkpoints must not be
// affected.
func TestFaults(t *testing.T) {
	faulttest.Require(t)
	for index := range codebook.IndexNames() {
		eachDecoder(t, func(t *testing.T, decoder string) {
			units := faultUnits(codebook.Index(index), decoder)
			sound := write(t, units...)
			content := samples.Must(os.ReadFile(sound))
			other := open(t, sound, WithDecoder(decoder), WithWorkers(3))
			for _, workers := range []int{1, 4} {
				if workers > 1 && decoder == CUDA {
					continue
				}
				for _, known := range []bool{false, true} {
					for _, size := range []int64{0, int64(len(content)) / 2 &^ 4095, int64(len(content)) &^ 4095} {
						t.Run(fmt.Sprintf("index=%v/workers=%d/known=%t/%d", codebook.Index(index), workers, known, size), func(t *testing.T) {
							path := t.TempDir() + "/cut.safetensors"
							if err := os.WriteFile(path, content, 0o600); err != nil {
								t.Fatal(err)
							}
							m := open(t, path, WithDecoder(decoder), WithWorkers(workers))
							if known {
								decodeAll(t, m, units)
							}
							if err := os.Truncate(path, size); err != nil {
								t.Fatal(err)
							}
							decodeCut(t, m, units, path, size, decoder != CUDA)
							decodeAll(t, other, units)
						})
					}
				}
			}
		})
	}
}

// decodeCut decodes all of a checkpoint that was cut short, in every way. If must is set, something has to fail.
func decodeCut(t *testing.T, m *Model, units []testUnit, path string, size int64, must bool) {
	failed := 0
	check := func(what string, err error, got, want []uint16) {
		t.Helper()
		switch {
		case err == nil && !slices.Equal(got, want):
			t.Errorf("%s: wrong weights", what)
		case err != nil && !isFault(err, path, size):
			t.Errorf("%s: error %v", what, err)
		case err != nil:
			failed++
		}
	}
	ctx := t.Context()
	for range 2 { // the same after an error
		for _, u := range units {
			got := make([]uint16, len(u.weights))
			check("unit", m.DecodeUnit(ctx, u.name, got), got, u.weights)
		}
		want := units[1].weights[70_000:]
		got := make([]uint16, len(want))
		check("tensor", m.DecodeTensor(ctx, "b[1]", got), got, want)
		got, want = got[:9], want[len(want)-9:]
		check("part", m.DecodePart(ctx, "b[1]", len(units[1].weights)-70_009, got), got, want)
		visits := 0
		err := m.DecodeAll(ctx, func(u Unit, weights []uint16) error {
			check("visit", nil, weights, units[visits].weights)
			visits++
			return nil
		})
		check("all", err, nil, nil)
	}
	if must && failed == 0 {
		t.Error("all was decoded")
	}
}

// TestFaultsMeanwhile cuts a checkpoint short, page by page, while several goroutines decode it.
func TestFaultsMeanwhile(t *testing.T) {
	faulttest.Require(t)
	eachDecoder(t, func(t *testing.T, decoder string) {
		units := faultUnits(codebook.IndexGaps, decoder)
		n := len(units[1].weights)
		path := write(t, units...)
		m := open(t, path, WithDecoder(decoder), WithWorkers(2))
		info := samples.Must(os.Stat(path))
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		var firsts sync.WaitGroup // decoding of each goroutine
		for _, decode := range []func() error{
			func() error { return m.DecodeUnit(ctx, "b", make([]uint16, n)) },
			func() error { return m.DecodeTensor(ctx, "b[1]", make([]uint16, n-70_000)) },
			func() error { return m.DecodeAll(ctx, func(Unit, []uint16) error { return nil }) },
		} {
			firsts.Add(1)
			all.Go(func() {
				for i := 0; ; i++ {
					err := decode()
					if i == 0 {
						firsts.Done()
					}
					if err != nil && !isFault(err, path, 0) && !errors.Is(err, context.Canceled) {
						t.Errorf("error %v", err)
					}
					if err != nil || ctx.Err() != nil { // units on a GPU are not looked at in the file any more
						return
					}
				}
			})
		}
		firsts.Wait()
		for size := info.Size() &^ 4095; size >= 0; size -= 4096 {
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
		}
		if decoder == CUDA {
			cancel()
		}
		all.Wait()
		cancel()
	})
}

// TestChangedIndex overwrites the index of a checkpoint after it was checked. Decoders must use the copy that was
// checked.
func TestChangedIndex(t *testing.T) {
	faulttest.Require(t)
	for index, tensors := range map[codebook.Index][]string{
		codebook.IndexGaps:  {"b.output_positions", "b.gaps"},
		codebook.IndexTiles: {"b.tiles"},
	} {
		for _, value := range []byte{0, 0x7f, 0xff} {
			t.Run(fmt.Sprintf("%v/%#x", index, value), func(t *testing.T) {
				units := faultUnits(index, bestOnCPU().Name)
				path := write(t, units...)
				m := open(t, path, WithDecoder(bestOnCPU().Name), WithWorkers(2))
				decodeUnit(t, m, units[1])
				overwrite(t, path, value, tensors...)
				decodeUnit(t, m, units[1])
				decodeTensor(t, m, "b[1]", units[1].weights[70_000:])

				path = write(t, units...)
				m = open(t, path, WithDecoder(bestOnCPU().Name))
				overwrite(t, path, value, tensors...)
				if err := m.DecodeUnit(t.Context(), "b", make([]uint16, 600_000)); err == nil || !strings.Contains(err.Error(), path+`: unit "b": `) {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}

// overwrite sets all bytes of tensors in a file.
func overwrite(t *testing.T, path string, value byte, tensors ...string) {
	t.Helper()
	f, err := model.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for _, name := range tensors {
		x := f.Tensor(name)
		at := int64(len(f.Start())) + int64(x.Begin)
		if _, err := out.WriteAt(slices.Repeat([]byte{value}, int(x.Size())), at); err != nil {
			t.Fatal(err)
		}
	}
}
