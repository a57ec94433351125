// Decoding a unit by its tile index: each warp decodes tiles, one after another, for all of which a block fetches the
// table of the book once.
//
//   1. Put the codes of the tile into shared memory.
//   2. Decode the lanes into digits in shared memory, with sign_mantissa bytes and the next tile's record under way.
//   3. Fetch the codes of the next tile.
//   4. Join the digits with the sign_mantissa bytes, eight weights a step, across the lanes.
//
// A tile that this is not made for, or does not succeed with, is decoded code by code: it comes out right, or
// as NaN and reported. Whatever the tensors hold, no access leaves them and every loop ends.
#pragma once

#include "decode.cuh"
#include "lanes.cuh"

namespace bespoke {

// What the threads of a block share.
template <class Model>
struct TileBlock {
    static constexpr uint32_t warps = Model::threads / warp_threads;
    Words4 table[(1u << Model::table_bits) / 4];
    uint32_t votes[warps];
    TileMemory<Model::lane_lookups> warp[warps];
};

// The groups of eight weights of a tile, that of each step next to those of the other lanes.
template <uint32_t Early>
struct TileGroups {
    static constexpr uint32_t early = Early;  // steps whose bytes are fetched while the lanes are decoded
    static_assert(step_elements == tile_lanes * group, "a group a lane");
    Words2 sign_mantissa[tile_steps];

    const Words2 *from;  // the first step's

    __device__ __forceinline__ TileGroups(const TileUnit &unit, uint32_t tile)
        : from(reinterpret_cast<const Words2 *>(unit.sign_mantissa) +
               (tile * (tile_elements / group) + lane_index())) {}

    // Fetches those of step I.
    template <uint32_t I>
    __device__ __forceinline__ void fetch() {
        sign_mantissa[I] = load_once<I * tile_lanes * sizeof(Words2)>(from);
    }

    // The weights of the lane's group of step I, with the digit 0 where there are outliers, from the group's digits.
    // Fetches the bytes of a later step.
    template <uint32_t I>
    __device__ __forceinline__ Words4 weights(uint32_t digits, uint32_t base) {
        if constexpr (I + early < tile_steps) fetch<I + early>();
        return join_group(digits, sign_mantissa[I], base);
    }
};

// Puts the outliers among the lane's weights of a step into their places.
__device__ __forceinline__ void insert_outliers(Words4 &eight, const TileOutliers &outliers, uint32_t step) {
    mark_rare();
    for (uint32_t i = 0; i < outliers.numbers[step]; i++) {
        keep_loop();
        const uint32_t place = outliers.place(step, i), k = place % group;
        if (place / group != lane_index()) continue;
        const uint32_t exponents = outliers.exponent(step, i) * 0x00800080;
        const uint32_t mask = k % 2 == 0 ? 0x7f80 : 0x7f800000;
#pragma unroll
        for (uint32_t pair = 0; pair < 4; pair++)
            if (k / 2 == pair) eight.words[pair] = select(exponents, eight.words[pair], mask);
    }
}

// Decodes a tile, whose codes the lanes have staged, into digits in shared memory, and says whether all lanes came out
// right. All lanes of the warp take part, and nobody is busy with the rest of the memory.
template <class Model, class Groups>
__device__ __forceinline__ bool decode_digits(const Unit &unit, const Book &book, const uint32_t *table,
                                              uint32_t extent, TileMemory<Model::lane_lookups> &memory,
                                              Groups &groups) {
    memory.outliers.clear();
    warp_barrier();
    const bool right = decode_lanes<Model>(unit, book, table, extent & 0xffff, extent >> 16, memory, groups);
    warp_barrier();
    return right && memory.outliers.complete();
}

// The tiles of a warp: runs of so many, between which all other warps have theirs, so that together they read the
// tensors from the front to the back.
struct TileRuns {
    uint32_t first, end;   // of the tiles that all warps share
    uint32_t run, stride;  // tiles
    uint32_t begin;        // of the warp's first run

    __device__ __forceinline__ TileRuns(uint32_t first, uint32_t end, uint32_t run, uint32_t warps_a_block)
        : first(first), end(end), run(run) {
        const uint64_t warp = block_index() * warps_a_block + thread_index() / warp_threads;
        stride = below_end(uint64_t{grid_blocks()} * warps_a_block * run);
        begin = first + below_end(warp * run);
    }

private:
    // The number, or one that is large enough to get to the end.
    __device__ __forceinline__ uint32_t below_end(uint64_t tiles) const {
        return tiles < end - first ? static_cast<uint32_t>(tiles) : end - first;
    }
};

// The way of a warp through its tiles, by runs or one by one. While it is busy with one, the codes of the next are
// under way.
template <bool Runs>
struct TileWalk {
    TileLimits &limits;
    uint32_t tile;
    uint32_t left;        // tiles of its run, with itself
    Words2 front;         // of the index
    Record record;
    uint32_t extent;  // the beginning of the lane's codes and, above it, their end; 0 if the tile is not usable
    Blocks blocks;

    __device__ __forceinline__ TileWalk(const TileUnit &unit, TileState &state, const TileRuns &runs, uint32_t book)
        : limits(state.limits), tile(runs.begin), left(runs.run) {
        const bool usable = tile < runs.end && unit.aligned();
        const uint32_t by_table = usable ? smaller(unit.n_elements / tile_elements, runs.end) : 0;
        limits = {runs.end, by_table, runs.run, runs.stride - (runs.run - 1), book, 0};
        extent = 0;
        if (tile >= by_table) return;
        front = record_words(unit, 0);
        record.fetch(unit, tile);
    }

    // Fetches the codes of the first tile, whose record has been fetched.
    __device__ __forceinline__ void begin(const TileUnit &unit) {
        if (tile >= limits.by_table) return;
        if (is_start(front))
            fetch_codes(unit);
        else
            give_up();
    }

    // Says that there is no table, and whether any tile is decoded by it.
    __device__ __forceinline__ void give_up() { limits.by_table = extent = 0; }
    __device__ __forceinline__ bool by_table() const { return limits.by_table != 0; }

    // Puts the codes of the tile into shared memory, where it is usable. The lanes of the warp have a barrier
    // afterwards.
    __device__ __forceinline__ bool start(Words4 *to) {
        const bool usable = extent != 0;
        if (likely(usable)) blocks.stage(to);
        return usable;
    }

    // Fetches the next tile's record.
    __device__ __forceinline__ void look_ahead(const TileUnit &unit) {
        const uint32_t coming = next_tile();
        if (likely(coming < limits.by_table))
            record.fetch(unit, coming);
        else
            record.clear();
    }

    // Puts aside where it is while registers are scarce, and takes it up again.
    __device__ __forceinline__ void park(TileParked &parked) const {
        parked.tile = tile;
        parked.left = left;
    }

    __device__ __forceinline__ void take_up(const TileParked &parked) {
        tile = parked.tile;
        left = parked.left;
    }

    __device__ __forceinline__ bool more() const { return tile < limits.end; }

    // Turns to the next tile, whose record has been fetched.
    __device__ __forceinline__ void next(const TileUnit &unit) {
        tile = next_tile();
        if constexpr (Runs) left = left > 1 ? left - 1 : limits.run;
        extent = 0;
        if (likely(tile < limits.by_table))
            fetch_codes(unit);
        else
            blocks.clear();
    }

    // Whether the tile is the first of a run.
    __device__ __forceinline__ bool in_front() const { return left == limits.run; }

private:
    __device__ __forceinline__ uint32_t next_tile() const {
        const uint32_t jump = opaque(limits.jump);
        return tile + (Runs && opaque(left) > 1 ? 1 : jump);
    }

    __device__ __forceinline__ void fetch_codes(const TileUnit &unit) {
        const Extent found = find_extent(unit, tile, record);
        // All is written whatever happens, so that no register is kept for what was there before.
        if (likely(found.usable)) {
            const bool inside = blocks.fetch(unit, found);
            extent = inside ? found.end << 16 | found.begin : 0;
        } else {
            blocks.clear();
        }
    }
};

// The merge of a tile whose digits are in shared memory.
template <class Groups>
struct TileMerge {
    Groups &groups;
    const TileOutliers &outliers;
    SharedPlace digits;  // of the lane's group in the first step
    Words4 *to;          // its weights
    uint32_t base;
    uint32_t special;  // steps with outliers, a set of bits

    // Writes the weights of the steps from I on.
    template <uint32_t I = 0>
    __device__ __forceinline__ void write() {
        if constexpr (I < tile_steps) {
            Words4 eight = groups.template weights<I>(TileDigits::in_step<I>(digits), base);
            if ((special & 1 << I) != 0) insert_outliers(eight, *opaque_shared(&outliers), opaque(I));
            store_once<I * tile_lanes * sizeof(Words4)>(to, eight);
            write<I + 1>();
        }
    }
};

// Writes the weights of a tile whose digits are in shared memory.
template <class Groups>
__device__ __forceinline__ void write_tile(const Unit &unit, uint32_t tile, Groups &groups, TileState &state,
                                           uint32_t base) {
    Words4 *to = reinterpret_cast<Words4 *>(unit.outputs + uint64_t{tile} * tile_elements) + lane_index();
    TileMerge<Groups>{groups, state.outliers, state.digits.group(), to, base, state.outliers.steps}.write();
}

// Decodes the tiles of each warp; `shared` lies in shared memory.
template <class Model>
__device__ __forceinline__ void decode_tile(const TileUnit &unit, const Model &model, TileBlock<Model> &shared) {
    const uint32_t warp = thread_index() / warp_threads;
    TileMemory<Model::lane_lookups> &memory = shared.warp[warp];
    TileBook<Model> own(unit, model);
    TileWalk<false> walk(unit, memory, TileRuns(0, unit.tile_count(), 1, TileBlock<Model>::warps), own.number);
    uint32_t *table = shared.table[0].words;
    own.store(table);
    walk.begin(unit);
    if (!own.find(shared.votes)) walk.give_up();
    if (!walk.more()) return;
    for (;;) {
        keep_loop();
        mark_start();
        const uint32_t tile = walk.tile;
        TileGroups<3> groups(unit, tile);
        const Book book = model.book(memory.limits.book);
        bool right = walk.start(memory.blocks);
        walk.look_ahead(unit.again());
        if (right) right = decode_digits<Model>(unit, book, table, walk.extent, memory, groups);
        if (!right) {
            const TileUnit same = unit.apart();
            const Source from = {same, walk.by_table() ? opaque_shared(table) : nullptr, book.base, book.pad};
            write_tile_slowly<Model::table_bits>(from, same, opaque(tile));
        }
        walk.next(unit.again());
        if (right) write_tile(unit.again(), opaque(tile), groups, memory, book.base);
        if (!walk.more()) break;
        mark_rare();
        warp_barrier();
    }
}

}  // namespace bespoke
