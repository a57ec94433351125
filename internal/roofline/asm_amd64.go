//go:build amd64 && !purego

package roofline

import "github.com/klauspost/cpuid/v2"

// Vectors says that [Move] has vector instructions. Without them it may be bound by what it computes.
var Vectors = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2)

func move(dst *uint16, stream, signMantissa *byte, blocks uint64) {
	if Vectors {
		moveAVX2(dst, stream, signMantissa, blocks)
	} else {
		moveGeneric(dst, stream, signMantissa, blocks)
	}
}
