//go:build cuda && unix

package runtime

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestCUDAClosed closes a model while its weights and matrices are in use. All its memory on the device must be
// freed.
func TestCUDAClosed(t *testing.T) {
	u := matrixUnit("u", codebook.IndexTiles)
	eachCodec(t, "", bothCodecs(t, u), func(t *testing.T, path string) { testClosed(t, path, u) })
}

func testClosed(t *testing.T, path string, u testUnit) {
	standin.Start(t, "device=80:64")
	m := openCUDA(t, path, WithDecoder(CUDA))
	tensor := firstMatrix(m)
	ctx := t.Context()
	matrix, err := m.DeviceMatrix(tensor)
	if err != nil {
		t.Fatal(err)
	}
	released, err := m.DecodeToDevice(ctx, "u")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(released.Wait(), released.Release(0)); err != nil {
		t.Fatal(err)
	}
	var held []*DeviceWeights
	for range m.gpus.Slots() {
		w, err := m.DecodeToDevice(ctx, "u")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, w)
	}
	calls := map[string]func(ctx context.Context) error{
		"DecodeToDevice": func(ctx context.Context) error { _, err := m.DecodeToDevice(ctx, "u"); return err },
		"DecodeUnit":     func(ctx context.Context) error { return m.DecodeUnit(ctx, "u", make([]uint16, len(u.weights))) },
		"DecodeAll": func(ctx context.Context) error {
			return m.DecodeAll(ctx, func(Unit, []uint16) error { return nil })
		},
		"Multiply": func(ctx context.Context) error { return matrix.Multiply(ctx, 2, 4, 1, 0) },
	}
	waiting := map[string]chan error{} // for a buffer
	for name, call := range calls {
		var none context.Context
		if err := call(none); !errors.Is(err, errNilContext) {
			t.Errorf("%s with a nil context: error %v", name, err)
		}
		if name != "Multiply" { // which needs no buffer for a unit on the device
			ended := make(chan error)
			waiting[name] = ended
			go func() { ended <- call(ctx) }()
		}
	}
	closeModel(t, m)
	for name, err := range waiting {
		wantClosed(t, name, m, <-err)
	}
	for name, call := range calls {
		wantClosed(t, name, m, call(ctx))
	}
	for _, w := range held {
		wantClosed(t, "Wait", m, w.Wait())
		wantClosed(t, "Release", m, w.Release(0))
	}
	_, err = m.DeviceMatrix(tensor)
	wantClosed(t, "DeviceMatrix", m, err)
}

// firstMatrix sees to it that the first tensor of a model is a matrix, and returns its name.
func firstMatrix(m *Model) string {
	if m.units[0].coded.RANS == nil {
		tellShapes(m)
	} else {
		x := &m.units[0].Tensors[0]
		x.Shape = []uint64{uint64(x.Elements / 64), 64}
	}
	return m.units[0].Tensors[0].Name
}

// TestCUDAFaults cuts a checkpoint short. Its units are uploaded each time, or were not uploaded yet.
func TestCUDAFaults(t *testing.T) {
	u := matrixUnit("u", codebook.IndexTiles)
	for name, memory := range map[string]int64{"uploaded each time": 1, "resident": 1 << 30} {
		eachCodec(t, name, bothCodecs(t, u), func(t *testing.T, sound string) {
			path := filepath.Join(t.TempDir(), "cut.safetensors")
			if err := os.WriteFile(path, samples.Must(os.ReadFile(sound)), 0o600); err != nil {
				t.Fatal(err)
			}
			standin.Start(t, "device=80:64")
			m, other := openCUDA(t, path, WithDecoder(CUDA), WithDeviceMemory(memory)), openCUDA(t, sound, WithDecoder(CUDA))
			defer closeModel(t, m)
			defer closeModel(t, other)
			tensor := firstMatrix(m)
			if err := m.units[0].cpu.Prepare(); err != nil {
				t.Fatal(err)
			}
			matrix, err := m.DeviceMatrix(tensor)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, 4096); err != nil {
				t.Fatal(err)
			}
			for range m.gpus.Slots() + 1 { // more often than there are buffers to lose
				_, err := m.DecodeToDevice(t.Context(), "u")
				for what, err := range map[string]error{
					"DecodeToDevice": err,
					"Multiply":       matrix.Multiply(t.Context(), 2, 4, 1, 0),
					"DecodeUnit":     m.DecodeUnit(t.Context(), "u", make([]uint16, len(u.weights))),
					"DecodeAll":      m.DecodeAll(t.Context(), func(Unit, []uint16) error { return nil }),
				} {
					if !isFault(err, path, 4096) || strings.Count(err.Error(), "runtime: ") != 1 {
						t.Errorf("%s: error %v", what, err)
					}
				}
			}
			decodeUnit(t, other, u)
		})
	}
}
