// Package float16 widens numbers of IEEE 754's binary16, the type F16 of safetensors.
package float16

import "math"

// Widen returns the bits of the float32 that is the same number. A NaN keeps its sign and its payload, at the top of the
// wider mantissa.
func Widen(half uint16) uint32 {
	sign, exponent, mantissa := uint32(half>>15)<<31, uint32(half>>10&0x1f), uint32(half&0x3ff)
	switch exponent {
	case 0: // a zero or a subnormal: mantissa · 2^-24
		return sign | math.Float32bits(float32(mantissa)*0x1p-24)
	case 0x1f: // an infinity or a NaN
		return sign | 0xff<<23 | mantissa<<13
	}
	return sign | (exponent+127-15)<<23 | mantissa<<13
}
