//go:build amd64 && !purego

package rans

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// multiplies reports whether the CPU can run the kernels of products.
func multiplies() bool { return together(rans.Exponent, AVX512) != nil }

// together returns the assembly of a family that decodes blocks side by side, or nil if the CPU cannot run it.
func together(f rans.Form, family string) states.Decoder {
	switch {
	case family != AVX512 || !cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VBMI, cpuid.AVX512VBMI2):
		return nil
	case f == rans.Joint:
		return decodeJoint
	}
	return decodeExponents
}
