// Decoding through the byte tables of the luts tensor: one symbol at a time, for any code book. The
// tables may hold anything; a walk through them stays inside and either advances or ends.
//
// Entries that no code reaches are not marked: encoders repeat the entry before them there, at the
// start of a table the last one of the table before. Every symbol and every link stands for one code,
// so a repetition behind its own place is known for what it is, and a symbol in a table for codes of
// other lengths too.
#pragma once

#include "stream.cuh"

namespace bespoke {

constexpr uint32_t row_bytes = 256;
constexpr uint32_t row_words = row_bytes / 4;
constexpr uint32_t max_tables = 17;
constexpr uint32_t max_symbol = 239;  // larger entries are links to other tables
constexpr uint32_t max_levels = 4;     // of 8 bits each
constexpr uint32_t max_length = 8 * max_levels;

// One decoded code; a length of 0 says that there is none.
struct Symbol {
    uint32_t exponent;
    uint32_t length;
};

// Whether entry i of the tables, a symbol whose code has `length` bits, belongs to that code and does
// not only repeat it. The table looks up the 8 bits from bit `from` of a code on.
__device__ __forceinline__ bool is_of_code(const Unit &unit, uint32_t i, uint32_t from, uint32_t length) {
    if (length <= from || length > from + 8) return false;
    const uint32_t span = 1u << (from + 8 - length), first = i & (0 - span);
    const uint8_t *entries = unit.luts + first, symbol = unit.luts[i];
    if (entries[0] != symbol || entries[span - 1] != symbol) return false;
    return first < span || *(entries - 1) != symbol || *(entries - span) != symbol;
}

// The length of the code of a symbol, 0 for a link, and where the number of tables is none that can be.
__device__ __forceinline__ uint32_t code_length(const Unit &unit, uint32_t symbol) {
    const uint32_t tables = unit.n_luts - 1;  // wraps around for 0 and is refused
    return symbol <= max_symbol && tables - 1 < max_tables ? unit.luts[tables * row_bytes + symbol] : 0;
}

// The code at the top of `bits`.
__device__ __forceinline__ Symbol walk(const Unit &unit, uint32_t bits) {
    const Symbol none = {0, 0};
    const uint32_t tables = unit.n_luts - 1;  // wraps around for 0 and is refused
    if (tables == 0 || tables > max_tables) return none;
    uint32_t table = 0;
    for (uint32_t level = 0; level < max_levels; level++) {
        keep_loop();
        const uint32_t i = table * row_bytes + (bits << 8 * level >> 24), value = unit.luts[i];
        if (value <= max_symbol) {
            const Symbol symbol = {value, code_length(unit, value)};
            return is_of_code(unit, i, 8 * level, symbol.length) ? symbol : none;
        }
        table = row_bytes - value;
        if (table >= tables || (i > 0 && unit.luts[i - 1] == value)) return none;
    }
    return none;
}

}  // namespace bespoke
