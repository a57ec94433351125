// Package rans decodes streams of package rans, the specification, on CPUs.
//
//   - stream.go validates a stream, once, and decodes any of its blocks.
//   - portable.go decodes in Go. It also decodes the last weights of the blocks that assembly begins.
//   - states.go calls the assembly for AVX-512, which decodes four blocks side by side. decode_amd64.s is the assembly; package
//     avo generates it, and package internal/states describes its arguments.
package rans

//go:generate go test ../../../avo -run ^TestStatesAssembly$ -update
