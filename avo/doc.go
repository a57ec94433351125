// Package avo generates the assembly of Bespoke with the assembler library of the same name: decoders of DF11
// streams for AVX-512 and for AVX2, and the loops of the encoder. The decoders of package runtime, which take any
// code book, and the decoders of generated packages all come from here. Start with [File].
//
// # Decoders of windows, for AVX-512
//
// The stream is a sequence of windows of 64 bits. The gaps of DF11 say where the first code of each window starts,
// so a vector can decode 32 windows in its lanes, without a search for codes. It decodes a 16-bit part of each
// window at a time, which is a phase. The tables are registers of 64 entries, indexed by the next 6 bits of each
// lane (VPERMB). A step of a phase is
//
//	inside = position < 16                    // the lanes that have codes of the 16 bits left
//	bits   = part << position | next >> ...   // VPSHLDVW: the 16 bits from the position on
//	index  = inside ? bits >> 10 : none       // none is an index that no short code begins with
//	length = Lengths[index]
//	position += length
//
// Codes of more than 6 bits are long codes. They share a prefix, and the bits behind the prefix index another
// table. Only some steps look up long codes. Eight steps are enough for 16 bits if codes have 2 bits or more. Four
// groups of 32 windows take turns, so that no group waits for its own lookups. A step stores only its indices.
//
// After the 8 steps of a phase, another table turns the indices into symbols. They are put side by side for each
// window, with free places for the steps in which its lane waited. The codes of a window have to end where the gap
// of the next window says. If they do not, or if a code was too long for the tables, the function stops at the
// block. Package runtime then decodes that window in Go.
//
// VPCOMPRESSB removes the free places from the rows of the 128 windows of a block, two windows at a time. The
// symbols are appended to the pending ones. Pending symbols are merged with sign_mantissa, 64 words at a time.
// VPERMB puts each byte into both halves of a word, and VPTERNLOG takes each bit from one or the other. Words are
// written as whole cache lines. If there are more words than the caches hold, they are written around the caches
// (VMOVNTDQ), so that the old contents of their memory are not read. Such stores leave the store buffer slowly, and
// many at once would block the stores of the steps. So the merges of one block are placed between the steps of the
// next block.
//
// Of the 32 vector registers, the positions take 4, and tables and constants take up to 12. Three mask registers
// are used. windows.go has the frame of the function, windows_planes.go the part before the steps, windows_chain.go
// the steps, windows_merge.go compression and merge, and windows_tables.go the constants.
//
// # Decoders of strands, for AVX2
//
// A decoder follows five strands side by side (strands.Strand), because a single one would wait most of its time
// for its own last lookup. Each strand has the next bits of its stream left-aligned in a register, the bit buffer.
// After as many table lookups as the register has bits for comes a refill. A marker bit below the buffered bits
// tells by its position how many bits were used. The refill moves the source by whole bytes, loads 8 bytes
// big-endian, and shifts out the used bits of the first byte. A lookup takes two registers for each strand:
//
//	window = buf >> (64 - TableBits)
//	entry  = table[window]        // lookup.Table: symbols, their number, their length in bits
//	store entry below out         // 8 bytes with the symbols on top; the next store overwrites the rest
//	out   -= number of symbols
//	buf  <<= length in bits
//
// Symbols are written downward in the scratch memory. So they are in the high bytes of the entry, and the length is
// in the lowest byte, which is a shift count without unpacking.
//
// Each strand has two halves of scratch memory. A turn has as many rounds as there are strands. In round i, strand
// i changes to its other half. A few rounds after a change, the half that the strand left is merged with its
// sign_mantissa bytes, 32 weights in a vector. The vectors are spread between the rows of lookups, so that their
// loads, shuffles and stores run while lookups wait. A merge always has enough vectors for the largest number of
// symbols of a turn. So there is no branch, and nothing is left for later. The next merge overwrites the words
// behind the last symbol.
//
// Refills are spread over the rows, too. They are the longest chain of instructions, and strands that are refilled
// at the same time would all wait.
//
// Before the first turn, the function computes how many turns all strands have room for. It knows the elements and
// the bytes of stream that each strand has left. Whatever the stream holds, a turn decodes at most
// strands.TurnSymbols symbols, and uses at most as many bytes as its lookups and refills can. So loads and stores
// in a turn need no check, and cannot leave their buffers if the stream is corrupt. If no code begins with the next
// bits of a strand, the strand stops there.
//
// Each strand notes its place when it changes halves. Once in each chunk it comes to the border of the next chunk.
// It then leaves a mark with its previous place. From the mark, the caller computes the bit at which the last
// element of the chunk ends.
//
// # Decoders of states, for AVX2
//
// AVX2 can look up 16 bytes in a register (VPSHUFB), by the low 4 bits of an index, and gives 0 where its highest bit is
// set. So each table of 32 words is two tables of 32 bytes, and each of these two registers:
//
//	byte = low[index] ^ high[index - 16]     // the highest bit of index - 16 is set for an index below 16
//
// Buckets and places are bytes, for the 32 states of half a block in one vector. A bucket whose cell is its own symbol's gets
// the highest bit set in both indices: then the donor, which is stored exclusive or the bucket, and the offset are 0. Bytes are
// interleaved to words for the multiplication only. The carry is
//
//	rank + product < product                 // min(product -sat sum, 1)
//
// Words are spread over the states that need one by a shuffle for each mask of 8 lanes, from a table in memory. The states
// stay in memory, too, since a step takes all 16 registers. Its two halves go through the lookups together. Files
// bytes*.go have these decoders.
//
// # The encoder
//
// [Encoder] generates the loops of package encode, which describes them.
//
// # The encoder of states
//
// [StateEncoders] generates the loops of package encode/rans. A step is, for 32 states in a vector of low and one of high
// halves,
//
//	full          = high >= frequency           // these give a word: VPCOMPRESSW puts them together
//	state         = full ? state >> 16 : state
//	quotient      = high half of (state << zeros) * reciprocal, corrected twice by a comparison
//	rank          = state - quotient * frequency
//	cell          = rank < threshold ? own : the donation that five levels of search find
//	low, high     = cell, quotient
//
// The tables have 32 entries, in registers (VPERMW). A level of the search is a lookup, a difference, and a shift that takes
// its sign into the number of the node (VPSHLDW). So nothing is gathered from memory. states.EncodeTables describes the
// tables. The two vectors of a block, and the two blocks of a pair, hide each other's latency.
//
// [ByteStateEncoders] generates the same for AVX2. A step goes through its 64 states in two halves. Their places are bytes in
// one vector, with which words are looked up as in the decoder for AVX2; all else is done in words. A reciprocal has a whole
// part, so that nothing has to be shifted by a number that depends on the symbol. A correction is
//
//	rank          = min(rank, rank - frequency)  // of unsigned words
//
// The upper levels of the search have at most 8 nodes, one vector of words. A label, the way that a search has gone, is in both
// bytes of a word, as VPSHUFB takes it to look up a word:
//
//	label         = label | (at > node ? bit of the level : 0)
//
// Words are put together by a shuffle for each mask of 8 lanes, from a table in memory. states.EncodeByteTables describes the
// other tables.
//
// # Output
//
// The results of all generators depend only on their arguments. A test compares the assembly in packages runtime and
// encode with them.
package avo
