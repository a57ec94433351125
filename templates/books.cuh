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

// This thread's share of what tells whose luts a unit has, and of the book's multi-symbol table: all that the threads
// of a block fetch of a book together. The luts are aligned.
template <class Model>
struct BookParts {
    static constexpr uint32_t luts_steps = (Model::most_rows * row_words - 1) / Model::threads + 1;
    static constexpr uint32_t words = 1u << Model::table_bits, table_steps = words / 4 / Model::threads;
    static_assert(table_steps > 0, "every thread fetches a part");

    uint32_t different;
    Words4 table[table_steps];

    // Part i of the table. Blocks that start together begin with different ones, so that not all of them wait for the
    // same line of memory at the same time.
    static __device__ __forceinline__ uint32_t part(uint32_t i) {
        return (thread_index() + block_index() * warp_threads) % Model::threads + i * Model::threads;
    }

    // Fetches the parts, with every load under way before the first is waited for.
    __device__ __forceinline__ void fetch(const Unit &unit, const Model &model, uint32_t number, const Book &book) {
        const Words4 *from = model.table(number * words) + part(0);
#pragma unroll
        for (uint32_t i = 0; i < table_steps; i++) copy(table[i], from[i * Model::threads]);
        different = unit.n_luts != book.rows;
        if (different) return;
        const uint32_t size = book.rows * row_words, *own = model.luts(book.first * row_words);
        const uint32_t *luts = reinterpret_cast<const uint32_t *>(unit.luts);
#pragma unroll
        for (uint32_t i = 0; i < luts_steps; i++) {
            const uint32_t at = smaller(i * Model::threads + thread_index(), size - 1);
            different |= luts[at] ^ own[at];
        }
    }

    // Puts the table into shared memory; the caller has a barrier afterwards.
    __device__ __forceinline__ void store(uint32_t *to) const {
#pragma unroll
        for (uint32_t i = 0; i < table_steps; i++)
            copy(reinterpret_cast<Words4 *>(to)[part(i)], table[i]);
    }

    // Whether its part of the luts is not the book's.
    __device__ __forceinline__ bool differs() const { return different != 0; }
};

}  // namespace bespoke
