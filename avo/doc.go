// Package avo holds the assembly programs of Bespoke: two families of decoders of DF11 streams, for AVX2 and for
// AVX-512, written with the assembler library of the same name and parameterised by [Program]. The
// table-driven decoders of package runtime and the decoders of generated packages are instances of them. Start
// with [File].
//
// # The streams
//
// A decoder runs several lanes side by side (kernel.Lane: a run of codes with a known start), because one
// lane alone waits most of its time for its own last lookup. Each lane keeps the next bits of its
// stream left-aligned in a register. What both families share is in streams.go: after as many table lookups as
// the register has bits for comes a refill. A marker bit below the buffered bits tells, by its position, how
// many were used; the refill moves Src by whole bytes, loads 8 bytes big-endian and shifts out the bits of the
// first byte that were used before.
//
// # AVX2
//
// A lookup, with two registers a lane:
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
// # AVX-512
//
// A lookup, with one register a lane, so that eight lanes fit:
//
//	window = buf >> (64 - TableBits)
//	entry  = table[window]        // kernel.SlotTable: symbols, flags that tell them, their length in bits
//	slot k = entry                // at a fixed place
//	buf  <<= length in bits
//
// A turn fills one half of the slots. Meanwhile the slots that the turn before filled are drained: flags
// become a mask (VPSHUFBITQMB), VPCOMPRESSB presses the symbols of eight slots together, and they join those of
// the lane that are pending. Where 128 are pending they are merged: VPERMB puts each byte in both halves of a
// word, one VPTERNLOG takes the bits of a word from the one or the other. Words are good when they are
// written, and whole cache lines: where there are more of them than the caches hold, they go around the caches
// (VMOVNTDQ), which saves reading what was there.
//
// # Bounds
//
// Before the first turn the program computes, from what the lanes have left in elements and in bytes
// of stream, how many turns all lanes have room for: whatever the stream holds, a turn yields at most
// kernel.Form.TurnSymbols symbols and consumes at most as many bytes as its lookups and refills can. No load or
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
