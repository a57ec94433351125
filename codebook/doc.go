// Package codebook is the executable specification of DFloat11 (DF11), the lossless format that Huffman-codes the
// exponents of bfloat16 weights. It has histogram, code book, tables and bit stream in plain Go, and is slow where
// slow is obvious. Every faster encoder, decoder and generated kernel is compared with it byte for byte and error
// for error. docs/GLOSSARY.md explains the words.
//
// # Splitting a weight
//
// A bfloat16 word is sign(1) exponent(8) mantissa(7), with the sign in the highest bit. The exponent is coded.
// Sign and mantissa are stored as they are, in one byte: see [Exponent], [SignMantissa] and [Join].
//
// # The bit stream
//
// A unit is what one stream covers. Its codes are appended with the most significant bit first. If the last code
// does not end on a byte boundary, the end-of-stream code follows. It is cut off at the end of that byte, or
// padded with zero bits up to it. DF11 indexes the stream at two levels:
//
//   - a window is 8 bytes (64 bits); its gap, 5 bits, is the offset in bits of the first code that starts in it;
//   - a chunk is 512 windows (4096 bytes); its output position is the number of the first element whose code
//     starts in it.
//
// A code is at most 32 bits long, so at least one code starts in every window but the last, and a gap fits its 5
// bits. A chunk can be decoded on its own from its first gap and its output position.
//
// # The tile index
//
// A second index over the same stream lets a GPU decode in one pass, without counting first. It tells every thread
// where to start; which weights the thread decodes follows from its number. A tile is 2048 successive weights, 64
// for each of the 32 lanes of a warp. The lane of a tile is the 64 weights of one lane; it is full if it has all
// of them. The last lane and the last tile of a unit may be short. The tensor tiles, U8 [tiles, 40], holds a
// record for each tile: 0.156 bits a weight.
//
//	byte    bits                 content
//	0 to 7  0 to 47 of uint64    the bit of the stream at which the first code of the tile starts
//	        48 to 63             the minimum: the least bits that the codes of a full lane take;
//	                             0 if no lane is full; 0xffff if the tile is wide
//	8 + l   all                  the bits of lane l less the minimum; 0 if the lane is not full
//	8 + 2p  16 as uint16         in a wide tile instead: the bits of lanes 2p and 2p+1 together; 0 unless
//	                             both are full
//
// Numbers are little-endian. A tile is wide if one of its full lanes takes over 255 bits more than another.
// Whatever follows a lane, or a pair of lanes, that is not full is past the end of the unit, so no decoder needs
// its bits. In a wide tile, the second lane of each pair starts where the first one has ended.
//
// A unit has the index of DF11 (gaps and output_positions), tiles, or all three tensors: see [Index]. Without gaps
// a chunk is 8 tiles, and everything said of chunks holds for these. The published loader accepts a unit with the
// additional tensor tiles; it cannot do without the other two.
//
// # Code books
//
// A [Book] maps the exponents 0 to 239 to prefix codes. DF11 uses the byte values 240 to 255 of its tables as
// links. So the exponents 240 to 255 (absolute values from 2^113, infinities, NaN) cannot be expressed, and a
// tensor that holds one is stored as it was. There are three ways to choose the books of a model, behind one
// interface: [SchemeByName].
//
// Start with [Histogram.Count], [Canonical] and [Encode]; [Decode] is the reference decoder.
//
// The format is that of the package dfloat11 0.5.0. The code is described in "70% Size, 100% Accuracy: Lossless
// LLM Compression for Efficient GPU Inference via Dynamic-Length Float" (arXiv:2504.11651), section 2.
package codebook
