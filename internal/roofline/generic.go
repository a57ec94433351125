package roofline

import (
	"encoding/binary"
	"unsafe"
)

// moveGeneric does what the assembly does. Each vector of 32 bytes of sign_mantissa is mixed with 32 bytes of
// stream from the start of its BlockStream on, and written twice.
func moveGeneric(dst *uint16, stream, signMantissa *byte, blocks uint64) {
	words := int(blocks) * BlockWeights
	out := unsafe.Slice((*byte)(unsafe.Pointer(dst)), 2*words)
	in := unsafe.Slice(signMantissa, words)
	codes := unsafe.Slice(stream, StreamBytes(words))
	for ; len(in) > 0; in, out, codes = in[BlockWeights:], out[2*BlockWeights:], codes[BlockStream:] {
		for v := range BlockWeights / 32 {
			for i := 0; i < 32; i += 8 {
				w := binary.LittleEndian.Uint64(in[32*v+i:]) ^ binary.LittleEndian.Uint64(codes[i:])
				binary.LittleEndian.PutUint64(out[64*v+i:], w)
				binary.LittleEndian.PutUint64(out[64*v+32+i:], w)
			}
		}
	}
}
