//go:build amd64 && !purego

package roofline

import "github.com/klauspost/cpuid/v2"

var hasAVX2 = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2)

func move(dst *uint16, stream, signMantissa *byte, blocks uint64) {
	if hasAVX2 {
		moveAVX2(dst, stream, signMantissa, blocks)
	} else {
		moveGeneric(dst, stream, signMantissa, blocks)
	}
}
