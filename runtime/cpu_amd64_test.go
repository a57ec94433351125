//go:build amd64 && !purego

package runtime

import (
	"strings"
	"testing"
)

// TestWithoutAVX2 runs as on a CPU that cannot run the assembly.
func TestWithoutAVX2(t *testing.T) {
	defer func(old bool) { hasAVX2 = old }(hasAVX2)
	hasAVX2 = false
	withoutGPU(t)
	units := sampleUnits()
	path := write(t, units...)
	m := open(t, path)
	if got := m.Decoder(); got != (Choice{Generic, "CPU lacks AVX2 or BMI2"}) {
		t.Errorf("chose %v", got)
	}
	decodeAll(t, m, units)
	if _, err := Open(path, WithDecoder(AVX2)); err == nil || !strings.Contains(err.Error(), "CPU lacks AVX2 or BMI2") {
		t.Errorf("forced avx2: error %v", err)
	}
}
