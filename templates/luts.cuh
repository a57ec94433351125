// Decoding through the byte tables of the luts tensor: one symbol at a time, for any code book. The
// tables may hold anything; a walk through them stays inside and either advances or ends.
#pragma once

#include "stream.cuh"

namespace bespoke {

constexpr uint32_t row_bytes = 256;
constexpr uint32_t row_words = row_bytes / 4;
constexpr uint32_t max_tables = 17;
constexpr uint32_t max_symbol = 239;  // larger entries are links to other tables
constexpr uint32_t max_length = 32;
constexpr uint32_t max_levels = max_length / 8;

// One decoded code; a length of 0 says that there is none.
struct Symbol {
    uint32_t exponent;
    uint32_t length;
};

// The code at the top of `bits`.
__device__ __forceinline__ Symbol walk(const Unit &unit, uint32_t bits) {
    const Symbol none = {0, 0};
    const uint32_t tables = unit.n_luts - 1;  // wraps around for 0 and is refused
    if (tables == 0 || tables > max_tables) return none;
    uint32_t table = 0;
    for (uint32_t level = 0; level < max_levels; level++) {
        keep_loop();
        const uint32_t value = unit.luts[table * row_bytes + (bits << 8 * level >> 24)];
        if (value <= max_symbol) {
            const uint32_t length = unit.luts[tables * row_bytes + value];
            if (length > max_length) return none;
            return {value, length};
        }
        table = row_bytes - value;
        if (table >= tables) return none;
    }
    return none;
}

}  // namespace bespoke
