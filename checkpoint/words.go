package checkpoint

import (
	"encoding/binary"
	"unsafe"
)

// fileBytes returns words as they lie in files, little-endian. It uses their memory: on a big-endian
// machine the words mean nothing afterwards.
func fileBytes(words []uint16) []byte {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 2*len(words))
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		for i, w := range words {
			binary.LittleEndian.PutUint16(b[2*i:], w)
		}
	}
	return b
}
