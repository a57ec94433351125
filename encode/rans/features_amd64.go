//go:build amd64 && !purego

package rans

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// hasAVX512 says that the CPU and the operating system support all that the assembly uses. Tests turn it off.
var hasAVX512 = cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VBMI, cpuid.AVX512VBMI2, cpuid.BMI2, cpuid.POPCNT)

// encoder returns the assembly that codes whole steps of one block or two, or nil if the CPU cannot run it.
func encoder(f rans.Form, blocks int) states.Encoder {
	if !hasAVX512 {
		return nil
	}
	return [][]states.Encoder{{encodeExponents, encodeExponentsPair}, {encodeJoint, encodeJointPair}}[f][blocks-1]
}

// encodeExponents codes steps of a block of the form Exponent.
//
//go:noescape
func encodeExponents(job *states.EncodeJob)

// encodeExponentsPair codes steps of two blocks of the form Exponent side by side.
//
//go:noescape
func encodeExponentsPair(job *states.EncodeJob)

// encodeJoint codes steps of a block of the form Joint.
//
//go:noescape
func encodeJoint(job *states.EncodeJob)

// encodeJointPair codes steps of two blocks of the form Joint side by side.
//
//go:noescape
func encodeJointPair(job *states.EncodeJob)
