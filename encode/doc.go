// Package encode is the production encoder of DF11 streams: what codebook.Encode specifies, to the
// byte, in parallel and at speed. Start with [Histogram], which counts exponents for the choice of a
// code book, then code one unit after another with an [Encoder].
//
// Weights come as little-endian bfloat16 bytes, in one part for each tensor of the unit, at any
// alignment, as they lie in a mapped file.
//
// # How a stream is packed in parallel
//
// The weights are cut into blocks. A first pass splits each block and adds up the lengths of its
// codes; a prefix sum of these gives the bit at which each block's codes start. A second pass packs
// each block from its own bit on. The accumulator of the packer is one window of the stream (8
// bytes), so the moment it is full is the moment the next gap, and every 512th time the next output
// position, is known. Two blocks meet inside a window: both halves are kept aside and joined when
// all blocks are done.
package encode
