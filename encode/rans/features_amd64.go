//go:build amd64 && !purego

package rans

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// hasAVX2 and hasAVX512 say that the CPU and the operating system support all that the assembly uses. Tests turn them off.
var (
	hasAVX2   = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2, cpuid.BMI2)
	hasAVX512 = cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VBMI, cpuid.AVX512VBMI2, cpuid.BMI2, cpuid.POPCNT)
)

// encoders returns the assembly that codes whole steps of one block, and that for two if there is any. It returns nothing if the
// CPU cannot run any.
func encoders(f rans.Form) []states.Encoder {
	switch {
	case hasAVX512:
		return [][]states.Encoder{{encodeExponents, encodeExponentsPair}, {encodeJoint, encodeJointPair}}[f]
	case hasAVX2:
		return [][]states.Encoder{{encodeExponentsAVX2}, {encodeJointAVX2}}[f]
	}
	return nil
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

// encodeExponentsAVX2 codes steps of a block of the form Exponent.
//
//go:noescape
func encodeExponentsAVX2(job *states.EncodeJob)

// encodeJointAVX2 codes steps of a block of the form Joint.
//
//go:noescape
func encodeJointAVX2(job *states.EncodeJob)
