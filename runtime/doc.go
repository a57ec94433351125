// Package runtime decodes DF11 checkpoints: [Open] one, then ask for what you need.
//
//   - [Model.DecodeUnit], [Model.DecodeTensor] and [Model.DecodePart] write weights to memory of the caller.
//   - [Model.DecodeUnits] goes through units in an order of the caller, decodes the next ones meanwhile, and keeps to a
//     bound on memory; [Model.DecodeAll] goes through all.
//   - [Model.Tensor] returns any tensor, also one that is not coded, such as a norm or a bias; [View] and
//     [Values.Float32s] give its elements.
//
// # Decoders
//
// Open picks a decoder and [Model.Decoder] says which and why:
//
//   - cuda: NVIDIA GPUs, in builds with the tag cuda (docs/CUDA.md says how). [Model.DecodeToDevice]
//     leaves the weights in device memory, [Model.DeviceMatrix] multiplies with them and leaves them
//     compressed;
//   - avx512: assembly for amd64 processors with AVX-512 and VBMI2 among its parts (Intel since Ice Lake, AMD since
//     Zen 4). It decodes by gaps: streams that have none, and those of code books with a code of one bit, are left to avx2;
//   - avx2: assembly for those with AVX2 and BMI2;
//   - generic: portable Go, always there.
//
// The first one that the machine can run is taken, but of avx512 and avx2 the faster: the first decode of a process
// measures that, in a few milliseconds, with the weights that it decodes. With a [Kernel] from a generated package,
// avx512 is what was cut for the unit's code book; without, and all others, take every code book.
//
// [WithDecoder] or the environment variable BESPOKE_DECODER force one; asking for one that is not
// available is an error that says why. The build tag purego leaves the assembly out. All decoders
// give the same weights, and for a broken stream the same error: the reference decoder in package
// codebook words it. Of a unit with both indices, GPUs read and check tiles, the others gaps and
// output_positions; a stream that contradicts only one of them is an error for those that read it.
//
// A kernel must match the checkpoint. Open refuses, with a [*MismatchError], a kernel that lacks
// the code book of some unit, rather than decode that unit another way.
//
// # Errors
//
// Errors of a bit stream wrap *codebook.StreamError and name file, unit and chunk. After an error
// the contents of the destination mean nothing.
//
// Decoding reads memory-mapped files. A file that is cut short meanwhile, or whose disk fails, is an error that
// wraps *model.FaultError and names the file; what can still be read can still be decoded. A file that is rewritten
// meanwhile gives other weights, or an error, and nothing worse: decoders go by an index in memory of their own.
//
// A nil context is an error.
//
// # Checks
//
// A stream tells little of what is wrong with it: a changed bit of a sign or mantissa is another weight. With
// [WithChecks], weights are compared with the sums that a checkpoint has of its tensors, as they are decoded: the first
// time, or always. A decode that compares takes up to twice as long with AVX-512, a third longer with AVX2, and a tenth
// in portable Go.
//
// # Concurrency
//
// All methods may be called from several goroutines at once, [Model.Close] too: it ends the calls that are under way,
// and waits for them. After it, and for calls that it ends, the error is [ErrClosed].
package runtime
