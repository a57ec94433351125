// The kernels' body: one block decodes one chunk, each thread one window or two.
//
//   1. Fetch the table of the book that has these luts into shared memory.
//   2. Decode the window into digits that stay in registers.
//   3. Prefix sum over the block: where the window's elements go.
//   4. Put the digits into shared memory, in the order of the elements.
//   5. Join them with the sign_mantissa bytes, eight weights a step.
//
// A window that lookups do not decode is finished in step 2 and, where need be, seen to once more in the end, see
// finish.cuh. All windows are written code by code, through the luts tensor, where no book matches, tensors are not
// aligned, shared memory has no room, or the chunk has hardly any elements.
// Whatever the tensors hold, no access leaves them, every loop ends, and a chunk that does not add up
// comes out as NaN.
#pragma once

#include "finish.cuh"
#include "merge.cuh"
#include "scan.cuh"

namespace bespoke {

// What is wrong with a chunk, whose windows' numbers of elements stand in the state; 0 if nothing is.
template <uint32_t Threads>
__device__ __forceinline__ uint32_t fault(const Chunk &chunk, const BlockState<Threads> &state) {
    const uint32_t more = codes_of(state.elements.total()) - chunk.count;
    return state.found | (more == 0 || (chunk.last && more <= surplus) ? 0 : element_count);
}

// Sees to this thread's windows, the first of which is w; all threads of the block take part. `first` elements of the
// chunk are before them.
template <uint32_t TableBits, uint32_t Threads>
__device__ __forceinline__ void see_to_windows(const Source &from, const Chunk &chunk, BlockState<Threads> &state,
                                               uint32_t w, const uint32_t *counts, uint32_t first) {
    constexpr uint32_t windows = chunk_windows / Threads;
    mark_rare();
    block_barrier();
    uint32_t count = counts[0];
    for (uint32_t i = 0; i < windows; i++) {
        keep_loop();
        if (count >= unfinished) {
            const uint32_t own = opaque(w) + i;
            const uint32_t wrong = see_to_window<TableBits>(from, chunk, state.outliers, own, count, first);
            if (wrong != 0) atomic_or(&state.found, wrong);
        }
        first += codes_of(count);
        count = counts[windows - 1];  // there are no more than two
    }
    if (!from.unit.has_tail(w / chunk_windows)) return;  // nothing else is found so late
    block_barrier();
    if (state.found != 0) fail_chunk<Threads>(from.unit, chunk, state.found);
}

// Decodes a chunk code by code, with no more shared memory than the threads need to tell each other something.
template <uint32_t Threads>
__device__ __forceinline__ void decode_by_luts(const Unit &unit, uint32_t w) {
    constexpr uint32_t windows = chunk_windows / Threads;
    mark_rare();
    const Chunk chunk = find_chunk(unit, w / chunk_windows);
    BlockState<Threads> &state = *reinterpret_cast<BlockState<Threads> *>(dynamic_shared());
    block_barrier();  // nobody is busy with a table that was here
    if (thread_index() < sizeof state / 4) dynamic_shared()[thread_index()] = 0;
    block_barrier();
    const Source from = {unit, nullptr, 0, 0};
    uint32_t counts[windows], count = 0;
#pragma unroll
    for (uint32_t i = 0; i < windows; i++) count += counts[i] = only_counted + count_slowly(from, w + i, state.found);
    const SharedPlace sums(&state.elements);
    const uint32_t before = state.elements.template add<0>(sums, count) - count;
    block_barrier();
    const uint32_t wrong = fault(chunk, state);
    if (wrong != 0) return fail_chunk<Threads>(unit, chunk, wrong);
    see_to_windows<0>(from, chunk, state, w, counts, codes_of(state.elements.template before_warp<0>(sums) + before));
}

// Puts the digits of this thread's windows in order, up to whose end are so many elements of the chunk, and writes
// the weights; all threads of the block take part.
template <class Model>
__device__ __forceinline__ void write_chunk(Merge<Model> &merge, const Digits *digits, const uint32_t *counts,
                                            uint32_t elements, uint32_t base) {
    typedef BlockMemory<Model::threads, Model::table_bits> Memory;
    const SharedPlace place = Memory::place();
    uint32_t end = merge.begin + elements;
#pragma unroll
    for (uint32_t i = chunk_windows / Model::threads; i-- > 0; end -= codes_of(counts[i]))
        put_digits<Memory::string_bytes>(place, digits[i], end);
    block_barrier();
    merge.template write<Memory::string_bytes>(place, Memory::string(), base);
}

// The first window of this thread, which takes no register between its uses either.
template <uint32_t Windows>
__device__ __forceinline__ uint32_t own_window(const Unit &unit) {
    return own_chunk(unit) * chunk_windows + opaque(thread_index()) * Windows;
}

// The shared memory that the published caller gives: its formula over the largest chunk, by the positions.
struct PublishedRoom {
    // Whether a chunk of the unit has so many bytes. What the caller saw of it are the positions on both sides, which a
    // chunk at the end may go beyond; of the first chunk there are always two.
    __device__ __forceinline__ bool holds(const Unit &unit, uint32_t c, const Chunk &chunk, uint32_t bytes) const {
        if (c > 0 && c + 1 < unit.chunks() && bytes <= given(chunk.count)) return true;
        mark_rare();
        const uint32_t begin = unit.output_positions[0], end = unit.output_positions[1];
        return bytes <= given(begin < end ? smaller(end - begin, max_size / 4) : 0);
    }

private:
    static __device__ __forceinline__ uint32_t given(uint32_t elements) {
        return 4 * chunk_windows + 4 + 2 * elements;
    }
};

// Shared memory of a size that the caller tells.
struct GivenRoom {
    uint32_t size;

    __device__ __forceinline__ bool holds(const Unit &, uint32_t, const Chunk &, uint32_t bytes) const {
        return bytes <= size;
    }
};

// The whole work of a block.
template <class Model, class Room>
__device__ __forceinline__ void decode_block(const Unit &unit, const Model &model, const Room &shared) {
    constexpr uint32_t threads = Model::threads, windows = chunk_windows / threads;
    typedef BlockMemory<threads, Model::table_bits> Memory;
    if (block_index() >= unit.chunks()) return;
    const uint32_t w = own_window<windows>(unit), c = w / chunk_windows;
    if (c == 0) {  // no window before the first one checks its gap
        mark_rare();
        if (gap_of(unit, 0) != 0) return fail_chunk<threads>(unit, find_chunk(unit, 0), window_end);
    }

    // Fetch.
    const bool aligned = unit.aligned(), inside = SpanMemory<windows>::reaches(unit, w);
    const ChunkMemory positions(unit, c);
    SpanMemory<windows> memory;
    BookParts<Model> parts;
    Book book;
    if (aligned) {
        if (inside) memory.fetch(unit, w);
        const uint32_t number = model.number(unit);
        book = model.book(number);
        parts.fetch(unit, model, number, book);
    }
    const Chunk chunk = positions.chunk(unit);
    const uint32_t bytes = Memory::bytes(chunk.count);
    const bool room = bytes <= Memory::clear_bytes && shared.holds(unit, c, chunk, bytes);
    if (!aligned || !room || chunk.count < Merge<Model>::least) {
        mark_rare();
        if (!shared.holds(unit, c, chunk, sizeof(BlockState<threads>)))
            return fail_chunk<threads>(unit, chunk, sizes);
        return decode_by_luts<threads>(unit, own_window<windows>(unit));
    }
    uint32_t *const table = Memory::table();
    BlockState<threads> &state = Memory::state();
    Memory::clear(bytes);
    parts.store(table);
    Merge<Model> merge(unit, chunk);
    merge.fetch_early();
    block_barrier();
    if (warp_any(parts.differs())) {  // it shows when the elements have been counted
        mark_rare();
        atomic_or(&state.found, other_luts);
        if (thread_index() % warp_threads == 0) state.elements.add_to_total(unfinished);
    }

    // Decode.
    const Span<windows> span = inside ? memory.span(w) : load_span_anywhere<windows>(unit, own_window<windows>(unit));
    const Source from = {unit, table, book.base, book.pad};
    const SharedPlace place = Memory::place();
    Digits digits[windows];
    EntrySum sums[windows];
#pragma unroll
    for (uint32_t i = 0; i < windows; i++)
        sums[i] = decode_window<Model>(span.words + 2 * i, span.gaps[i], span.lengths[i], book.pad, place, digits[i]);
    uint32_t counts[windows], count = 0;
#pragma unroll
    for (uint32_t i = 0; i < windows; i++) {
        counts[i] = sums[i].count();
        if (!is_decoded<Model>(sums[i])) {
            const uint32_t own = own_window<windows>(unit) + i;
            SpanReading reader(unit, own, span.words + 2 * i, span.gaps[i], span.lengths[i]);
            counts[i] = finish_window<Model>(from, own, reader, sums[i], digits[i], state.outliers, state.found);
        }
        count += counts[i];
    }

    // Put the digits in order.
    const uint32_t up_to_lane = state.elements.template add<Memory::table_bytes>(place, count);
    merge.find_groups(chunk);
    merge.fetch_late();
    block_barrier();
    uint32_t elements = state.elements.template before_warp<Memory::table_bytes>(place) + up_to_lane;
    const bool marked = state.elements.total() != chunk.count;
    if (marked) {
        mark_rare();
        if ((state.found & other_luts) != 0) return decode_by_luts<threads>(unit, own_window<windows>(unit));
        const uint32_t wrong = fault(merge.chunk(), state);
        if (wrong != 0) return fail_chunk<threads>(unit, merge.chunk(), wrong);
        elements = codes_of(elements);
    }
    write_chunk<Model>(merge, digits, counts, elements, book.base);
    if (marked)
        see_to_windows<Model::table_bits>(from, merge.chunk(), state, own_window<windows>(unit), counts,
                                          elements - codes_of(count));
}

}  // namespace bespoke
