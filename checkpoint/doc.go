// Package checkpoint does things to whole checkpoints: [Analyse], [Inspect], [Convert], [Compress], [Decompress],
// [Verify], [Check] and [Bench]. The command line is a thin layer over it.
//
// # Streaming
//
// Checkpoints are mapped into memory and worked through piece by piece. No operation holds more than a few
// of the largest unit (or tensor) in memory, so a checkpoint may be larger than the memory.
//
// The sum of a file and writing a file cannot be divided among processors, so other work goes on at the same time.
// [Compress] goes over the model twice. First it counts exponents, and computes the sums of what it has counted
// while that is in the cache. Then it codes and writes several units at a time. At the end it reads the output
// back. [Decompress] restores several files at a time. It decodes the pieces of each file, computes their sums and
// writes them, in stages that overlap.
//
// # Integrity
//
// The sum of every tensor is computed once, when the tensor is first read. What [Compress] wrote must decode to
// these sums before it appears. A model that changes meanwhile is an error. [Decompress] compares every tensor
// with its sum, and with a sidecar every file too. [Check] does so without writing, and [Verify] compares with the
// model itself.
//
// # Output
//
// An output folder is built under a temporary name beside its own, and appears whole or not at all. After an
// error, a full disk or a cancelled context nothing is left of it, unless a [Compress] that may be resumed keeps
// what is finished. The folder is flushed to the disk before it appears, so all this also holds after a crash of
// the system. What a killed process left under a temporary name is removed, or resumed, by the next operation with
// the same output.
//
// Missing parents are made, and removed again if the operation fails. An empty folder is taken. A folder that
// holds the input, or lies in it, is refused. Any other folder is only replaced when asked, and only if nothing in
// it can be somebody else's. [Compress] replaces what it wrote itself: a folder with a sound sidecar to which
// every file belongs. [Decompress] and [Convert] replace such a folder too. The models that they write have no
// mark, so they also replace a folder if they write every file in it again. The error for any other folder names
// what is in the way.
//
// Copies have the permission bits of the original. The umask does not matter.
//
// # Progress and errors
//
// Nothing here prints. A [Progress] follows long operations. Every operation stops soon after its context ends,
// and then returns the context's error. The errors that callers may want to tell apart are [ErrOutputExists],
// [ErrKept], [ErrNothingToCompress], [ErrUnknownFile], [ErrShapes], [ErrNames], [ErrDifferent] and [ErrDamaged],
// and [*model.MissingError] and [*model.WeightMapError]; the errors of a broken stream wrap codebook.StreamError.
package checkpoint
