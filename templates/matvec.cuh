// The kernels' body for products, see product.cuh: each warp takes runs of tiles, decodes one after another into
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

// The product of a tile of a regular matrix, whose digits are in shared memory, with one vector.
template <class Groups>
struct TileProduct {
    const Product &product;
    uint32_t vector;
    Groups &groups;
    const TileOutliers &outliers;
    const TileSteps &steps;
    OpenRow &open;
    SharedPlace digits;     // of the lane's group in the first step
    uint32_t base;          // of the book
    const Words4 *numbers;  // for the first step, if the row that is in reaches back so far
    // Steps where there is more to do than to multiply, or the numbers of the next step are not those behind this
    // one's; a set of bits, that of step i above the i + 1 lowest ones.
    uint32_t special;
    uint32_t next;  // digits
    TwoSums sums;

    __device__ __forceinline__ TileProduct(const Product &product, uint32_t vector, const Words4 *eights,
                                           Groups &groups, TileState &state, uint32_t base, const TileSteps &steps,
                                           OpenRow &open)
        : product(product), vector(vector), groups(groups), outliers(state.outliers), steps(steps), open(open),
          digits(state.digits.group()), base(base), numbers(eights + steps.column * tile_lanes) {
        const uint32_t elsewhere = steps.starts | steps.outside;
        special = opaque(2 * (elsewhere | outliers.steps) | elsewhere);
    }

    // Multiplies all that is in the tile, from the row on that is open.
    __device__ __forceinline__ void add() {
        next = TileDigits::in_step<0>(digits);
        add_steps<0>();
        open.add(vector, sums.all());
    }

private:
    template <uint32_t I>
    __device__ __forceinline__ void add_steps() {
        if constexpr (I < tile_steps) {
            Words4 eight = load_constant<I * tile_lanes * sizeof(Words4)>(numbers);
            Words4 weights = groups.template weights<I>(next, base);
            if constexpr (I + 1 < tile_steps) next = TileDigits::in_step<I + 1>(digits);
            if ((special & 2 << I) != 0) go_elsewhere(opaque(I), weights, eight);
            sums.add(weights, eight);
            add_steps<I + 1>();
        }
    }

    // What is special about step i.
    __device__ __forceinline__ void go_elsewhere(uint32_t i, Words4 &weights, Words4 &eight) {
        mark_rare();
        const uint32_t starts = opaque(steps.starts), outside = opaque(steps.outside);
        if ((starts & 1 << i) != 0) {
            open.add(vector, sums.all());
            open.next(product, vector);
            sums = TwoSums();
        }
        insert_outliers(weights, *opaque_shared(&outliers), i);
        if ((outside & 1 << i) != 0) weights = eight = Words4{{0, 0, 0, 0}};
        // A row starts at the next step, or the matrix may.
        if (((2 * outside | outside | starts) & 2 << i) != 0) numbers = product.eights(vector) - (i + 1) * tile_lanes;
    }
};

// Multiplies such a tile with all vectors, from the row on that is open.
template <class Groups>
__device__ __forceinline__ void multiply_tile(const Product &product, Groups &groups, TileState &state, uint32_t base,
                                              const TileSteps &steps, OpenRow &open) {
    const uint32_t row = open.row;
    const Words4 *eights = product.eights();
    for (uint32_t b = 0;;) {
        keep_loop();
        TileProduct<Groups>(product, b, eights, groups, state, base, steps, open).add();
        if (++b == product.batch) break;
        mark_rare();
        open.row = row;
        eights = product.eights(b);
    }
}

// Multiplies a tile that has no digits in shared memory, or one of a matrix whose rows begin anywhere.
template <uint32_t TableBits>
__device__ __forceinline__ void multiply_slowly(const Source &from, const TileUnit &unit, const Product &product,
                                                uint32_t tile, const TileState *decoded, OpenRow &open) {
    mark_rare();
    if (decoded != nullptr)
        multiply_lanes(unit, product, tile, *decoded, from.base);
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
    TileBook<Model> own(unit, model);
    const uint32_t first = product.first_tile(), end = product.last_tile() + 1;
    TileWalk<true> walk(unit, memory, TileRuns(first, end, product.row_tiles(), TileBlock<Model>::warps), own.number);
    uint32_t *table = shared.table[0].words;
    own.store(table);
    walk.begin(unit);
    if (!own.find(shared.votes)) walk.give_up();
    if (!walk.more()) return;

    memory.limits.regular = product.regular();
    OpenRow open;
    for (;;) {
        keep_loop();
        mark_start();
        TileGroups<6> groups(unit, walk.tile);
        const Book book = model.book(memory.limits.book);
        bool direct = walk.start(memory.blocks);
        walk.look_ahead(unit.again());
        walk.park(memory.parked);
        open.park(memory.parked);
        if (direct) direct = decode_digits<Model>(unit, book, table, walk.extent, memory, groups);
        walk.take_up(memory.parked);
        open.take_up(memory.parked);
        const uint32_t tile = walk.tile;
        if (walk.in_front()) open.start_run(product, tile);
        if (!direct || memory.limits.regular == 0) {
            const TileUnit same = unit.apart();
            const Source from = {same, walk.by_table() ? opaque_shared(table) : nullptr, book.base, book.pad};
            multiply_slowly<Model::table_bits>(from, same, product.again(), opaque(tile),
                                               direct ? opaque_shared<TileState>(&memory) : nullptr, open);
            direct = false;
            // Nothing of the next tile stays in registers on that way.
            walk.take_up(memory.parked);
            walk.look_ahead(unit.again());
        }
        walk.next(unit.again());
        const Product same = product.again();
        if (likely(direct)) {
            const TileSteps steps(same, opaque(tile), open.column);
            multiply_tile(same, groups, memory, book.base, steps, open);
        }
        if (open.column == 0 || walk.in_front()) open.next(same);
        if (!walk.more()) break;
        mark_rare();
        warp_barrier();
    }
    open.close(product);
}

}  // namespace bespoke
