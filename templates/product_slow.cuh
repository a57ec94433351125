// Products with tiles that tables do not decode, and with matrices whose rows begin anywhere: weight by weight, one
// vector after another.
#pragma once

#include "product.cuh"

namespace bespoke {

// Multiplies successive weights that one lane reads, of any rows, with one vector.
struct RowSum {
    const Unit &unit;
    const Product &product;
    uint32_t vector;
    uint32_t row = 0;
    float sum = 0;

    __device__ __forceinline__ void operator()(uint32_t element, uint32_t exponent) {
        const uint32_t i = element - product.first;
        if (i >= product.size()) return;
        if (i / product.columns != row) {
            end_row();
            row = i / product.columns;
        }
        sum += weight_product(unit, product, vector, element, exponent, i % product.columns);
    }

    __device__ __forceinline__ void end_row() {
        if (sum != 0) product.add(row, vector, sum);
        sum = 0;
    }
};

// Multiplies a tile that is read code by code, with one vector after another. All lanes of the warp take
// part.
template <uint32_t TableBits>
__device__ __forceinline__ void multiply_runs(const Source &from, const TileUnit &unit, const Product &product,
                                              uint32_t tile) {
    mark_rare();
    for (uint32_t b = 0; b < product.batch; b++) {
        keep_loop();
        RowSum sum = {unit, product, b};
        Run run;
        const bool right = read_tile<TableBits>(from, unit, tile, run, sum);
        sum.end_row();
        for (uint32_t i = 0; !right && i < run.count; i++) {
            keep_loop();
            const uint32_t at = run.element + i - product.first;
            if (at < product.size()) product.add(at / product.columns, b, float_of(uint32_t{not_a_number} << 16));
        }
    }
}

// Multiplies the weights of each lane of a tile whose digits are in shared memory.
__device__ __forceinline__ void multiply_lanes(const TileUnit &unit, const Product &product, uint32_t tile,
                                               const TileState &state, uint32_t base) {
    mark_rare();
    const uint32_t lane = own_lane(), in_tile = lane * lane_elements, first = tile * tile_elements + in_tile;
    for (uint32_t b = 0; b < product.batch; b++) {
        keep_loop();
        RowSum sum = {unit, product, b};
        for (uint32_t i = 0; i < lane_elements; i++) {
            keep_loop();
            const uint32_t word = state.digits.word(lane, i / group);
            const uint32_t digit = word >> (32 - digit_bits - digit_bits * (i % group));
            sum(first + i, state.outliers.exponent_at(in_tile + i, base + distance_of(digit % digit_range)));
        }
        sum.end_row();
    }
}

// Multiplies what successive weights that one lane reads have of one row, with one vector.
struct RowPart {
    const Unit &unit;
    const Product &product;
    uint32_t vector, row;
    float sum = 0;

    __device__ __forceinline__ void operator()(uint32_t element, uint32_t exponent) {
        const uint32_t i = element - product.first;
        if (i >= product.size() || i / product.columns != row) return;
        sum += weight_product(unit, product, vector, element, exponent, i % product.columns);
    }
};

// Multiplies a tile of a regular matrix that is read code by code, for each row and vector again. All lanes of the warp
// take part.
template <uint32_t TableBits>
__device__ __forceinline__ void multiply_rows(const Source &from, const TileUnit &unit, const Product &product,
                                              uint32_t tile, const TileSteps &steps, OpenRow &open) {
    mark_rare();
    const uint32_t firsts = steps.starts | (~steps.outside & (steps.outside << 1 | 1));  // of a row's part in the tile
    for (uint32_t i = 0; i < tile_steps; i++) {
        keep_loop();
        if ((firsts & 1 << i) == 0) continue;
        if ((steps.starts & 1 << i) != 0) open.next(product);
        for (uint32_t b = 0; b < product.batch; b++) {
            keep_loop();
            RowPart part = {unit, product, b, open.row};
            Run run;
            const bool right = read_tile<TableBits>(from, unit, tile, run, part);
            open.add(b, right ? part.sum : float_of(uint32_t{not_a_number} << 16));
        }
    }
}

}  // namespace bespoke
