// Package cpu is how package runtime decodes on CPUs. A [Unit] is a coded unit and its [Decoder]; [Unit.Decode] writes a
// span of it, and a [Task] all of it, with any number of goroutines.
//
// # From a unit to words
//
//   - unit.go validates the stream of a unit, once, and has what says what is wrong with one: the reference decoder of
//     package codebook. stream.go is a validated stream: its index is in memory of its own, where nothing changes it.
//   - decode.go cuts a span into whole chunks and the parts of chunks at its ends.
//   - task.go deals the chunks out to goroutines, in pieces, and keeps the error of the lowest chunk.
//   - decoder.go says what a decoder does with the chunks of a piece, and which decoder a code book gets.
//
// # Decoders
//
//   - portable*.go decodes in Go, several symbols a table lookup, three chunks side by side. It is the decoder generic.
//     It also finishes what assembly leaves over, so that there is one place for the ends of streams.
//   - lanes*.go drives assembly for AVX2, which runs lanes side by side: lanes_deal.go deals runs of chunks out to the
//     lanes, lanes_run.go follows a run past the borders of its chunks. It is the decoder avx2.
//   - windows.go drives assembly for AVX-512, which decodes blocks of 128 windows by their gaps, and mends the windows
//     that the assembly cannot follow. It is the decoder avx512, with the assembly of a generated package or with
//     that for any code book.
//   - calibration.go measures which of both is faster on this machine, and decodes by that one.
//
// features_*.go say what the CPU can run. decode_amd64.s, the assembly for any code book, is made by package avo. What it is
// handed is described by the packages internal/lanes and internal/windows.
package cpu

//go:generate go test ../../../avo -run ^TestAssembly$ -update
