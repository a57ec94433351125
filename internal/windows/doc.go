// Package windows is what a decoder of windows, for AVX-512, is handed. Package avo writes the decoders: one for any code
// book, and those of generated packages, which know the types here by their names in package kernel. Package cpu of
// the runtime makes the [Tables] of a book, keeps one [Job] a worker, and hands it blocks of 128 windows of a stream.
//
// A [Decoder] says what it promises. That a chunk ends where the next one begins is for the caller to check, and so
// are the last weights of a stream and the windows that a decoder cannot follow.
package windows
