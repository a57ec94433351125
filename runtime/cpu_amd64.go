//go:build amd64 && !purego

package runtime

import "github.com/klauspost/cpuid/v2"

// hasAVX2 says that the CPU and the operating system support all that the assembly uses. Tests turn
// it off.
var hasAVX2 = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2, cpuid.BMI1, cpuid.BMI2, cpuid.MOVBE, cpuid.CMOV)

// missingForAVX2 says what the decoder avx2 lacks here, "" for nothing.
func missingForAVX2() string {
	if !hasAVX2 {
		return "CPU lacks AVX2 or BMI2"
	}
	return ""
}
