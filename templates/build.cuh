// What the kernels look up of a model's code books, made from their codes while the source is compiled. A `CodeBook` is
// what decode.cu.tmpl says of one.
#pragma once

#include "books.cuh"
#include "table.cuh"

namespace bespoke {

// The luts tensors of code books, one after another, first byte lowest.
template <uint32_t Rows>
struct Luts {
    uint32_t words[Rows * row_words];
};

// Their multi-symbol tables, one after another.
template <uint32_t Books, uint32_t Bits>
struct __attribute__((aligned(16))) Tables {
    uint32_t words[Books << Bits];
};

// The bits of a code at the top of a word.
template <class Code>
__device__ constexpr uint32_t window_of(const Code &code) {
    return code.bits << (32 - code.length);
}

// Writes the luts of a book from row `first` on, where there are zeros: a table for every beginning of 8, 16 or 24 bits
// of longer codes, behind the one for the first 8 bits of all, and the row of the lengths. Entries that no code
// reaches repeat the one before them.
template <uint32_t Rows, class CodeBook>
__device__ constexpr void build_luts(Luts<Rows> &luts, uint32_t first, const CodeBook &book) {
    const uint32_t begin = first * row_bytes, lengths = begin + (book.rows - 1) * row_bytes;
    uint32_t at = begin, table = 0, links = 0, value = 0;
    for (uint32_t level = 0; level < max_levels; level++) {
        const uint32_t from = 8 * level;      // the bits before it lead to a table
        uint64_t to_table = 0, to_link = 0;  // those bits of the code before, with a one before them
        for (uint32_t i = 0; i < book.n_codes; i++) {
            if (book.codes[i].length <= from) continue;
            const uint64_t window = 1ull << 32 | window_of(book.codes[i]);
            if (level > 0 && window >> (32 - from) != to_table) table++;
            to_table = window >> (32 - from);
            const uint32_t entry = begin + table * row_bytes + (window >> (24 - from) & 255);
            for (; at < entry; at++) luts.words[at / 4] |= value << at % 4 * 8;
            value = book.codes[i].exponent;
            if (book.codes[i].length <= from + 8) continue;
            if (window >> (24 - from) != to_link) links++;
            to_link = window >> (24 - from);
            value = row_bytes - links;
        }
    }
    for (; at < lengths; at++) luts.words[at / 4] |= value << at % 4 * 8;
    for (uint32_t i = 0; i < book.n_codes; i++) {
        const uint32_t entry = lengths + book.codes[i].exponent;
        luts.words[entry / 4] |= book.codes[i].length << entry % 4 * 8;
    }
    for (uint32_t i = 0; i < 4; i++) luts.words[(first + book.rows) * row_words - 4 + i] = book.tag[i];
}

// Writes table number b, whose entries have at most so many digits, where there are zeros. Behind the first code of a
// window lies a narrower window, for one digit less, whose entry is known: so a word costs one statement. Compilers
// interpret a few hundred thousand of them a second, and clang no more than 2^20.
template <uint32_t Digits, uint32_t Books, uint32_t Bits, class CodeBook>
__device__ constexpr void build_table(Tables<Books, Bits> &tables, uint32_t b, const CodeBook &book) {
    uint32_t *const table = tables.words + (b << Bits);
    uint32_t shortest = max_length;
    for (uint32_t i = 0; i < book.n_codes; i++) {
        const uint32_t length = book.codes[i].length;
        // With a pad that is a code nothing would tell where a window of the stream ends: no lookup tells anything.
        if ((book.pad ^ window_of(book.codes[i])) >> (32 - length) == 0) return;
        if (length < shortest) shortest = length;
    }
    // Of windows of k bits, from index 1 << k on, the entries of at most n digits, without escapes.
    uint32_t known[Digits][2 << Bits] = {};
    for (uint32_t n = 1; n <= Digits; n++) {
        for (uint32_t k = n < Digits ? 1 : Bits; k + (Digits - n) * shortest <= Bits; k++) {
            uint32_t *const entries = n < Digits ? known[n] + (1 << k) : table;
            for (uint32_t i = 0; i < book.n_codes; i++) {
                const uint32_t length = book.codes[i].length, distance = book.codes[i].exponent - book.base;
                if (length > k || distance >= digit_range) continue;
                const uint32_t own = entry_of(digit_of(distance), length), windows = 1u << (k - length);
                const uint32_t *const rest = known[n - 1] + windows;
                uint32_t *const to = entries + (book.codes[i].bits << (k - length));
                for (uint32_t j = 0; j < windows; j++)
                    to[j] = own + (rest[j] >> 12 << (12 - digit_bits)) + (rest[j] & 0xfff);
            }
        }
    }
    for (uint32_t i = 0; i < book.n_codes; i++) {
        const uint32_t length = book.codes[i].length, exponent = book.codes[i].exponent;
        if (length > Bits || exponent - book.base < digit_range) continue;
        uint32_t *const to = table + (book.codes[i].bits << (Bits - length));
        for (uint32_t j = 0; j < 1u << (Bits - length); j++) to[j] = escape_of({exponent, length});
    }
}

// The checksum of a book's luts and then its table, FNV-1a by words.
template <uint32_t Rows, uint32_t Books, uint32_t Bits>
__device__ constexpr uint64_t checksum(const Luts<Rows> &luts, uint32_t first, uint32_t rows,
                                       const Tables<Books, Bits> &tables, uint32_t b) {
    uint64_t sum = 0xcbf29ce484222325;
    for (uint32_t i = first * row_words; i < (first + rows) * row_words; i++)
        sum = (sum ^ luts.words[i]) * 0x100000001b3;
    for (uint32_t i = b << Bits; i < (b + 1) << Bits; i++)
        sum = (sum ^ tables.words[i]) * 0x100000001b3;
    return sum;
}

}  // namespace bespoke
