//go:build amd64 && !purego

package product

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/internal/product"
)

// kernels returns the kernels of product.Batches that the CPU can run, nil if it cannot.
func kernels() []product.Kernel {
	if !cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW) {
		return nil
	}
	return []product.Kernel{multiply4, multiply2, multiply1}
}

// multiply4 multiplies rows with 4 vectors.
//
//go:noescape
func multiply4(job *product.Job)

// multiply2 multiplies rows with 2 vectors.
//
//go:noescape
func multiply2(job *product.Job)

// multiply1 multiplies rows with one vector.
//
//go:noescape
func multiply1(job *product.Job)
