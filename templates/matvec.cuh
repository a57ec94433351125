// The kernels' body for products, see product.cuh: each warp of a block decodes a run of tiles, one after another, into
// digits in shared memory, and multiplies eight weights a step.
#pragma once

#include "decode_tiles.cuh"
#include "product_slow.cuh"

namespace bespoke {

// Which of the weights that the lane multiplies, eight a step, are outliers of any lane. All lanes of the warp take
// part.
__device__ __forceinline__ uint64_t outlier_places(uint32_t outlier) {
    uint64_t places = 0;
    if (!warp_any(outlier != no_outlier)) return places;
    for (uint32_t mask = 0; mask < tile_lanes; mask++) {
        keep_loop();
        const uint32_t other = from_lane_across(outlier, mask);
        const uint32_t place = (lane_index() ^ mask) * lane_elements + outlier_place(other);
        const uint32_t in_step = place % step_elements;
        if (other != no_outlier && in_step / group == lane_index())
            places |= 1ull << (place / step_elements * group + in_step % group);
    }
    return places;
}

// The groups of eight weights of a lane in the product with a vector.
struct GroupProduct {
    const TileGroups &groups;
    const uint32_t *digits;
    uint32_t base;

    // The sum of step i and x, which the vector has there.
    __device__ __forceinline__ float add(float sum, uint32_t i, const Words4 &x) const {
        const Words4 w = groups.weights(digits, i, base);
#pragma unroll
        for (uint32_t k = 0; k < 4; k++) {
            sum += float_of(w.words[k] << 16) * float_of(x.words[k] << 16);
            sum += float_of(w.words[k] & 0xffff0000) * float_of(x.words[k] & 0xffff0000);
        }
        return sum;
    }

    // The sum over all steps, for x from the first weight of the tile on.
    __device__ __forceinline__ float all(const uint16_t *x) const {
        const Words4 *from = reinterpret_cast<const Words4 *>(x) + lane_index();
        float sum = 0;
#pragma unroll
        for (uint32_t i = 0; i < TileGroups::steps; i++) {
            Words4 eight;
            copy(eight, from[i * tile_lanes]);
            sum = add(sum, i, eight);
        }
        return sum;
    }

    // The sum over some steps, for x from the first weight of the first of them on, without the lanes'
    // outliers. All lanes of the warp take part.
    __device__ __forceinline__ float some(const uint16_t *x, uint32_t begin, uint32_t end, uint32_t outlier) const {
        mark_rare();
        uint64_t left_out = outlier_places(outlier);
        const Words4 *from = reinterpret_cast<const Words4 *>(x) + lane_index();
        float sum = 0;
#pragma unroll
        for (uint32_t i = 0; i < TileGroups::steps; i++, left_out >>= group) {
            if (i < begin || i >= end) continue;
            Words4 eight;
            copy(eight, from[(i - begin) * tile_lanes]);
            sum = add(sum, i, without(eight, static_cast<uint32_t>(left_out)));
        }
        return sum;
    }

    // Eight numbers with zeros in the places that have a bit.
    static __device__ __forceinline__ Words4 without(Words4 eight, uint32_t places) {
#pragma unroll
        for (uint32_t k = 0; k < 4; k++)
            eight.words[k] &= ~((places >> 2 * k & 1) * 0xffff | (places >> (2 * k + 1) & 1) * 0xffff0000);
        return eight;
    }
};

// Successive steps of a tile that lie in one row, from a column on.
struct Segment {
    uint32_t tile, begin, end, column;

    __device__ __forceinline__ uint32_t weights() const { return (end - begin) * step_elements; }

    // The product of the lane's outlier, in whose place the digit 0 is, with a vector.
    __device__ __forceinline__ float product_of(const Unit &unit, const Product &product, uint32_t vector,
                                                uint32_t outlier) const {
        mark_rare();
        const uint32_t place = opaque(lane_index()) * lane_elements + outlier_place(outlier);
        const uint32_t at = place - begin * step_elements;
        if (outlier == no_outlier || at >= weights()) return 0;
        return weight_product(unit, product, vector, tile * tile_elements + place, outlier_exponent(outlier),
                              column + at);
    }
};

// Multiplies a tile of a regular matrix whose digits are in shared memory.
__device__ __forceinline__ void multiply_tile(const TileUnit &unit, const Product &product, uint32_t tile,
                                              const GroupProduct &groups, uint32_t outlier, OpenRow &open) {
    const uint32_t first = tile * tile_elements;
    uint32_t step = product.first > first ? (product.first - first) / step_elements : 0;
    const uint32_t end = smaller((product.first + product.size() - first) / step_elements, TileGroups::steps);
    const bool outliers = warp_any(outlier != no_outlier);
    for (;;) {
        keep_loop();
        const uint32_t in_row = (product.columns - open.column) / step_elements;
        const Segment segment = {tile, step, smaller(step + in_row, end), open.column};
        for (uint32_t b = 0;;) {
            keep_loop();
            const uint16_t *x = product.vector(b) + open.column;
            float sum;
            if (segment.weights() == tile_elements && !outliers)
                sum = groups.all(x);
            else
                sum = groups.some(x, opaque(segment.begin), opaque(segment.end), opaque(outlier));
            if (outliers) sum += segment.product_of(unit, product, b, opaque(outlier));
            open.add(b, sum);
            if (++b == product.batch) break;
            mark_rare();
        }
        open.advance(product, segment.weights());
        step = segment.end;
        if (step >= end) break;
        mark_rare();
    }
}

// Multiplies a tile that has all its weights, by table, and says whether it could.
template <class Model>
__device__ __forceinline__ bool multiply_by_table(const TileUnit &unit, const Product &product, const Book &book,
                                                  const uint32_t *table, TileMemory<Model::lane_lookups> &memory,
                                                  uint32_t tile, bool regular, OpenRow &open) {
    const Extent extent = find_extent(unit, tile);
    if (!extent.usable) return false;
    Blocks blocks;
    blocks.fetch(unit, extent);
    TileGroups groups;
    groups.fetch(unit, tile);
    uint32_t outlier;
    if (!decode_digits<Model>(unit, book, table, extent, blocks, memory, outlier)) return false;
    if (regular)
        multiply_tile(unit, product, tile, {groups, memory.digits, book.base}, outlier, open);
    else
        multiply_lanes(unit, product.again(), opaque(tile), memory.lane_digits(opaque(lane_index())), book.base,
                       outlier);
    return true;
}

// Multiplies the share of each warp; `shared` lies in shared memory.
template <class Model>
__device__ __forceinline__ void multiply(const TileUnit &unit, const Product &product, const Model &model,
                                         TileBlock<Model> &shared) {
    uint32_t *table = shared.table[0].words;
    uint32_t number = 0;
    const bool found = unit.aligned() && find_book(unit, model, number, table, shared.votes);
    if (!found || !starts(unit)) number = no_book;
    const uint32_t warp = thread_index() / warp_threads;
    const uint64_t share = uint64_t{block_index()} * TileBlock<Model>::warps + warp;
    const uint64_t begin = product.first_tile() + share * product.run();
    if (begin > product.last_tile()) return;

    TileMemory<Model::lane_lookups> &memory = shared.warp[warp];
    uint32_t tile = static_cast<uint32_t>(begin);
    const uint32_t end = smaller(tile + product.run(), product.last_tile() + 1);
    OpenRow open(product, tile * tile_elements > product.first ? tile * tile_elements - product.first : 0);
    for (;;) {
        keep_loop();
        const bool regular = product.again().regular();
        const bool whole = tile < opaque(unit.n_elements) / tile_elements;
        if (number == no_book || !whole ||
            !multiply_by_table<Model>(unit.again(), product, model.book(opaque(number)), table, memory, tile, regular,
                                      open)) {
            if (regular)
                multiply_rows(unit, product.again(), opaque(tile), open);
            else
                multiply_runs(unit, product.again(), opaque(tile));
        }
        if (++tile == end) break;
        mark_rare();
    }
    if (product.regular()) open.close(product);
}

}  // namespace bespoke
