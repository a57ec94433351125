// The code books that the kernel was cut for. The kernel is handed the luts of a unit and decodes by a
// book's own table only when they are that book's luts, byte for byte.
#pragma once

#include "luts.cuh"

namespace bespoke {

// What is known of a code book, apart from its tables.
struct Book {
    uint32_t rows;   // rows of its luts tensor
    uint32_t first;  // index of the first of them among the rows of all books
    uint32_t base;   // the exponent of digit 0
};

constexpr uint32_t row_words = row_bytes / 4;

// Four bytes of the luts tensor, first byte lowest.
__device__ __forceinline__ uint32_t luts_word(const Unit &unit, uint32_t i) {
    const uint8_t *p = unit.luts + 4 * i;
    if (is_aligned(unit.luts, 4)) return *reinterpret_cast<const uint32_t *>(p);
    return p[0] | p[1] << 8 | p[2] << 16 | static_cast<uint32_t>(p[3]) << 24;
}

// Sets differs[book] for every book whose luts are not those of the unit; entries start out 0. All
// threads of the block take part, and each looks at its share of the bytes.
template <class Model>
__device__ __forceinline__ void compare_books(const Unit &unit, uint32_t *differs) {
    for (uint32_t b = 0; b < Model::books; b++) {
        const Book book = Model::book(b);
        bool same = unit.n_luts == book.rows;
        for (uint32_t i = thread_index(); same && i < book.rows * row_words; i += chunk_windows)
            same = luts_word(unit, i) == Model::luts_word(book.first * row_words + i);
        if (!same) differs[b] = 1;
    }
}

// The book of the unit after compare_books and a barrier, Model::books when it is none of them.
template <class Model>
__device__ __forceinline__ uint32_t matching_book(const uint32_t *differs) {
    uint32_t b = 0;
    while (b < Model::books && differs[b] != 0) b++;
    return b;
}

}  // namespace bespoke
