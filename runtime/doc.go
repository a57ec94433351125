// Package runtime decodes compressed checkpoints, coded with DF11 or with rANS. [Open] one, then call a method of its
// [Model]:
//
//   - [Model.DecodeUnit], [Model.DecodeTensor] and [Model.DecodePart] write weights to memory of the caller.
//   - [Model.DecodeUnits] visits units in an order that the caller chooses. It decodes the next ones meanwhile, and
//     keeps to a bound on memory. [Model.DecodeAll] visits all units.
//   - [Model.Matrix] multiplies with a tensor on the CPU while it stays compressed.
//   - [Model.Tensor] returns any tensor, also one that is not coded, such as a norm or a bias. [View] and
//     [Values.Float32s] return its elements.
//
// # Decoders
//
// Open chooses a decoder. [Model.Decoder] says which one it is, and why:
//
//   - cuda: NVIDIA GPUs, in builds with the tag cuda (docs/CUDA.md says how), for both codecs. [Model.DecodeToDevice]
//     leaves the weights in device memory. [Model.DeviceMatrix] leaves them compressed there, and multiplies with them;
//   - avx512: assembly for amd64 processors that have AVX-512 with VBMI2 (Intel since Ice Lake, AMD since Zen 4).
//     It decodes by gaps. Streams without gaps, and streams of code books with a code of one bit, are decoded by
//     avx2;
//   - avx2: assembly for amd64 processors that have AVX2 and BMI2;
//   - generic: portable Go, always available.
//
// Open takes the first of them that the machine can run. If that is avx512, the first decode of the process
// measures avx512 and avx2 with the weights that it decodes, in a few milliseconds, and the faster one is used.
// With a [Kernel] from a generated package, avx512 is a decoder that was cut for the unit's code book. All other
// decoders take every code book.
//
// [WithDecoder] or the environment variable BESPOKE_DECODER force a decoder. If it is not available, Open returns
// an error that says why. Builds with the tag purego have no assembly.
//
// All decoders return the same weights. For a broken stream they return the same error, which is that of the
// reference decoder in package codebook or rans. If a unit has both indices, GPUs read and check the tiles, and the other
// decoders read and check gaps and output_positions. A stream that contradicts only one index is an error for
// decoders that read that one.
//
// A kernel must match the checkpoint. If it lacks the code book of some unit, Open returns a [*MismatchError].
//
// # Errors
//
// Errors of a bit stream wrap *codebook.StreamError and name file, unit and chunk. With rANS they wrap *rans.BlockError
// and name file, unit, tensor and block. After an error the contents of the destination mean nothing.
//
// Decoding reads memory-mapped files. If a file is cut short meanwhile, or its disk fails, the error wraps
// *model.FaultError and names the file. The parts that can still be read can still be decoded. If a file is
// rewritten meanwhile, decoding returns other weights or an error. Nothing worse happens, because decoders use a
// copy of the index in memory.
//
// A nil context is an error.
//
// # Checks
//
// Many changes of a stream cannot be noticed: with a changed bit of a sign or mantissa, it is the stream of another
// weight. [WithChecks] compares weights with the sums that the checkpoint has of its tensors. It does so while they
// are decoded, the first time or always. With it a decode takes up to twice as long with AVX-512, a third longer
// with AVX2, and a tenth longer in portable Go.
//
// # Concurrency
//
// All methods may be called from several goroutines at once. [Model.Close] may be called at any time: it ends
// running calls and waits for them. Calls that it ends, and later calls, return [ErrClosed].
package runtime
