// Products of a coded matrix with up to eight vectors, decoded by the tile index and never written: y = W x,
// for a matrix W of `rows` by `columns` weights whose first one is element `first` of the unit.
//
// x has the vectors one after another, bfloat16, so that products of weights are exact; y likewise, float,
// summed up in float. y starts as zeros: each warp takes a run of tiles that has at least as many weights as a
// row and adds its share of every row in it, so that a row gets two shares at most and their order is of
// no account.
//
// That holds for matrices whose first element and columns are multiples of 256, where each step of 32
// groups lies in one row: the same y comes out every time. For the others every lane adds what it has of a row, in any
// order. A tile that is wrong is reported and makes its rows NaN. What is added is 0 to the GPU where it or
// the sum is below 2^-126.
#pragma once

#include "tiles.cuh"

namespace bespoke {

constexpr uint32_t most_vectors = 8;
constexpr uint32_t step_elements = tile_lanes * group;

struct Product {
    const uint16_t *x;
    float *y;
    uint32_t first, rows, columns, batch;

    // The same, of which compilers know nothing.
    __device__ __forceinline__ Product again() const {
        return {x, y, opaque(first), opaque(rows), opaque(columns), opaque(batch)};
    }

    __device__ __forceinline__ uint32_t size() const { return rows * columns; }
    __device__ __forceinline__ uint32_t first_tile() const { return first / tile_elements; }
    __device__ __forceinline__ uint32_t last_tile() const { return (first + size() - 1) / tile_elements; }

    // How many tiles a warp takes: not fewer weights than a row has.
    __device__ __forceinline__ uint32_t run() const { return (columns - 1) / tile_elements + 1; }

    // Whether every step of a tile lies in one row, and x may be read 8 at once.
    __device__ __forceinline__ bool regular() const {
        return first % step_elements == 0 && columns % step_elements == 0 && is_aligned(x, sizeof(Words4));
    }

    // Whether the matrix is not empty, a part of the unit, and the vectors are not too many.
    __device__ __forceinline__ bool valid(uint32_t n_elements) const {
        return rows > 0 && columns > 0 && batch - 1 < most_vectors && first < n_elements &&
               static_cast<uint64_t>(rows) * columns <= n_elements - first;
    }

    // Where a vector's numbers are is worked out where it is asked for: for all vectors ahead, it fills registers.
    __device__ __forceinline__ void add(uint32_t row, uint32_t vector, float sum) const {
        atomic_add(y + static_cast<uint64_t>(opaque(vector)) * rows + row, sum);
    }

    __device__ __forceinline__ const uint16_t *vector(uint32_t i) const {
        return x + static_cast<uint64_t>(opaque(i)) * columns;
    }
};

// The product of a weight, of which the exponent is known, and the number of a vector for its column.
__device__ __forceinline__ float weight_product(const Unit &unit, const Product &product, uint32_t vector,
                                                uint32_t element, uint32_t exponent, uint32_t column) {
    const uint32_t weight = join(exponent, unit.sign_mantissa[element]), x = product.vector(vector)[column];
    return float_of(weight << 16) * float_of(x << 16);
}

// The sum of the lanes' values, the same in all of them.
__device__ __forceinline__ float sum_of_lanes(float value) {
#pragma unroll
    for (uint32_t delta = 1; delta < warp_threads; delta *= 2)
        value += float_of(from_lane_across(bits_of(value), delta));
    return value;
}

// What a warp has of the row that it is in: lane b has the sum for vector b.
struct OpenRow {
    uint32_t row, column;  // of the next weight
    float sum = 0;

    // Begins at a weight of the matrix, counted from its first one on.
    __device__ __forceinline__ OpenRow(const Product &product, uint32_t at)
        : row(at / product.columns), column(at - row * product.columns) {}

    // Adds the sum of what the lanes have for a vector.
    __device__ __forceinline__ void add(uint32_t vector, float lane_sum) {
        const float all = sum_of_lanes(lane_sum);
        if (lane_index() == vector) sum += all;
    }

    // Goes on by some weights of the row, perhaps all that are left.
    __device__ __forceinline__ void advance(const Product &product, uint32_t weights) {
        column += weights;
        if (column < product.columns) return;
        close(product);
        row++;
        column = 0;
        sum = 0;
    }

    // Adds what there is to the product.
    __device__ __forceinline__ void close(const Product &product) const {
        if (column > 0 && lane_index() < product.batch) product.add(row, lane_index(), sum);
    }
};

}  // namespace bespoke
