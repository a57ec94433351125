//go:build amd64 && !purego

package rans

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// hasAVX2 and hasAVX512 say that the CPU and the operating system support all that the assembly uses.
var (
	hasAVX2   = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2, cpuid.BMI2, cpuid.CMOV)
	hasAVX512 = hasAVX2 && cpuid.CPU.Supports(cpuid.POPCNT, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VBMI, cpuid.AVX512VBMI2)
)

// families are those that the CPU can run, the fastest first.
var families = supported()

func supported() (list []family) {
	if hasAVX512 {
		list = append(list, family{
			name:        AVX512,
			one:         [...]states.Decoder{rans.Exponent: decodeExponents, rans.Joint: decodeJoint},
			mixed:       [...]states.Decoder{rans.Exponent: decodeExponentsMixed, rans.Joint: decodeJointMixed},
			multipliers: [...]states.Multiplier{rans.Exponent: multiplyExponents, rans.Joint: multiplyJoint},
		})
	}
	if hasAVX2 {
		decoders := [...]states.Decoder{rans.Exponent: decodeExponentsAVX2, rans.Joint: decodeJointAVX2}
		list = append(list, family{name: AVX2, one: decoders, mixed: decoders})
	}
	return list
}
