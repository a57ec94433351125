// Package rans decodes streams of package rans, the specification, on CPUs.
//
//   - stream.go validates a stream, once, and decodes any of its blocks.
//   - portable.go decodes in Go. It also decodes the last weights of the blocks that assembly begins.
//   - splits.go decodes symbols only, to find the places at which GPUs start to decode.
//   - states.go calls the assembly, which decodes four blocks side by side. There are families of it: decode_amd64.s for
//     AVX-512 and decode_avx2_amd64.s for AVX2. Package avo generates them, and package internal/states describes their
//     arguments.
package rans

//go:generate go test ../../../avo -run ^TestStatesAssembly$ -update
