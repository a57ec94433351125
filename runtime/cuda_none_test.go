//go:build !cuda

package runtime

import (
	"strings"
	"testing"
)

func TestWithoutCUDA(t *testing.T) {
	path := write(t, sampleUnits()...)
	const want = "decoder cuda, forced by option, is not available: not built in"
	if _, err := Open(path, WithDecoder(CUDA)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	m := open(t, path)
	if _, err := m.DecodeToDevice(t.Context(), "small"); err == nil || !strings.Contains(err.Error(), "no weights in device memory") {
		t.Errorf("error %v", err)
	}
	if _, err := m.DeviceMatrix(m.units[1].Tensors[0].Name); err == nil || !strings.Contains(err.Error(), "no products on a GPU with decoder ") {
		t.Errorf("error %v", err)
	}
	if list, err := GPUs(); len(list) != 0 || err != nil {
		t.Errorf("GPUs %v, error %v", list, err)
	}
}

// withoutGPU does nothing, because this build has no GPUs.
func withoutGPU(*testing.T) {}
