//go:build amd64 && !purego

package runtime

import (
	"strings"
	"testing"
)

// TestLesserCPUs runs as on CPUs that cannot run the assembly.
func TestLesserCPUs(t *testing.T) {
	defer func(avx2, avx512 bool) { hasAVX2, hasAVX512 = avx2, avx512 }(hasAVX2, hasAVX512)
	withoutGPU(t)
	units := sampleUnits()
	path := write(t, units...)
	hasAVX512 = false
	for _, tc := range []struct {
		avx2      bool
		want      Choice
		forbidden map[string]string // reasons, by decoder
	}{
		{true, Choice{Name: AVX2, Reason: "table-driven, no kernel given"}, map[string]string{AVX512: "CPU lacks AVX-512 with VBMI2"}},
		{false, Choice{Name: Generic, Reason: "CPU lacks AVX2 or BMI2"}, map[string]string{AVX2: "CPU lacks AVX2 or BMI2"}},
	} {
		if tc.avx2 && !hasAVX2 {
			continue
		}
		hasAVX2 = tc.avx2
		m := open(t, path)
		if got := m.Decoder(); got != tc.want {
			t.Errorf("chose %v, want %v", got, tc.want)
		}
		decodeAll(t, m, units)
		for name, reason := range tc.forbidden {
			if _, err := Open(path, WithDecoder(name)); err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("forced %s: error %v", name, err)
			}
		}
	}
}
