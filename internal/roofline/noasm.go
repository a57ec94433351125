//go:build !amd64 || purego

package roofline

func move(dst *uint16, stream, signMantissa *byte, blocks uint64) {
	moveGeneric(dst, stream, signMantissa, blocks)
}
