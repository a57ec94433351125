package float16

import (
	"math"
	"testing"
)

// TestWiden holds all 65,536 patterns against the definition of the format.
func TestWiden(t *testing.T) {
	for i := range 1 << 16 {
		half := uint16(i)
		bits := Widen(half)
		got := float64(math.Float32frombits(bits))
		exponent, mantissa := int(half>>10&31), float64(half&0x3ff)
		want := math.Ldexp(1024+mantissa, exponent-25)
		switch {
		case exponent == 0:
			want = math.Ldexp(mantissa, -24)
		case exponent == 31 && mantissa == 0:
			want = math.Inf(1)
		case exponent == 31:
			if want := uint32(half&0x8000)<<16 | 0x7f800000 | uint32(half&0x3ff)<<13; bits != want {
				t.Fatalf("%#04x: %#08x, want %#08x", half, bits, want)
			}
			continue
		}
		if half>>15 == 1 {
			want = -want
		}
		if got != want || math.Signbit(got) != (half>>15 == 1) {
			t.Fatalf("%#04x: %v, want %v", half, got, want)
		}
	}
}
