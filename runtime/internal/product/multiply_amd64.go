//go:build amd64 && !purego

package product

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/internal/product"
)

// families are those that the CPU can run, the fastest first.
func families() (list []family) {
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW) {
		list = append(list, family{"avx512", product.Batches, []product.Kernel{multiply4, multiply2, multiply1}, false})
	}
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		list = append(list, family{"avx2", product.BatchesAVX2, []product.Kernel{multiply2AVX2, multiply1AVX2}, true})
	}
	return list
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

// multiply2AVX2 multiplies rows with 2 vectors.
//
//go:noescape
func multiply2AVX2(job *product.Job)

// multiply1AVX2 multiplies rows with one vector.
//
//go:noescape
func multiply1AVX2(job *product.Job)
