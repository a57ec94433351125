package encode

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/codebook"
)

// split writes the exponents of weights, a group in each word and the first in the low byte, and their
// sign_mantissa bytes. The last exponent fills up the last group.
func split(weights []byte, groups []uint64, signMantissa []byte) {
	n := splitWhole(weights, groups, signMantissa)
	weights, groups, signMantissa = weights[2*groupElements*n:], groups[n:], signMantissa[groupElements*n:]
	for i := range groups {
		if len(weights) < 2*groupElements || len(signMantissa) < groupElements {
			groups[i] = splitLast(weights, signMantissa)
			return
		}
		w0, w1 := binary.LittleEndian.Uint64(weights), binary.LittleEndian.Uint64(weights[8:])
		groups[i] = lowBytes(w0>>7) | lowBytes(w1>>7)<<32
		binary.LittleEndian.PutUint64(signMantissa, signMantissas(w0)|signMantissas(w1)<<32)
		weights, signMantissa = weights[2*groupElements:], signMantissa[groupElements:]
	}
}

// splitLast splits 1 to 7 weights and returns the word of their exponents.
func splitLast(weights, signMantissa []byte) uint64 {
	group, last := uint64(0), uint8(0)
	for i := range groupElements {
		if 2*i < len(weights) {
			w := binary.LittleEndian.Uint16(weights[2*i:])
			last, signMantissa[i] = codebook.Exponent(w), codebook.SignMantissa(w)
		}
		group |= uint64(last) << (8 * i)
	}
	return group
}

// signMantissas returns the sign_mantissa bytes of four weights.
func signMantissas(w uint64) uint64 {
	return lowBytes(w>>8&0x0080008000800080 | w&0x007f007f007f007f)
}

// lowBytes returns the low bytes of four words.
func lowBytes(w uint64) uint64 {
	w &= 0x00ff00ff00ff00ff
	w = (w | w>>8) & 0x0000ffff0000ffff
	return uint64(uint32(w | w>>16))
}
