package encode

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/codebook"
)

// split writes the exponents and the sign_mantissa bytes of weights apart.
func split(weights, exponents, signMantissa []byte) {
	n := splitWhole(weights, exponents, signMantissa)
	weights, exponents, signMantissa = weights[2*n:], exponents[n:], signMantissa[n:]
	for ; len(weights) >= 16 && len(exponents) >= 8 && len(signMantissa) >= 8; weights, exponents, signMantissa = weights[16:], exponents[8:], signMantissa[8:] {
		w0, w1 := binary.LittleEndian.Uint64(weights), binary.LittleEndian.Uint64(weights[8:])
		binary.LittleEndian.PutUint64(exponents, exponents4(w0)|exponents4(w1)<<32)
		binary.LittleEndian.PutUint64(signMantissa, signMantissas4(w0)|signMantissas4(w1)<<32)
	}
	for i := range len(weights) / 2 {
		w := binary.LittleEndian.Uint16(weights[2*i:])
		exponents[i], signMantissa[i] = codebook.Exponent(w), codebook.SignMantissa(w)
	}
}

// exponents4 and signMantissas4 return the exponents and sign_mantissa bytes of four weights.
func exponents4(w uint64) uint64 { return lowBytes(w >> 7) }

func signMantissas4(w uint64) uint64 {
	return lowBytes(w>>8&0x0080008000800080 | w&0x007f007f007f007f)
}

// lowBytes returns the low bytes of four words.
func lowBytes(w uint64) uint64 {
	w &= 0x00ff00ff00ff00ff
	w = (w | w>>8) & 0x0000ffff0000ffff
	return uint64(uint32(w | w>>16))
}
