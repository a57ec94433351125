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

    static constexpr uint32_t words = WarpSums<Threads>::size + 1;

    // Has sums start from n; the caller has a barrier afterwards.
    __device__ __forceinline__ void start(uint32_t n) {
        static_assert(sizeof(BlockState) == 4 * words && words <= Threads, "one thread sets one word");
        const uint32_t i = thread_index();
        if (i < words) reinterpret_cast<uint32_t *>(this)[i] = i == words - 1 ? 0 : n;
    }
};

// Finds the book of the unit and fetches its table; all threads of the block take part, and there is a
// barrier behind. Says false where no book has the luts of the unit.
template <class Model>
__device__ __forceinline__ bool find_book(const Unit &unit, const Model &model, Book &book, uint32_t *table) {
    constexpr uint32_t words = 1u << Model::table_bits, steps = words / 4 / Model::threads;
    static_assert(steps > 0, "every thread fetches a part");
#pragma unroll
    for (uint32_t b = 0; b < Model::books; b++) {
        book = model.book(b);
        if (unit.n_luts != book.rows) {
            mark_rare();
            continue;
        }
        const bool other = differs(unit, model, book);
        const Words4 *from = model.table(b * words) + thread_index();
        Words4 *to = reinterpret_cast<Words4 *>(table) + thread_index();
#pragma unroll
        for (uint32_t i = 0; i < steps; i++) copy(to[i * Model::threads], from[i * Model::threads]);
        if (!block_any(other)) return true;
        mark_rare();
    }
    mark_rare();
    block_barrier();
    return false;
}

// Where the elements of a thread's windows go: the number of the last one and one more, counted from
// where the sums of the state start; all threads of the block take part. Says false when there are not
// as many elements as the chunk has.
template <uint32_t Threads>
__device__ __forceinline__ bool place_elements(const Chunk &chunk, BlockState<Threads> &state, uint32_t start,
                                               uint32_t count, uint32_t found, uint32_t &end) {
    const uint32_t up_to_lane = state.sums.up_to_lane(count);
    if (found != 0) {
        mark_rare();
        atomic_or(&state.found, found);
    }
    block_barrier();
    end = state.sums.before[thread_index() / warp_threads] + up_to_lane;
    const uint32_t total = state.sums.before[WarpSums<Threads>::warps];
    if (total == start + chunk.count) return true;
    mark_rare();
    return chunk.last && total - start - chunk.count <= surplus;
}

// Writes the windows that are left; all threads of the block take part. This thread's first one, w, has
// count elements, and `first` elements of the chunk are before it.
template <uint32_t TableBits, uint32_t Threads>
__device__ __forceinline__ void write_left(const Source &from, const Chunk &chunk, BlockState<Threads> &state,
                                           uint32_t w, uint32_t count, uint32_t first, bool left) {
    constexpr uint32_t windows = chunk_windows / Threads;
    mark_rare();
    block_barrier();
    if (left) {
        uint32_t wrong = 0;
        for (uint32_t i = 0; i < windows; i++) {
            keep_loop();
            wrong |= write_slowly<TableBits>(from, chunk, w + i, first);
            first += count;
        }
        if (wrong != 0) atomic_or(&state.found, wrong);
    }
    block_barrier();
    const uint32_t wrong = state.found & ~window_left;
    if (wrong != 0) fail_chunk<Threads>(from.unit, chunk, wrong);
}

// Decodes a chunk whose book is none of the kernel's, or for which shared memory has no room.
template <uint32_t Threads>
__device__ __forceinline__ void decode_by_luts(const Unit &unit, const Chunk &chunk, BlockState<Threads> &state,
                                               uint32_t start, uint32_t w) {
    constexpr uint32_t windows = chunk_windows / Threads;
    mark_rare();
    const Source from = {unit, nullptr, 0, 0};
    uint32_t counts[windows], count = 0, found = 0, end;
#pragma unroll
    for (uint32_t i = 0; i < windows; i++) {
        Digits digits;
        counts[i] = decode_slowly<0>(from, w + i, digits, found);
        count += counts[i];
    }
    if (!place_elements(chunk, state, start, count, found, end))
        fail_chunk<Threads>(unit, chunk, (state.found & ~window_left) | element_count);
    else
        write_left<0>(from, chunk, state, w, counts[0], end - start - count, true);
}

// The whole work of a block; `state` lies in shared memory.
template <class Model>
__device__ __forceinline__ void decode_block(const Unit &unit, const Model &model, BlockState<Model::threads> &state) {
    constexpr uint32_t threads = Model::threads, windows = chunk_windows / threads;
    constexpr uint32_t table_words = 1u << Model::table_bits;
    const uint32_t block = block_index();
    if (block >= unit.chunks()) return;
    const Chunk chunk = find_chunk(unit, block);
    const uint32_t start = group_lead(chunk), w = block * chunk_windows + thread_index() * windows;
    uint32_t *table = dynamic_shared(), *stage = table + table_words;
    state.start(start);
    if (4 * (table_words + stage_words(chunk)) > dynamic_shared_bytes()) {
        block_barrier();
        return decode_by_luts<threads>(unit, chunk, state, start, opaque(w));
    }
    clear_stage<threads>(stage, chunk);
    Book book;
    if (!find_book(unit, model, book, table)) return decode_by_luts<threads>(unit, chunk, state, start, opaque(w));

    // Decode.
    Span<windows> span;
    const bool inside = (block + 1) * chunk_bytes + window_bytes < unit.n_bytes;
    if (inside && is_aligned(unit.codes, windows * window_bytes) && is_aligned(unit.gaps, 4))
        span = load_span<windows>(unit, w);
    else
        span = load_span_anywhere<windows>(unit, opaque(w));
    const Source from = {unit, table, book.base, book.pad};
    Digits digits[windows];
    uint32_t counts[windows], count = 0, found = 0, end;
#pragma unroll
    for (uint32_t i = 0; i < windows; i++) {
        if (!decode_window<Model::table_bits, Model::lookups>(span.words + 2 * i, span.gaps[i], span.lengths[i],
                                                              book.pad, table, digits[i], counts[i]))
            counts[i] = decode_slowly<Model::table_bits>(from, opaque(w) + i, digits[i], found);
        count += counts[i];
    }
    Merge<threads> merge(unit, chunk);
    merge.fetch();

    // Put the digits in order.
    if (!place_elements(chunk, state, start, count, found, end))
        return fail_chunk<threads>(unit, chunk, (state.found & ~window_left) | element_count);
    const uint32_t first = end - start - count;
#pragma unroll
    for (uint32_t i = windows; i > 0; end -= counts[--i]) put_digits(stage, digits[i - 1], end);
    block_barrier();
    const uint32_t all_found = state.found;
    if ((all_found & ~window_left) != 0) return fail_chunk<threads>(unit, chunk, all_found & ~window_left);

    merge.write(stage, book.base);
    if (all_found != 0)
        write_left<Model::table_bits>(from, chunk, state, opaque(w), counts[0], opaque(first), found != 0);
}

}  // namespace bespoke
