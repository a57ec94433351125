// Package avo holds the assembly programs of Bespoke, written with the assembler library of the same name:
// decoders of DF11 streams for AVX-512, by [Windows], and for AVX2, by [Lanes], and the loops of the encoder.
// The decoders of package runtime, which take any code book, and those of generated packages are instances of
// them. Start with [File].
//
// # Windows
//
// The stream is cut into windows of 64 bits, and the gaps of DF11 say where the first code of each starts. So
// 32 windows can be decoded in the lanes of one vector, a 16-bit part of each at a time, and nothing has to be
// found first. The tables are registers: 64 entries, indexed by the next 6 bits of each lane (VPERMB). A step
// is
//
//	inside = position < 16                   // which lanes are not through with the 16 bits
//	bits   = part << position | next >> ...   // VPSHLDVW: the 16 bits from the position on
//	index  = inside ? bits >> 10 : none      // none is what no short code begins with
//	length = Lengths[index]
//	position += length
//
// Some steps look up long codes, too: those of more than 6 bits share a prefix, and the bits behind it are the
// index of another table. Eight steps are enough for 16 bits of codes of 2 bits or more. Four groups of 32
// windows take turns, so that none waits for its own lookups; all that is kept of a step is the index.
//
// At the end of a phase (16 bits, 8 steps) the indices become symbols, by another table, and lie side by side
// for each window, with gaps where a lane had waited. A window has to end where the gap of the next one says:
// if not, or if a code was too long for the tables, the block stops there and package runtime decodes that
// window in Go.
//
// Then the rows of the 128 windows of a block are squeezed: VPCOMPRESSB presses the symbols of two windows
// together, and they are appended to those pending. What is pending is merged with sign_mantissa, 64 words at a
// time: VPERMB puts each byte in both halves of a word, one VPTERNLOG takes the bits of a word from the one or
// the other. Words are written as whole cache lines and, where there are more of them than the caches hold,
// around the caches (VMOVNTDQ), which saves reading what was there. Such stores are slow to leave the store
// buffer, and a burst of them would block those of the steps; so the merges of one block lie between the steps
// of the next.
//
// Registers: 32 vectors, of which the positions take 4, tables and constants up to 12; three masks. Files:
// windows.go has the frame, windows_planes.go what goes before the steps, windows_chain.go the steps,
// windows_merge.go squeeze and merge, windows_tables.go the constants.
//
// # Lanes
//
// A decoder runs several lanes side by side (lanes.Lane: a run of codes with a known start), because one
// lane alone waits most of its time for its own last lookup. Each lane keeps the next bits of its
// stream left-aligned in a register. After as many table lookups as the register has bits for comes a refill. A marker
// bit below the buffered bits tells, by its position, how many were used; the refill moves Src by whole bytes, loads
// 8 bytes big-endian and shifts out the bits of the first byte that were used before. A lookup, with two registers a lane, is
//
//	window = buf >> (64 - TableBits)
//	entry  = table[window]        // lookup.Table: symbols, their number, their length in bits
//	store entry below out         // 8 bytes, the symbols on top; the next store overwrites the rest
//	out   -= number of symbols
//	buf  <<= length in bits
//
// The scratch memory is written downward because the symbols then lie in the high bytes of the
// entry and the length in the lowest one, where the shift takes its count from without any
// unpacking.
//
// A lane has two halves of scratch memory. A turn has as many rounds as there are lanes; in round i
// lane i changes over to its other half, and the half that a lane left a few rounds before is
// merged with its sign_mantissa bytes, 32 weights a vector, the vectors spread between the rows of
// lookups: loads, shuffles and stores fill the slots that the lookups leave while they wait. The
// number of vectors is always the one that the most symbols of a turn need, so that nothing
// branches and nothing is carried over; words beyond the symbols that there were are written anew
// by the next merge.
//
// Refills are spread over the rows as well: they are the longest chain of instructions, and lanes
// in step would all wait for theirs at once.
//
// Before the first turn the program computes, from what the lanes have left in elements and in bytes
// of stream, how many turns all lanes have room for: whatever the stream holds, a turn yields at most
// lanes.TurnSymbols symbols and consumes at most as many bytes as its lookups and refills can. No load or
// store in a turn needs a check of its own, and none can leave its buffer for a corrupt stream. A
// stream that stops (bits that no code begins with) makes its lane stand still.
//
// Each lane notes where it is when it changes halves. Once in a chunk it comes past the border of the next: it
// then leaves a mark of where it was before, from which the caller can tell the bit at which the chunk's last
// element ended.
//
// # The encoder
//
// [Encoder] is apart from all that: the loops of package encode, which describes them.
//
// # Output
//
// [File] and [Encoder] are pure functions of their arguments: the text depends on nothing else. A test
// holds the assembly in packages runtime and encode to them.
package avo
