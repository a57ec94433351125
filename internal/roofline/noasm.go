//go:build !amd64 || purego

package roofline

// Vectors says that [Move] has vector instructions. Without them it may be bound by what it computes.
const Vectors = false

func move(dst *uint16, stream, signMantissa *byte, blocks uint64) {
	moveGeneric(dst, stream, signMantissa, blocks)
}
