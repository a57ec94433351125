// Package windows has the arguments of decoders of windows, for AVX-512. Package avo generates the decoders: one
// for any code book, and those of generated packages. The latter use the types here by their names in package
// kernel. Package cpu of the runtime makes the [Tables] of a book and a [Job] for each worker. It calls the decoder
// with blocks of 128 windows of a stream.
//
// [Decoder] describes what a decoder does. The caller has to check that a chunk ends where the next one begins. It
// also has to decode the last weights of a stream, and the windows that a decoder cannot follow.
package windows
