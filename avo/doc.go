// Package avo holds the assembly programs of Bespoke: one family of AVX2/BMI2 decoders of DF11 streams, written with
// the assembler library of the same name and parameterised by [Program]. The table-driven decoder
// of package runtime and the decoders of generated packages are instances of it. Start with [File].
//
// # The loop
//
// A decoder runs several lanes side by side (kernel.Lane: a run of codes with a known start),
// because one lane alone waits most of its time for its own last lookup. Each lane keeps the next
// bits of its stream left-aligned in a register. A round is as many table lookups as the register
// has bits for, then a refill:
//
//	window = buf >> (64 - TableBits)
//	entry  = table[window]        // kernel.Table: symbols, their number, their length in bits
//	store entry below out         // 8 bytes, the symbols on top; the next store overwrites the rest
//	out   -= number of symbols
//	buf  <<= length in bits
//
// The scratch memory is written downward because the symbols then lie in the high bytes of the
// entry and the length in the lowest one, where the shift takes its count from without any
// unpacking.
//
// A marker bit below the buffered bits tells, by its position, how many were used: the refill moves
// Src by whole bytes, loads 8 bytes big-endian and shifts out the bits of the first byte that were
// used before.
//
// # The merge
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
// # Bounds
//
// Before the first turn the program computes, from what the lanes have left in elements and in bytes
// of stream, how many turns all lanes have room for: whatever the stream holds, a turn yields at most
// kernel.TurnSymbols symbols and consumes at most kernel.TurnBytes bytes, and a merge writes at most
// kernel.TurnSymbols words. No load or store in a turn needs a check of its own, and none can leave
// its buffer for a corrupt stream. A stream that stops (bits that no code begins with) makes its
// lane stand still.
//
// A mark a turn says how far each lane was, so that the caller can tell the bit at which any element
// ended without a branch here.
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
