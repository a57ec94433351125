// The kernel: one block decodes one chunk, each thread one window.
//
//   1. Find out whose luts these are; fetch that book's table into shared memory.
//   2. Decode the window; the codes that start in it stay in registers as digits.
//   3. Prefix sum over the block: where the window's elements go.
//   4. Check that window and chunk end where the next ones start; put exponents into shared memory.
//   5. Join them with the sign_mantissa bytes, eight weights a step.
//
// Where no book matches, or shared memory has no room for its table, windows are walked through the
// luts tensor, once to count and once to write. Whatever the tensors hold, no access leaves them,
// every loop ends, and a chunk that does not add up comes out as NaN.
#pragma once

#include "books.cuh"
#include "lookup.cuh"
#include "merge.cuh"
#include "scan.cuh"

namespace bespoke {

// What the threads of a block share, apart from dynamic memory.
template <class Model>
struct BlockState {
    uint32_t differs[Model::books];
    uint32_t warp_sums[block_warps];
    uint32_t broken;  // some window does not end where the next one starts
};

// Whether the codes of a window end where they should, `first` elements of its chunk being before it.
__device__ __forceinline__ bool ends_right(const Unit &unit, const Chunk &chunk, const Window &window, const Run &run,
                                           uint32_t w, uint32_t first) {
    const uint32_t last = first + run.count;
    if (last < chunk.count || !chunk.last) {
        const uint32_t next = w + 1 < unit.chunks() * chunk_windows ? gap_of(unit, w + 1) : no_gap;
        return run.end == window_bits + next;
    }
    // Behind the last element of the unit the bits that fill up the stream may look like codes.
    const bool ends_unit = first < chunk.count && last == chunk.count;
    return !ends_unit || run.end <= window.available;
}

// Puts element i of a chunk into shared memory, or without room there straight into the output.
__device__ __forceinline__ void put(const Unit &unit, const Chunk &chunk, uint8_t *staging, uint32_t i,
                                    uint32_t exponent) {
    if (staging != nullptr)
        staging[group_lead(chunk) + i] = static_cast<uint8_t>(exponent);
    else
        unit.outputs[chunk.begin + i] = join(exponent, unit.sign_mantissa[chunk.begin + i]);
}

// Puts the elements of a window, `first` elements of its chunk being before it.
__device__ __forceinline__ void put_window(const Unit &unit, const Chunk &chunk, const Window &window, Run run,
                                           uint32_t base, uint8_t *staging, uint32_t first) {
    const uint32_t room = first < chunk.count ? chunk.count - first : 0;
    const uint32_t count = smaller(run.count, room);
    if (run.packed) {
        run.align();
        for (uint32_t i = 0; i < count; i++) put(unit, chunk, staging, first + i, base + run.take());
        return;
    }
    uint32_t at = window.gap;
    for (uint32_t i = 0; i < count && at < window.limit; i++) {
        const Symbol symbol = walk<all_levels>(unit, window.bits(at));
        put(unit, chunk, staging, first + i, symbol.exponent);
        at += symbol.length;
    }
}

// The whole work of a block; `state` lies in shared memory.
template <class Model>
__device__ __forceinline__ void decode_block(const Unit &unit, BlockState<Model> &state) {
    constexpr uint32_t table_entries = 1u << Model::table_bits;
    constexpr uint32_t table_bytes = 4 * table_entries;
    const uint32_t thread = thread_index(), block = block_index();
    if (block >= unit.chunks()) return;
    const Chunk chunk = find_chunk(unit, block);

    if (thread < Model::books) state.differs[thread] = 0;
    if (thread == 0) state.broken = 0;
    block_barrier();
    compare_books<Model>(unit, state.differs);
    block_barrier();
    const uint32_t b = matching_book<Model>(state.differs);

    uint32_t room = dynamic_shared_bytes();
    uint8_t *staging = dynamic_shared();
    const bool by_table = b < Model::books && staging_bytes(chunk) + table_bytes <= room;
    uint32_t *table = reinterpret_cast<uint32_t *>(staging);
    if (by_table) {
        for (uint32_t i = thread; i < table_entries; i += chunk_windows)
            table[i] = Model::table_entry(b * table_entries + i);
        staging += table_bytes;
        room -= table_bytes;
    }
    if (staging_bytes(chunk) > room) staging = nullptr;
    block_barrier();

    const uint32_t w = block * chunk_windows + thread;
    const Window window = load_window(unit, w);
    const uint32_t base = by_table ? Model::book(b).base : 0;
    const Run run = by_table ? decode_window<Model::table_bits, Model::levels>(unit, window, table, base)
                             : count_window(unit, window);
    uint32_t first = before_lane(run.count, state.warp_sums);
    block_barrier();
    first += sum_of_warps(state.warp_sums, thread / warp_threads);
    const uint32_t total = sum_of_warps(state.warp_sums, block_warps);

    if (!ends_right(unit, chunk, window, run, w, first)) state.broken = 1;
    put_window(unit, chunk, window, run, base, staging, first);
    block_barrier();

    const bool adds_up = chunk.last ? total >= chunk.count : total == chunk.count;
    if (!adds_up || state.broken != 0)
        poison_chunk(unit, chunk);
    else if (staging != nullptr)
        merge_chunk(unit, chunk, staging);
}

}  // namespace bespoke
