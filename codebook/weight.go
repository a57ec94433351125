package codebook

// Limits and units of the format.
const (
	// MaxSymbol is the largest exponent that a code book can express.
	MaxSymbol = 239
	// MaxLength is the longest code in bits.
	MaxLength = 32
	// MaxTables is the largest number of prefix tables of 256 entries, the root table among them. A link is a byte
	// value from 240 to 255; it leads to table 256 minus that value.
	MaxTables = 17

	// WindowBytes is the length of a window of the stream in bytes, WindowBits in bits.
	WindowBytes = 8
	WindowBits  = 8 * WindowBytes
	// ChunkWindows is the number of windows in a chunk.
	ChunkWindows = 512
	// ChunkBytes is the length of a chunk of the stream in bytes, ChunkBits in bits.
	ChunkBytes = ChunkWindows * WindowBytes
	ChunkBits  = 8 * ChunkBytes
	// GapBits is the width of one entry of the gaps tensor.
	GapBits = 5
	// gapBytesPerChunk is the size of the gaps of one chunk. Gaps are stored for whole chunks.
	gapBytesPerChunk = ChunkWindows * GapBits / 8

	// MaxElements is the largest number of elements in a unit: the published kernel counts them in an int32.
	MaxElements = 1<<31 - 1
	// MaxStreamBytes is the longest stream of a unit. The published kernel addresses it with an int32, up to 11
	// bytes past the last window of the last chunk.
	MaxStreamBytes = 1<<31 - 2*ChunkBytes
)

// Exponent returns the exponent field of the bfloat16 word w.
func Exponent(w uint16) uint8 { return uint8(w >> 7) }

// SignMantissa returns the sign (bit 7) and mantissa (bits 6 to 0) of the bfloat16 word w.
func SignMantissa(w uint16) uint8 { return uint8(w>>8)&0x80 | uint8(w)&0x7f }

// Join is the inverse of [Exponent] and [SignMantissa].
func Join(exponent, signMantissa uint8) uint16 {
	return uint16(signMantissa&0x80)<<8 | uint16(exponent)<<7 | uint16(signMantissa&0x7f)
}
