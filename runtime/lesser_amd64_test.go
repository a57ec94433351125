//go:build amd64 && !purego

package runtime

import (
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/runtime/internal/cpu"
)

// TestLesserCPUs chooses decoders as on CPUs that cannot run the assembly.
func TestLesserCPUs(t *testing.T) {
	withoutGPU(t)
	units := sampleUnits()
	path := write(t, units...)
	for _, tc := range []struct {
		without   []string
		want      Choice
		forbidden map[string]string // reasons, by decoder
	}{
		{[]string{AVX512}, Choice{Name: AVX2, Reason: "table-driven, no kernel given"}, map[string]string{AVX512: "CPU lacks AVX-512 with VBMI2"}},
		{[]string{AVX512, AVX2}, Choice{Name: Generic, Reason: "CPU lacks AVX2 or BMI2"}, map[string]string{AVX2: "CPU lacks AVX2 or BMI2"}},
	} {
		if tc.want.Name == AVX2 && cpu.Missing(AVX2) != "" {
			continue
		}
		t.Cleanup(cpu.Without(tc.without...))
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
