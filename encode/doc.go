// Package encode is the production encoder of DF11 streams: what codebook.EncodeIndexed specifies, to the
// byte, in parallel and at speed. Start with [Histogram], which counts exponents for the choice of a
// code book, then code one unit after another with an [Encoder].
//
// Weights come as little-endian bfloat16 bytes, in one part for each tensor of the unit, at any
// alignment, as they lie in a mapped file.
//
// # How a stream is packed
//
// The weights are cut into blocks of 8192. A worker takes the next block and does all there is to do with it
// while it is in the first levels of cache:
//
//   - split: exponents to memory of its own, sign_mantissa bytes to their place in the tensor;
//   - pack: codes to memory of its own, from bit 0 on, eight weights (a group) at a time. A table gives the
//     codes of two exponents at once; four such pairs are put together, appended, and stored with the
//     byte in which they start, so that nothing branches on how far a word is filled. Groups with more than 56
//     bits, and exponents that have no code, take a slow path;
//   - wait for its turn: blocks learn their place in the stream in order, from the lengths of those before
//     them;
//   - write: the packed bytes to their place, shifted by up to 7 bits. The last byte that a block begins is
//     handed on to the next block;
//   - index: gaps and output positions, tiles, or both. A window's gap is how far the first code that reaches the start of the
//     window goes beyond it. That code is in the last group that starts before the window, and is found
//     from the lengths of the group's codes, summed up in the bytes of one word. A record of the tile index
//     takes the starts of every eighth group alone.
//
// So the weights are read once, and only the short step of taking a place is done in order. The length of the
// stream is not known before its end: memory grows to what the blocks so far let expect.
//
// # Assembly
//
// The loops above that take time, and the one of Histogram, are written for AVX2 and BMI2, by package avo. Each has a
// portable form, which also does what whole vectors leave over; the build tag purego leaves the assembly
// out. Every load and store of the assembly is within the lengths that its callers work out from the slices
// at hand. What it fetches ahead may lie beyond them: fetching never fails.
package encode
