//go:build amd64 && !purego

package cpu

import (
	"slices"

	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/internal/windows"
)

// hasAVX2 and hasAVX512 say that the CPU and the operating system support all that the assembly uses.
var (
	hasAVX2   = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2, cpuid.BMI1, cpuid.BMI2, cpuid.MOVBE, cpuid.CMOV)
	hasAVX512 = hasAVX2 && cpuid.CPU.Supports(cpuid.POPCNT, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VBMI, cpuid.AVX512VBMI2)
)

// anyStrands and anyWindows are the decoders in assembly that take every code book.
var (
	anyStrands                 = decodeStrands
	anyWindows windows.Decoder = decodeWindows
)

// Missing says what a family of decoders lacks on this machine and in this build. It is "" if the family can be used.
func Missing(family string) string {
	switch {
	case family == AVX512 && !hasAVX512:
		return "CPU lacks AVX-512 with VBMI2"
	case family == AVX2 && !hasAVX2:
		return "CPU lacks AVX2 or BMI2"
	}
	return ""
}

// Without makes families unavailable until restore is called. It is for tests.
func Without(families ...string) (restore func()) {
	avx2, avx512 := hasAVX2, hasAVX512
	hasAVX2 = hasAVX2 && !slices.Contains(families, AVX2)
	hasAVX512 = hasAVX512 && !slices.Contains(families, AVX512)
	return func() { hasAVX2, hasAVX512 = avx2, avx512 }
}
