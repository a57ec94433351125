// The kernels' body for products, see product.cuh: each warp takes a run of tiles, decodes one after another into
// digits in shared memory, and multiplies eight weights a step.
#pragma once

#include "product_slow.cuh"

namespace bespoke {

// A sum of products in two parts, as each addition waits for the one before it.
struct TwoSums {
    float even = 0, odd = 0;

    // Adds the products of eight weights and numbers.
    __device__ __forceinline__ void add(const Words4 &weights, const Words4 &numbers) {
#pragma unroll
        for (uint32_t k = 0; k < 4; k++) {
            even = add_product(even, weights.words[k] << 16, numbers.words[k] << 16);
            odd = add_product(odd, weights.words[k] & 0xffff0000, numbers.words[k] & 0xffff0000);
        }
    }

    __device__ __forceinline__ float all() const { return even + odd; }
};

// Multiplies a tile of a regular matrix whose digits are in shared memory with a vector, from the row on that is open.
template <class Groups>
__device__ __forceinline__ void multiply_steps(const Product &product, Groups &groups, TileDigits &digits,
                                               const TileOutliers &outliers, uint32_t base, const TileSteps &steps,
                                               uint32_t vector, OpenRow &open) {
    const Words4 *numbers = product.eights(vector) + steps.column * tile_lanes;
    const SharedPlace group = digits.group();
    // Where there is more to do than to multiply, or the numbers of the next step are not those behind this one's.
    const uint32_t elsewhere = steps.starts | steps.outside;
    const uint32_t special = opaque(elsewhere | elsewhere >> 1 | outliers.steps);
    uint32_t next = TileDigits::in_step(group, 0);
    TwoSums sums;
#pragma unroll
    for (uint32_t i = 0; i < tile_steps; i++) {
        Words4 eight = load_constant(numbers + i * tile_lanes);
        Words4 weights = groups.weights(next, i, base);
        if (i + 1 < tile_steps) next = TileDigits::in_step(group, i + 1);
        if ((special & 1 << i) != 0) {
            mark_rare();
            const uint32_t starts = opaque(steps.starts), outside = opaque(steps.outside);
            if ((starts & 1 << i) != 0) {
                if (i > 0) open.add(vector, sums.all());
                open.next(product, vector);
                sums = TwoSums();
            }
            insert_outliers(weights, *opaque(&outliers), opaque(i));
            if ((outside & 1 << i) != 0) weights = eight = Words4{{0, 0, 0, 0}};
            if (((starts | outside) & 2 << i) != 0) numbers = product.eights(vector) - (i + 1) * tile_lanes;
        }
        sums.add(weights, eight);
    }
    open.add(vector, sums.all());
}

// Multiplies it with all vectors.
template <class Groups>
__device__ __forceinline__ void multiply_tile(const Product &product, Groups &groups, TileDigits &digits,
                                              const TileOutliers &outliers, uint32_t base, const TileSteps &steps,
                                              OpenRow &open) {
    const uint32_t row = open.row;
    for (uint32_t b = 0;;) {
        keep_loop();
        open.row = row;
        multiply_steps(product, groups, digits, outliers, base, steps, b, open);
        if (++b == product.batch) break;
        mark_rare();
    }
}

// Multiplies a tile that has no digits in shared memory, or one of a matrix whose rows begin anywhere.
template <uint32_t TableBits>
__device__ __forceinline__ void multiply_slowly(const Source &from, const TileUnit &unit, const Product &product,
                                                uint32_t tile, TileDigits *digits, const TileOutliers &outliers,
                                                OpenRow &open) {
    mark_rare();
    if (digits != nullptr)
        multiply_lanes(unit, product, tile, *digits, outliers, from.base);
    else if (product.regular())
        multiply_rows<TableBits>(from, unit, product, tile, TileSteps(product, tile, open.column), open);
    else
        multiply_runs<TableBits>(from, unit, product, tile);
}

// Multiplies the share of each warp; `shared` lies in shared memory.
template <class Model>
__device__ __forceinline__ void multiply(const TileUnit &unit, const Product &product, const Model &model,
                                         TileBlock<Model> &shared) {
    const uint32_t warp = thread_index() / warp_threads;
    TileMemory<Model::lane_lookups> &memory = shared.warp[warp];
    TileDigits &digits = shared.digits[warp];
    TileBook<Model> own(unit, model);
    const uint32_t first = product.first_tile(), end = product.last_tile() + 1;
    TileWalk walk(unit, memory.limits, TileRuns(first, end, product.row_tiles(), TileBlock<Model>::warps));
    uint32_t *table = shared.table[0].words;
    own.store(table);
    walk.begin(unit);
    const bool found = own.find(shared.votes);
    if (!walk.more()) return;

    if (!found) walk.give_up();
    const bool regular = product.regular();
    OpenRow open;
    for (;;) {
        keep_loop();
        mark_start();
        const uint32_t tile = walk.tile;
        if (walk.in_front()) open.start_run(product.again(), opaque(tile));
        TileGroups<8> groups(unit.again(), tile);
        const Book book = model.book(opaque(own.number));
        bool direct = walk.start(memory.blocks);
        walk.look_ahead(unit.again());
        if (direct) direct = decode_digits<Model>(unit.again(), book, table, walk.extent, memory, digits, groups);
        if (!direct || !regular) {
            const TileUnit same = unit.apart();
            const Source from = {same, found ? opaque(table) : nullptr, book.base, book.pad};
            multiply_slowly<Model::table_bits>(from, same, product.again(), opaque(tile),
                                               direct ? opaque(&digits) : nullptr, *opaque(&memory.outliers), open);
            direct = false;
        }
        walk.next(unit.again());
        const Product same = product.again();
        if (direct) {
            const TileSteps steps(same, opaque(tile), open.column);
            multiply_tile(same, groups, digits, memory.outliers, book.base, steps, open);
        }
        if (!walk.more()) break;
        mark_rare();
        warp_barrier();
    }
    open.close(product);
}

}  // namespace bespoke
