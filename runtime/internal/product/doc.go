// Package product multiplies matrices of bfloat16 weights with vectors of float32 numbers, on the CPU: with assembly for
// AVX-512, or in portable Go. See package internal/product for the order of the sums: all give the same bits.
package product
