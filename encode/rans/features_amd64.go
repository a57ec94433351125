//go:build amd64 && !purego

package rans

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// hasAVX512 says that the CPU and the operating system support all that the assembly uses. Tests turn it off.
var hasAVX512 = cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VBMI, cpuid.AVX512VBMI2, cpuid.BMI2, cpuid.POPCNT)

// assembly returns the assembly that codes whole steps, or nil if the CPU cannot run it.
func assembly(f rans.Form) states.Encoder {
	switch {
	case !hasAVX512:
		return nil
	case f == rans.Joint:
		return encodeJoint
	}
	return encodeExponents
}

// encodeExponents codes steps of the form Exponent.
//
//go:noescape
func encodeExponents(job *states.EncodeJob)

// encodeJoint codes steps of the form Joint.
//
//go:noescape
func encodeJoint(job *states.EncodeJob)
