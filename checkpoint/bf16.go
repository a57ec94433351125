package checkpoint

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/internal/float16"
	"github.com/seed54244801/bespoke/model"
)

// Rounding counts what a cast to bfloat16 did to the values it went over.
type Rounding struct {
	// Values is the number of values cast, the sum of Exact, Rounded and NaN.
	Values uint64 `json:"values"`
	// Exact counts the values that bfloat16 holds as they were, infinities among them.
	Exact uint64 `json:"exact"`
	// Rounded counts the finite values that changed, Overflowed and Underflowed among them.
	Rounded uint64 `json:"rounded"`
	// Overflowed counts the finite values that became infinite.
	Overflowed uint64 `json:"overflowed"`
	// Underflowed counts the values other than zero that became zero.
	Underflowed uint64 `json:"underflowed"`
	// NaN counts the NaNs. They stay NaNs with their sign; of the payload the highest bits are kept.
	NaN uint64 `json:"nan"`
}

func (r *Rounding) add(o Rounding) {
	r.Values += o.Values
	r.Exact += o.Exact
	r.Rounded += o.Rounded
	r.Overflowed += o.Overflowed
	r.Underflowed += o.Underflowed
	r.NaN += o.NaN
}

// count counts one finite or infinite value, given the word that it became.
func (r *Rounding) count(word uint16, exact, zero, infinite bool) {
	if exact {
		r.Exact++
		return
	}
	r.Rounded++
	switch {
	case word&0x7FFF == 0 && !zero:
		r.Underflowed++
	case word&0x7FFF == 0x7F80 && !infinite:
		r.Overflowed++
	}
}

const quietBit = 0x0040 // the highest mantissa bit of a bfloat16

// fromFloat32 casts the bits of a float32 to bfloat16, to the nearest with ties to even. A NaN keeps its sign and
// the upper seven bits of its mantissa, and is made quiet. Otherwise a payload that lies only in the lower bits
// would be cut off, and the result would be an infinity.
func fromFloat32(bits uint32, r *Rounding) uint16 {
	r.Values++
	if bits&0x7FFFFFFF > 0x7F800000 {
		r.NaN++
		return uint16(bits>>16) | quietBit
	}
	word := uint16((bits + 0x7FFF + bits>>16&1) >> 16)
	r.count(word, bits&0xFFFF == 0, bits&0x7FFFFFFF == 0, bits&0x7FFFFFFF == 0x7F800000)
	return word
}

// fromFloat16 casts the bits of an IEEE half to bfloat16. Every half is a float32, so this rounds once.
func fromFloat16(half uint16, r *Rounding) uint16 { return fromFloat32(float16.Widen(half), r) }

// fromFloat64 casts the bits of a float64 to bfloat16 in one rounding. Two roundings, by way of float32, could be
// wrong: the first could move a value near the middle of two neighbours onto the middle, and the second to the
// wrong side.
func fromFloat64(bits uint64, r *Rounding) uint16 {
	const exponentMask = 0x7FF
	sign := uint16(bits>>63) << 15
	exponent := int(bits >> 52 & exponentMask)
	mantissa := bits & (1<<52 - 1)
	if exponent == exponentMask {
		r.Values++
		if mantissa != 0 {
			r.NaN++
			return sign | 0x7F80 | uint16(mantissa>>45) | quietBit
		}
		r.Exact++
		return sign | 0x7F80
	}
	// Odd rounding to float32 keeps what decides the second rounding: whether anything lies below the
	// bits kept. float32 has 16 bits more than bfloat16, and two would do.
	narrow := float32FromFloat64(exponent, mantissa)
	return fromFloat32(uint32(sign)<<16|narrow, r)
}

// float32FromFloat64 returns the magnitude of a finite float64 as the bits of a float32, rounded to odd:
// cut off, with the lowest bit set if anything was lost. Too large values give the largest float32, which
// rounds on to the infinity.
func float32FromFloat64(exponent int, mantissa uint64) uint32 {
	const largest = 0x7F7FFFFF
	e := exponent - 1023 + 127
	switch {
	case e >= 255:
		return largest
	case exponent == 0: // subnormal: far below half the smallest bfloat16
		if mantissa == 0 {
			return 0
		}
		return 1
	case e >= 1:
		bits := uint32(e)<<23 | uint32(mantissa>>29)
		if mantissa&(1<<29-1) != 0 {
			bits |= 1
		}
		return bits
	}
	// A subnormal float32: the full significand, moved down by as much as the exponent is too small.
	significand := mantissa | 1<<52
	shift := uint(29 + 1 - e)
	if shift > 53 {
		return 1
	}
	bits := uint32(significand >> shift)
	if significand&(1<<shift-1) != 0 {
		bits |= 1
	}
	return bits
}

// A cast turns the little-endian values of one dtype in src into the words of dst, which is as long.
type cast struct {
	width   int // bytes a value
	convert func(dst, src []byte) Rounding
}

// casts are the dtypes that Convert casts; every other one passes through.
var casts = map[model.DType]cast{
	model.F16: {2, func(dst, src []byte) (r Rounding) {
		for i := 0; i < len(src); i += 2 {
			binary.LittleEndian.PutUint16(dst[i:], fromFloat16(binary.LittleEndian.Uint16(src[i:]), &r))
		}
		return r
	}},
	model.F32: {4, func(dst, src []byte) (r Rounding) {
		for i := 0; i < len(src); i += 4 {
			binary.LittleEndian.PutUint16(dst[i/2:], fromFloat32(binary.LittleEndian.Uint32(src[i:]), &r))
		}
		return r
	}},
	model.F64: {8, func(dst, src []byte) (r Rounding) {
		for i := 0; i < len(src); i += 8 {
			binary.LittleEndian.PutUint16(dst[i/4:], fromFloat64(binary.LittleEndian.Uint64(src[i:]), &r))
		}
		return r
	}},
}
