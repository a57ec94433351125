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
// After a batch of rounds each lane's symbols are merged with its sign_mantissa bytes, 32 weights a
// step.
//
// # Bounds
//
// Before each batch the program computes, from what the lanes have left in elements and in bytes of
// stream, how many rounds all lanes have room for: whatever the stream holds, a round yields at most
// kernel.RoundSymbols symbols and consumes at most kernel.RoundBytes bytes. No load
// or store inside the batch needs a check of its own, and none can leave its buffer for a corrupt
// stream. A stream that stops (bits that no code begins with) makes its lane stand still; the batch
// after ends the call.
//
// # Output
//
// [File] is a pure function of its arguments: the text depends on nothing else. A test
// holds the assembly in package runtime to it.
package avo
