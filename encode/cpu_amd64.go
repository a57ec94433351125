//go:build amd64 && !purego

package encode

import "github.com/klauspost/cpuid/v2"

// hasAVX2 says that the CPU and the operating system support all that the assembly uses. Tests turn
// it off.
var hasAVX2 = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2, cpuid.BMI1, cpuid.BMI2, cpuid.MOVBE)
