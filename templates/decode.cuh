// The kernels' body: one block decodes one chunk, each thread one window or two.
//
//   1. Find out whose luts these are; fetch that book's table into shared memory.
//   2. Decode the window into digits that stay in registers.
//   3. Prefix sum over the block: where the window's elements go.
//   4. Put the digits into shared memory, in the order of the elements.
//   5. Join them with the sign_mantissa bytes, eight weights a step.
//
// What step 2 cannot express in digits is written last, code by code, over what step 5 wrote: windows
// with exponents outside the book's run or with more than 32 codes, and the last two of the stream.
// Where no book matches, or shared memory has no room, all windows are, through the luts tensor.
// Whatever the tensors hold, no access leaves them, every loop ends, and a chunk that does not add up
// comes out as NaN.
#pragma once

#include "merge.cuh"
#include "scan.cuh"
#include "slow.cuh"

namespace bespoke {

// What the threads of a block share, apart from dynamic memory.
template <uint32_t Threads>
struct BlockState {
    WarpSums<Threads> sums;
    uint32_t found;  // what the threads found, a set of bits
};

// Finds the book of the unit and fetches its table; all threads of the block take part, and there is a
// barrier behind. Says false where no book has the luts of the unit.
template <class Model>
__device__ __forceinline__ bool find_book(const Unit &unit, Book &book, uint32_t *table) {
    constexpr uint32_t words = 1u << Model::table_bits, step = 4 * Model::threads;
#pragma unroll
    for (uint32_t b = 0; b < Model::books; b++) {
        book = Model::book(b);
        if (unit.n_luts != book.rows) continue;
        const bool other = differs<Model>(unit, book);
#pragma unroll
        for (uint32_t i = 0; i < words; i += step) {
            const uint32_t at = i + 4 * thread_index();
            if (words % step == 0 || at < words)
                *reinterpret_cast<Words4 *>(table + at) = Model::table_entries(b * words + at);
        }
        if (!block_any(other)) return true;
    }
    block_barrier();
    return false;
}

// The whole work of a block; `state` lies in shared memory.
template <class Model>
__device__ __forceinline__ void decode_block(const Unit &unit, BlockState<Model::threads> &state) {
    constexpr uint32_t threads = Model::threads, windows = chunk_windows / threads;
    constexpr uint32_t table_words = 1u << Model::table_bits;
    const uint32_t thread = thread_index(), block = block_index();
    if (block >= unit.chunks()) return;
    const Chunk chunk = find_chunk(unit, block);
    uint32_t *table = dynamic_shared(), *stage = table + table_words;

    static_assert(threads > WarpSums<threads>::size, "a thread for every word of the state");
    if (thread < WarpSums<threads>::size) state.sums.before[thread] = 0;
    if (thread == threads - 1) state.found = 0;
    const bool room = 4 * (table_words + stage_words(chunk)) <= dynamic_shared_bytes();
    if (room) clear_stage<threads>(stage, chunk);
    Book book = {0, 0, 0, 0};
    bool by_table = false;
    if (room)
        by_table = find_book<Model>(unit, book, table);
    else
        block_barrier();

    // Decode.
    const uint32_t w = block * chunk_windows + thread * windows;
    Digits digits[windows];
    uint32_t counts[windows] = {}, count = 0, found = 0;
    if (by_table) {
        Span<windows> span;
        const bool inside = (block + 1) * chunk_bytes + window_bytes < unit.n_bytes;
        if (inside && is_aligned(unit.codes, windows * window_bytes) && is_aligned(unit.gaps, 4))
            span = load_span<windows>(unit, w);
        else
            span = load_span_anywhere<windows>(unit, opaque(w));
#pragma unroll
        for (uint32_t i = 0; i < windows; i++)
            counts[i] = decode_window<Model::table_bits, Model::lookups>(span.words + 2 * i, span.gaps[i],
                                                                         span.lengths[i], book.pad, table, digits[i]);
    }
#pragma unroll
    for (uint32_t i = 0; i < windows; i++) {
        if (counts[i] == 0) {
            const Source from = {unit, table, book.base, book.pad, by_table};
            counts[i] = decode_slowly<Model::table_bits>(from, opaque(w) + i, digits[i], found);
        }
        count += counts[i];
    }
    Merge<threads> merge(unit, chunk);
    merge.fetch_ahead();

    // Where the digits go.
    const uint32_t up_to_lane = state.sums.up_to_lane(count);
    if (found != 0) atomic_or(&state.found, found);
    block_barrier();
    const uint32_t more = state.sums.before[WarpSums<threads>::warps] - chunk.count;
    if (more > (chunk.last ? surplus : 0)) {
        fail_chunk<threads>(unit, chunk, element_count);
        return;
    }
    const uint32_t end = state.sums.before[thread / warp_threads] + up_to_lane;
    if (by_table) {
#pragma unroll
        for (uint32_t i = 0, last = group_lead(chunk) + end - count; i < windows; i++)
            put_digits(stage, digits[i], last += counts[i]);
    }
    block_barrier();
    const uint32_t all_found = state.found;
    if ((all_found & ~window_left) != 0) {
        fail_chunk<threads>(unit, chunk, all_found & ~window_left);
        return;
    }
    if (by_table) merge.write(stage, book.base);
    if (all_found == 0) return;

    // What is left.
    block_barrier();
    if (found != 0) {
        const Source from = {unit, table, book.base, book.pad, by_table};
        uint32_t wrong = 0, first = end - count;
        for (uint32_t i = 0; i < windows; i++) {
            keep_loop();
            wrong |= write_slowly<Model::table_bits>(from, chunk, opaque(w) + i, first);
            first += counts[0];
        }
        if (wrong != 0) atomic_or(&state.found, wrong);
    }
    block_barrier();
    const uint32_t wrong = state.found & ~window_left;
    if (wrong != 0) fail_chunk<threads>(unit, chunk, wrong);
}

}  // namespace bespoke
