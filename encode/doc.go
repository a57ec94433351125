// Package encode is the production encoder of DF11 streams: what codebook.EncodeIndexed specifies, to the byte, in
// parallel and at speed. Start with [Histogram], which counts exponents for the choice of a code book. Then code
// one unit after another with an [Encoder].
//
// Weights are given as little-endian bfloat16 bytes, one part for each tensor of the unit. They may have any
// alignment, as in a mapped file.
//
// # How a stream is packed
//
// The weights are cut into encoder blocks of 8192, in this package called blocks. A worker takes the next block
// and does all its work while the block is in the first levels of cache:
//
//   - split: it writes the exponents to memory of its own, and the sign_mantissa bytes to their place in the
//     tensor;
//   - pack: it writes the codes to memory of its own, from bit 0 on, eight weights (a group) at a time. A table
//     gives the codes of two exponents at once. Four such pairs are put together, appended, and stored with the
//     byte in which they start. So no branch depends on how full a word is. Groups with more than 56 bits, and
//     exponents without a code, take a slow path;
//   - wait: blocks get their places in the stream in order, because a place follows from the lengths of the blocks
//     before it;
//   - write: it writes the packed bytes to their place, shifted by up to 7 bits. The last byte that a block begins
//     is handed to the next block;
//   - index: it makes gaps and output positions, tiles, or both. A window's gap is the distance from the start of
//     the window to the end of the first code that reaches it. That code is in the last group that starts before
//     the window. It is found from the lengths of the group's codes, which are added up in the bytes of one word.
//     A record of the tile index only needs the starts of every eighth group.
//
// So the weights are read once, and only the short step of taking a place is done in order. The length of the
// stream is not known before its end. Memory grows to the length that the blocks so far suggest.
//
// # Assembly
//
// Package avo writes the loops that take time, and the loop of Histogram, for AVX2 and BMI2. Each has a portable
// form, which also handles what is left after the last whole vector. The build tag purego leaves the assembly out.
// Every load and store of the assembly stays within the lengths that its callers compute from the slices.
// Prefetches may go beyond them, because a prefetch never fails.
package encode
