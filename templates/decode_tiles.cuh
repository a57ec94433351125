// Decoding a unit by its tile index: each warp of a block decodes one tile.
//
//   1. Fetch the sign_mantissa bytes and the codes of the tile, and the table of the book into shared memory.
//   2. Decode the lanes into digits in shared memory.
//   3. Join them with the sign_mantissa bytes, eight weights a step, across the lanes.
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
struct TileGroups {
    static constexpr uint32_t steps = tile_elements / group / tile_lanes;
    Words2 sign_mantissa[steps];

    __device__ __forceinline__ void fetch(const TileUnit &unit, uint32_t tile) {
        const Words2 *from = reinterpret_cast<const Words2 *>(unit.sign_mantissa + uint64_t{tile} * tile_elements);
#pragma unroll
        for (uint32_t i = 0; i < steps; i++) sign_mantissa[i] = from[lane_index() + i * tile_lanes];
    }

    // The weights of the lane's group of a step.
    __device__ __forceinline__ Words4 weights(const uint32_t *digits, uint32_t i, uint32_t base) const {
        return join_group(digits[lane_index() + i * (tile_lanes + 1)], sign_mantissa[i], base);
    }
};

// Decodes a tile, whose codes the lanes have fetched, into digits in shared memory, and says whether all lanes came out
// right. All lanes of the warp take part, and nobody is busy with the memory.
template <class Model>
__device__ __forceinline__ bool decode_digits(const Unit &unit, const Book &book, const uint32_t *table,
                                              const Extent &extent, const Blocks &blocks,
                                              TileMemory<Model::lane_lookups> &memory, uint32_t &outlier) {
    blocks.stage(memory.blocks);
    warp_barrier();
    const bool right = decode_lanes<Model>(unit, book, table, extent, memory, outlier);
    warp_barrier();
    return right;
}

// Decodes the tile of each warp; `shared` lies in shared memory.
template <class Model>
__device__ __forceinline__ void decode_tile(const TileUnit &unit, const Model &model, TileBlock<Model> &shared) {
    const uint32_t warp = thread_index() / warp_threads, tile = block_index() * TileBlock<Model>::warps + warp;
    const bool aligned = unit.aligned();
    bool usable = aligned && tile < unit.n_elements / tile_elements;
    Extent extent;
    Blocks blocks;
    TileGroups groups;
    if (usable) {
        groups.fetch(unit, tile);
        extent = find_extent(unit, tile);
        usable = extent.usable;
        if (tile == 0) {
            mark_rare();
            usable &= starts(unit);
        }
        if (usable) blocks.fetch(unit, extent);
    } else {
        mark_rare();
    }
    uint32_t *table = shared.table[0].words, outlier = no_outlier;
    uint32_t number = 0;
    const bool found = aligned && find_book(unit, model, number, table, shared.votes);
    const Book book = model.book(number);
    if (tile >= unit.tile_count()) return;
    TileMemory<Model::lane_lookups> &memory = shared.warp[warp];
    if (!found || !usable || !decode_digits<Model>(unit, book, table, extent, blocks, memory, outlier))
        return write_tile_slowly(unit, tile);

    const uint64_t first = uint64_t{tile} * tile_elements;
    Words4 *to = reinterpret_cast<Words4 *>(unit.outputs + first) + lane_index();
#pragma unroll
    for (uint32_t i = 0; i < TileGroups::steps; i++)
        to[i * tile_lanes] = groups.weights(memory.digits, i, book.base);
    if (warp_any(outlier != no_outlier)) {
        mark_rare();
        warp_barrier();
        const uint64_t element = first + lane_index() * lane_elements + outlier_place(outlier);
        if (outlier != no_outlier) unit.outputs[element] = join(outlier_exponent(outlier), unit.sign_mantissa[element]);
    }
}

}  // namespace bespoke
