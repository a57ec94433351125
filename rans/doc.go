// Package rans is the executable specification of Bespoke's second codec: the exponents of bfloat16 weights coded with a
// range variant of asymmetric numeral systems (rANS; Duda, arXiv:1311.2540, section 3), in plain Go and slow where slow is
// obvious. Every faster encoder and decoder is compared with it, word for word and error for error.
//
// # Symbols
//
// A weight is divided into a symbol, which is coded, and the other bits, which are stored as they are in the plane. There
// are two ways, see [Form]: the symbol is the exponent, and the plane has 8 bits a weight, sign and mantissa; or it is
// the exponent with the highest bit of the mantissa, and the plane has 7.
//
// # Frequencies
//
// A [Table] gives 2 to 32 symbols frequencies that sum to 4096. A weight whose symbol has none is coded as the first symbol
// of the table; a patch, a place and a symbol, puts it right. So every bfloat16 word can be coded.
//
// # States
//
// A block is coded with 64 states. Weight i belongs to state i mod 64. A state, x, is a number of 32 bits, at least 2^16. It
// starts as the block says and has to end as 2^16. To decode a weight, a decoder looks up the low 16 bits of x in the alias
// layout of the table (below), which gives a symbol with its frequency f, in 65,536ths, and a rank. Then
//
//	x = f * (x >> 16) + rank
//	if x < 2^16 { x = x << 16 | the next word }
//
// Words are of 16 bits. All states take them from one list, in the order of the weights. One word is always enough, since
// x is at least f before, and f at least 16.
//
// A decoder takes 64 weights in one step. To let the last step of a block be like the others, the coder goes on with the
// first symbol of the table until the last of the 64 states has had its turn; these weights have no plane and are thrown away.
//
// # The alias layout
//
// There are 32 buckets of 2048 cells. The low 5 bits of a state name the bucket, the 11 bits above them the cell, r. Cells
// below the threshold of bucket j are symbol number j of the table, with rank r. The others are one more symbol, the
// bucket's donor, with rank r + offset. Thus five numbers for each of 32 buckets are all that a decoder has to look up:
// they fit the vector registers of a CPU. [Table.Alias] says which symbol goes where.
//
// # A stream
//
// A [Stream] has the weights of one matrix, in blocks that can be decoded each on its own. All blocks but the last have the
// same number of weights. Numbers are little-endian.
//
//	table   32 times: uint16 symbol, uint16 frequency; behind the last symbol zeros
//	index   for each block: uint32 number of words, uint32 number of patches, uint64 checksum of the decoded weights
//	blocks  for each block: uint16 low half of each of 64 states, uint16 high half of each, the patches, the words, and two
//	        bytes of zeros if the number of words is odd
//	plane   the bits that are not coded
//
// A patch is a uint32: the place in the block, 23 bits, and the symbol above it. Places ascend. The checksum is XXH3 of
// the weights as they lie in memory, with 64 bits.
//
// The blocks are all the places at which a decoder can start. [Stream.Splits] computes more, inside of blocks, for
// GPUs.
//
// # A file
//
// A [Tensor] in a file is a stream with a shape:
//
//	  0  the bytes of "rANS", and 1, the version
//	  5  uint8 form: 0 Exponent, 1 Joint
//	  6  uint8 number of dimensions, up to 8; a byte of zeros
//	  8  uint64 number of weights
//	 16  uint32 weights in a block; 4 bytes of zeros
//	 24  uint64 size of the blocks
//	 32  uint64 XXH3 of header, table and index, with zeros in its own place
//	 40  zeros
//	 64  8 times uint64: the shape, and zeros
//	128  the table, then the index
//
// and, each from the next multiple of 64 on, the blocks and the plane.
package rans
