// Package cpu decodes on CPUs for package runtime. A [Unit] is a coded unit and its [Decoder]. [Unit.Decode] writes
// a span of the unit, and a [Task] writes all of it. Both work with any number of goroutines.
//
// # From a unit to words
//
//   - unit.go validates the stream of a unit, once. It also calls the reference decoder of package codebook, which
//     says what is wrong with a broken stream.
//   - stream.go has the validated stream, with a copy of its index that nothing changes.
//   - decode.go splits a span into whole chunks, and the parts of chunks at its ends.
//   - task.go gives chunks to goroutines, in pieces, and keeps the error of the lowest chunk.
//   - decoder.go declares what a decoder does with the chunks of a piece, and chooses the decoder of a code book.
//
// # Decoders
//
//   - portable*.go decodes in Go: several symbols with each table lookup, and three chunks side by side. It is the
//     decoder generic. It also decodes the elements that assembly leaves over, so that one place handles the ends
//     of streams.
//   - strands*.go calls the assembly for AVX2, which decodes five strands side by side. strands_deal.go gives a
//     stretch of chunks to each strand. strands_stretch.go follows a stretch past the borders of its chunks. This
//     is the decoder avx2.
//   - windows.go calls the assembly for AVX-512, which decodes blocks of 128 windows by their gaps. It decodes in
//     Go the windows that the assembly cannot follow. This is the decoder avx512. Its assembly is that of a
//     generated package, or the one for any code book.
//   - calibration.go measures which of the two is faster on this machine, and decodes with that one.
//
// features_*.go say what the CPU can run. decode_amd64.s is the assembly for any code book. Package avo generates
// it. The packages internal/strands and internal/windows describe its arguments.
package cpu

//go:generate go test ../../../avo -run ^TestAssembly$ -update
