// The multi-symbol table: what the next bits of the stream decode, several codes at once. Exponents are
// digits, their distance from a base: the heaviest run of 16 exponents of the code book.
//
//   bits 31..12  up to five digits of 4 bits, the first one on top; a model may want fewer
//   bits 11..10  0
//   bits  9..5   four times the number of digits
//   bits  4..0   length of their codes together
//
// So an entry as it stands is the count by which a funnel shift moves the stream on, and shifted right
// by five the one that makes room for its digits; shifts look at the low five bits only. Lengths and
// numbers of a few entries add up in the low twelve bits without a carry between them: the field of
// the lengths is bits 6..0, as the lowest two bits of four times a number are 0.
//
// Escapes are entries without digits, whose low twelve bits are 0, so that lookups stop there: the exponent
// of the first code lies outside the run, and is in bits 31..24 and the code's length in bits 20..16; or all
// bits are 0, the code being longer than the table is wide, or none starting there.
//
// The lowest bit of a digit comes first: bits 3 2 1 0 of the field are bits 0 3 2 1 of the distance.
// The base being even, the upper three bits of the distance add to the upper seven of the exponent,
// which is one byte of a bfloat16, and the lowest is on top, as the other byte wants it.
#pragma once

#include "luts.cuh"

namespace bespoke {

constexpr uint32_t digit_bits = 4;
constexpr uint32_t digit_range = 1u << digit_bits;
constexpr uint32_t word_digits = 32 / digit_bits;

__device__ __forceinline__ uint32_t entry_length(uint32_t entry) { return entry & 31; }
__device__ __forceinline__ uint32_t entry_count(uint32_t entry) { return entry >> 7 & 7; }
__device__ __forceinline__ uint32_t entry_shift(uint32_t entry) { return entry >> 5; }

// The code that an escape tells; a length of 0 says that it tells none.
__device__ __forceinline__ Symbol escaped_symbol(uint32_t escape) {
    return {escape >> 24, escape >> 16 & 31};
}

// The escape that tells it.
__device__ constexpr uint32_t escape_of(const Symbol &symbol) {
    return symbol.exponent << 24 | symbol.length << 16;
}

// The entry for a single digit.
__device__ __forceinline__ constexpr uint32_t entry_of(uint32_t digit, uint32_t length) {
    return digit << (32 - digit_bits) | digit_bits << 5 | length;
}

// A digit from the distance to the base, and the other way round.
__device__ __forceinline__ constexpr uint32_t digit_of(uint32_t distance) {
    return (distance & 1) << 3 | distance >> 1;
}

__device__ __forceinline__ uint32_t distance_of(uint32_t digit) {
    return (digit & 7) << 1 | digit >> 3;
}

// The sum of the low twelve bits of a few entries, less a number of bits that their codes should have.
// It is kept at the top of a word, where the digits above the sum are of no account.
struct EntrySum {
    uint32_t rest;

    // For codes of n bits, at most 127.
    __device__ __forceinline__ explicit EntrySum(uint32_t n = 0) : rest(0 - n) {}

    __device__ __forceinline__ void add(uint32_t entry) { rest += entry; }

    // Whether the codes have n bits.
    __device__ __forceinline__ bool complete() const { return (rest & 127) == 0; }

    // The number of digits modulo 32, if they have.
    __device__ __forceinline__ uint32_t count() const { return rest << 20 >> 27; }

    // The same where the codes have fewer bits.
    __device__ __forceinline__ uint32_t count_so_far(uint32_t n) const { return (rest + n) << 20 >> 27; }

    // How many bits they have.
    __device__ __forceinline__ uint32_t length(uint32_t n) const { return (rest + n) & 127; }
};

// The largest number of digits that stands for 32 more in the sum of entries with so many at most.
__device__ constexpr uint32_t most_mistaken(uint32_t digits) {
    return digits >= 32 ? digits - 32 : 0;
}

}  // namespace bespoke
