// Package rans is the production encoder of package rans, the specification of the second codec: the same streams, to the
// byte, in parallel and at speed. Start with [Histogram], which counts symbols for a table (rans.NewTable). Then code all
// blocks of a matrix with [Encoder.Encode], or one at a time with [Encoder.Block].
//
// Weights are given as little-endian bfloat16 bytes. They may have any alignment, as in a mapped file.
//
//   - encoder.go codes streams, block.go blocks.
//   - portable.go codes steps in Go. It also codes the last step of a block, where it is not whole.
//   - states.go calls the assembly. encode_amd64.s has that for AVX-512, encode_avx2_amd64.s that for AVX2; package avo
//     generates them, and package internal/states describes their arguments. The build tag purego leaves them out.
package rans

//go:generate go test ../../avo -run ^TestStateEncodersAssembly$ -update
