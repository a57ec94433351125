// Package checkpoint does things to whole checkpoints: [Inspect], [Convert], [Compress], [Decompress],
// [Verify], [Check] and [Bench]. The command line is a thin layer over it.
//
// # Streaming
//
// Checkpoints are mapped into memory and worked through piece by piece. No operation holds more than a few
// of the largest unit (or tensor) in memory, so a checkpoint may be larger than the memory.
//
// What cannot be divided among processors is the sum of a file and writing it, so other work goes on beside
// them. [Compress] goes over the model twice: it counts exponents, and sums up what it has counted
// while that is in the cache; then it codes and writes several units at a time; then it reads the output back. [Decompress]
// restores several files at a time, and decodes, sums up and writes the pieces of each in stages that overlap.
//
// # Integrity
//
// Every tensor is summed up once, when it is first read, and what [Compress] wrote must decode to these sums before it
// appears; a model that changes meanwhile is an error. [Decompress] holds every tensor against its sum, and every file
// where there is a sidecar. [Check] does so without writing, [Verify] compares with the model itself.
//
// # Output
//
// An output folder is built under a temporary name beside its own and appears whole or not at all: after
// an error, a full disk or a cancelled context nothing is left of it, unless a [Compress] that may be resumed keeps
// what is finished. It is flushed to the disk before it appears, so that holds after a crash of the system too. What a
// killed process left under such a name is removed by the next operation with the same output, or resumed.
//
// Missing parents are made, and removed again if nothing comes of it; an empty folder is taken. What holds the
// input, or lies in it, is refused. Any other folder is only replaced when asked, and only if nothing in
// it can be somebody else's: [Compress] replaces what it wrote itself, told by a sound sidecar that every file
// belongs to. [Decompress] and [Convert] replace that too, and a folder whose every file is one that they write
// again, as the models that they write have no mark. The error for any other names what is in the way.
//
// Copies have the permission bits of the original, whatever the umask.
//
// # Progress and errors
//
// Nothing here prints. A [Progress] follows long operations. Every operation
// stops soon after its context ends, and then returns the context's error. The errors that callers may want
// to tell apart are [ErrOutputExists], [ErrKept], [ErrNothingToCompress], [ErrUnknownFile], [ErrShapes], [ErrNames],
// [ErrDifferent] and [ErrDamaged], and [*model.MissingError] and [*model.WeightMapError]; the ones of a broken stream wrap
// codebook.StreamError.
package checkpoint
