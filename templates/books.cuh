// The code books that the kernel was cut for. The kernel is handed the luts of a unit and decodes by a
// book's own table only when they are that book's luts, byte for byte.
#pragma once

#include "luts.cuh"

namespace bespoke {

// What is known of a code book, apart from its tables.
struct Book {
    uint32_t rows;   // rows of its luts tensor
    uint32_t first;  // index of the first of them among the rows of all books
    uint32_t base;   // the exponent of digit 0, even
    uint32_t pad;    // begins with bits that complete no symbol, however many follow
};

// Four bytes of the luts tensor, first byte lowest.
__device__ __forceinline__ uint32_t luts_word(const Unit &unit, uint32_t i) {
    const uint8_t *p = unit.luts + 4 * i;
    return p[0] | p[1] << 8 | p[2] << 16 | static_cast<uint32_t>(p[3]) << 24;
}

// Whether this thread's share of the luts differs from the book's; the threads of the block look at
// all of them together. The book has as many rows as the unit.
template <class Model>
__device__ __forceinline__ bool differs(const Unit &unit, const Model &model, const Book &book) {
    const uint32_t words = book.rows * row_words, *own = model.luts(book.first * row_words);
    bool found = false;
    if (words <= 2 * Model::threads && is_aligned(unit.luts, 4)) {
        const uint32_t *luts = reinterpret_cast<const uint32_t *>(unit.luts);
        for (uint32_t first = 0; first < words; first += Model::threads) {
            const uint32_t i = smaller(first + thread_index(), words - 1);
            found |= luts[i] != own[i];
        }
        return found;
    }
    mark_rare();
    for (uint32_t i = thread_index(); i < words; i += Model::threads) {
        keep_loop();
        found |= luts_word(unit, i) != own[i];
    }
    return found;
}

}  // namespace bespoke
