// Package runtime decodes DF11 checkpoints: [Open] one, then [Model.DecodeUnit], [Model.DecodeTensor] or
// [Model.DecodeAll].
//
// # Decoders
//
// Open picks a decoder and [Model.Decoder] says which and why:
//
//   - cuda: NVIDIA GPUs, in builds with the tag cuda (docs/CUDA.md says how). [Model.DecodeToDevice]
//     leaves the weights in device memory;
//   - avx512: assembly for amd64 processors with AVX-512, VBMI2 and BITALG among its parts (Intel since Ice
//     Lake, AMD since Zen 4), which leaves units of a few chunks to avx2;
//   - avx2: assembly for those with AVX2 and BMI2;
//   - generic: portable Go, always there.
//
// The first one that the machine can run is taken. With a [Kernel] from a generated package, it is what
// was cut for the unit's code book; without, a table-driven one that takes every code book.
//
// [WithDecoder] or the environment variable BESPOKE_DECODER force one; asking for one that is not
// available is an error that says why. The build tag purego leaves the assembly out. All decoders
// give the same weights, and for a broken stream the same error: the reference decoder in package
// codebook words it.
//
// A kernel must match the checkpoint. Open refuses, with a [*MismatchError], a kernel that lacks
// the code book of some unit, rather than decode that unit another way.
//
// # Errors
//
// Errors of a bit stream wrap *codebook.StreamError and name file, unit and chunk. After an error
// the contents of the destination mean nothing.
//
// # Concurrency
//
// The methods of a Model may be called from several goroutines at once, Close last and alone.
// Decoding reads memory-mapped files: a file that shrinks meanwhile ends the process, as for every
// reader of mapped memory.
package runtime
