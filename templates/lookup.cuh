// The multi-symbol table: what the next bits of the stream decode, several codes at once. Exponents are
// digits of four bits, counted from a base: the heaviest run of 16 exponents of the code book.
//
//   bits 31..12  up to five digits, the first one on top
//   bits 11..8   length of the first code
//   bits  7..4   length of all the codes together
//   bits  2..0   number of digits
//
// The entry 0 is an escape: the first code is longer than the table is wide, or its exponent lies
// outside the run, or no code starts there.
#pragma once

#include "luts.cuh"

namespace bespoke {

constexpr uint32_t digit_bits = 4;
constexpr uint32_t digit_range = 1u << digit_bits;
constexpr uint32_t run_digits = 128 / digit_bits;

__device__ __forceinline__ uint32_t entry_count(uint32_t entry) { return entry & 7; }
__device__ __forceinline__ uint32_t entry_length(uint32_t entry) { return entry >> 4 & 15; }
__device__ __forceinline__ uint32_t entry_first_length(uint32_t entry) { return entry >> 8 & 15; }
__device__ __forceinline__ uint32_t entry_digits(uint32_t entry, uint32_t count) {
    return entry >> (32 - digit_bits * count);
}

// The codes that start in one window.
struct Run {
    uint64_t high, low;  // their digits, the last one lowest
    uint32_t count;      // how many codes
    uint32_t end;        // the bit after the last one
    bool packed;         // all are digits, and high and low hold them all

    // Appends 1 to 5 digits.
    __device__ __forceinline__ void append(uint32_t digits, uint32_t n) {
        high = high << digit_bits * n | low >> (64 - digit_bits * n);
        low = low << digit_bits * n | digits;
        count += n;
    }

    // Moves the first digit to the top of high.
    __device__ __forceinline__ void align() {
        const uint32_t digits = run_digits - smaller(count, run_digits);
        const uint32_t shift = digit_bits * (digits % 16);
        if (digits >= 16) {
            high = low;
            low = 0;
        }
        if (shift != 0) {
            high = high << shift | low >> (64 - shift);
            low <<= shift;
        }
    }

    // Removes the first digit of an aligned run.
    __device__ __forceinline__ uint32_t take() {
        const uint32_t digit = static_cast<uint32_t>(high >> (64 - digit_bits));
        high = high << digit_bits | low >> (64 - digit_bits);
        low <<= digit_bits;
        return digit;
    }
};

// Decodes the codes that start in the window. Entries are used whole while all of their codes are sure
// to start before the limit, and then one code at a time.
template <uint32_t TableBits, uint32_t Levels>
__device__ __forceinline__ Run decode_window(const Unit &unit, const Window &window, const uint32_t *table,
                                             uint32_t base) {
    Run run = {0, 0, 0, window.gap, true};
    while (run.end < window.limit) {
        const uint32_t bits = window.bits(run.end);
        const uint32_t entry = table[bits >> (32 - TableBits)];
        if (entry == 0) {
            const Symbol symbol = walk<Levels>(unit, bits);
            if (symbol.length == 0) break;
            const uint32_t digit = symbol.exponent - base;
            run.packed &= digit < digit_range;
            run.append(digit % digit_range, 1);
            run.end += symbol.length;
        } else if (run.end + TableBits <= window.limit) {
            run.append(entry_digits(entry, entry_count(entry)), entry_count(entry));
            run.end += entry_length(entry);
        } else {
            run.append(entry_digits(entry, 1), 1);
            run.end += entry_first_length(entry);
        }
    }
    run.packed &= run.count <= run_digits;
    return run;
}

// Counts the codes that start in the window, for any code book, and keeps none of them.
__device__ __forceinline__ Run count_window(const Unit &unit, const Window &window) {
    Run run = {0, 0, 0, window.gap, false};
    while (run.end < window.limit) {
        const Symbol symbol = walk<all_levels>(unit, window.bits(run.end));
        if (symbol.length == 0) break;
        run.count++;
        run.end += symbol.length;
    }
    return run;
}

}  // namespace bespoke
