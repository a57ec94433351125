package runtime

import (
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/runtime/internal/cpu"
)

// TestCalibrate asks twice. The second answer must be the first one.
func TestCalibrate(t *testing.T) {
	first, err := Calibrate()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Calibrate()
	if err != nil || first != second {
		t.Errorf("%v, then %v, error %v", first, second, err)
	}
	if measures := cpu.Missing(cpu.AVX512) == ""; measures != strings.Contains(first.Reason, "measured") {
		t.Errorf("chose %v", first)
	}
}

// TestMeasuredDecoder decodes without asking for a decoder. Decoder must then name the faster family.
func TestMeasuredDecoder(t *testing.T) {
	if missing := cpu.Missing(cpu.AVX512); missing != "" {
		t.Skip(missing)
	}
	withoutGPU(t)
	units := sampleUnits()
	m := open(t, write(t, units...))
	decodeAll(t, m, units)
	want, err := Calibrate()
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Decoder(); got.Name != want.Name || !strings.Contains(got.Reason, "measured") {
		t.Errorf("decoder %v, want %v", got, want)
	}
}
