// The model that the kernels are cut for, as the device code knows it, from the ModelPart of decode.cu.tmpl.
#pragma once

#include "build.cuh"

namespace bespoke {

constexpr uint32_t max_books = 8;
constexpr uint32_t n_books = sizeof(ModelPart::code_books) / sizeof(ModelPart::CodeBook);
static_assert(n_books <= max_books, "Model::number tells no more");

// The first row of book b among the rows of all books.
__device__ constexpr uint32_t first_row(uint32_t b) {
    return b == 0 ? 0 : first_row(b - 1) + ModelPart::code_books[b - 1].rows;
}

__device__ constexpr uint32_t largest_rows() {
    uint32_t most = 0;
    for (uint32_t b = 0; b < n_books; b++)
        if (ModelPart::code_books[b].rows > most) most = ModelPart::code_books[b].rows;
    return most;
}

constexpr uint32_t all_rows = first_row(n_books), most_rows_of_books = largest_rows();

__device__ constexpr Luts<all_rows> all_luts() {
    Luts<all_rows> luts = {};
    for (uint32_t b = 0; b < n_books; b++) build_luts(luts, first_row(b), ModelPart::code_books[b]);
    return luts;
}

__device__ constexpr Tables<n_books, ModelPart::table_bits> all_tables() {
    Tables<n_books, ModelPart::table_bits> tables = {};
    for (uint32_t b = 0; b < n_books; b++) build_table<ModelPart::entry_digits>(tables, b, ModelPart::code_books[b]);
    return tables;
}

__device__ constexpr bool checksums_agree() {
    const auto luts = all_luts();
    const auto tables = all_tables();
    for (uint32_t b = 0; b < n_books; b++) {
        const uint32_t rows = ModelPart::code_books[b].rows;
        if (checksum(luts, first_row(b), rows, tables, b) != ModelPart::code_books[b].checksum) return false;
    }
    return true;
}

static_assert(checksums_agree(), "the compiler has not made the luts and tables that the generator has");

// What is known of each code book, see Book.
struct Books {
    Words4 fields[n_books];
};

__device__ constexpr Books all_books() {
    Books books = {};
    for (uint32_t b = 0; b < n_books; b++) {
        const ModelPart::CodeBook &book = ModelPart::code_books[b];
        books.fields[b] = {{book.rows, first_row(b), book.base, book.pad}};
    }
    return books;
}

static __device__ Luts<all_rows> book_luts = all_luts();
static __device__ Books books = all_books();
static __device__ Tables<n_books, ModelPart::table_bits> book_tables = all_tables();

// The sum of the probes that tells book b from those before it; no sum is as large as that of a book that is not there,
// or is one of those.
__device__ constexpr uint64_t sum_of(uint32_t b) {
    const uint64_t none = 1ull << 32 | b;
    if (b >= n_books) return none;
    for (uint32_t i = 0; i < b; i++)
        if (ModelPart::code_books[i].sum == ModelPart::code_books[b].sum) return none;
    return ModelPart::code_books[b].sum;
}

// The sum of the probes from number I on in luts whose last word has this number.
template <uint32_t I = 0>
__device__ __forceinline__ uint32_t probe([[maybe_unused]] const uint32_t *luts, [[maybe_unused]] uint32_t last) {
    if constexpr (ModelPart::probes[I].factor == 0) {
        return 0;
    } else {
        constexpr ModelPart::Probe own = ModelPart::probes[I];
        return own.factor * luts[smaller(own.word, last)] + probe<I + 1>(luts, last);
    }
}

// The model, and the threads of a block.
template <uint32_t Threads>
struct Model : ModelPart {
    static constexpr uint32_t threads = Threads;
    static constexpr uint32_t most_rows = most_rows_of_books;

    __device__ __forceinline__ Book book([[maybe_unused]] uint32_t b) const {
        if constexpr (n_books == 1) {
            return {code_books[0].rows, 0, code_books[0].base, code_books[0].pad};
        } else {
            Words4 fields;
            copy(fields, books.fields[b]);
            return {fields.words[0], fields.words[1], fields.words[2], fields.words[3]};
        }
    }

    // The book that has these luts, which are aligned, if any has.
    __device__ __forceinline__ uint32_t number([[maybe_unused]] const Unit &unit) const {
        if constexpr (n_books == 1) {
            return 0;
        } else {
            if (unit.n_luts - 1 >= most_rows) return 0;
            const uint32_t *luts = reinterpret_cast<const uint32_t *>(unit.luts), last = unit.n_luts * row_words - 1;
            switch (uint64_t{unit.n_luts + probe(luts, last)}) {
            case sum_of(1): return 1;
            case sum_of(2): return 2;
            case sum_of(3): return 3;
            case sum_of(4): return 4;
            case sum_of(5): return 5;
            case sum_of(6): return 6;
            case sum_of(7): return 7;
            default: return 0;
            }
        }
    }

    __device__ __forceinline__ const uint32_t *luts(uint32_t i) const { return book_luts.words + i; }
    __device__ __forceinline__ const Words4 *table(uint32_t i) const {
        return reinterpret_cast<const Words4 *>(book_tables.words) + i / 4;
    }
};

}  // namespace bespoke
