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

// Whether this thread's share of the luts differs from the book's; the threads of the block look at
// all of them together. The book has as many rows as the unit, and the luts are aligned.
template <class Model>
__device__ __forceinline__ bool differs(const Unit &unit, const Model &model, const Book &book) {
    const uint32_t words = book.rows * row_words, *own = model.luts(book.first * row_words);
    const uint32_t *luts = reinterpret_cast<const uint32_t *>(unit.luts);
    bool found = false;
#pragma unroll
    for (uint32_t first = 0; first < (max_tables + 1) * row_words; first += Model::threads) {
        if (first >= words) break;
        const uint32_t i = smaller(first + thread_index(), words - 1);
        found |= luts[i] != own[i];
    }
    return found;
}

// Fetches the multi-symbol table of a book; all threads of the block take part, and have a barrier afterwards.
template <class Model>
__device__ __forceinline__ void fetch_table(const Model &model, uint32_t number, uint32_t *table) {
    constexpr uint32_t words = 1u << Model::table_bits, steps = words / 4 / Model::threads;
    static_assert(steps > 0, "every thread fetches a part");
    const Words4 *from = model.table(number * words) + thread_index();
    Words4 *to = reinterpret_cast<Words4 *>(table) + thread_index();
#pragma unroll
    for (uint32_t i = 0; i < steps; i++) copy(to[i * Model::threads], from[i * Model::threads]);
}

// Fetches the table of the first book, and says whether its luts are the unit's, which are aligned; all threads of the
// block take part, and there is a barrier behind.
template <class Model>
__device__ __forceinline__ bool is_first_book(const Unit &unit, const Model &model, uint32_t *table) {
    const Book book = model.book(0);
    bool other = true;
    if (unit.n_luts == book.rows) other = differs(unit, model, book);
    fetch_table(model, 0, table);
    return !block_any(other);
}

// The same for any other book, which it finds.
template <class Model>
__device__ __forceinline__ bool find_other_book(const Unit &unit, const Model &model, Book &book, uint32_t *table) {
    mark_rare();
    for (uint32_t number = 1; number < Model::books; number++) {
        keep_loop();
        book = model.book(number);
        if (unit.n_luts != book.rows || block_any(differs(unit, model, book))) continue;
        fetch_table(model, number, table);
        block_barrier();
        return true;
    }
    return false;
}

}  // namespace bespoke
