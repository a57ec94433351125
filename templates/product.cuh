// Products of a coded matrix with up to eight vectors, decoded by the tile index and never written: y = W x,
// for a matrix W of `rows` by `columns` weights whose first one is element `first` of the unit.
//
// x has the vectors one after another, bfloat16, so that products of weights are exact; y likewise, float,
// summed up in float. y starts as zeros: each warp takes runs of tiles that have at least as many weights as a
// row, and adds its share of every row in a run, so that a row gets two shares at most and their order is of
// no account.
//
// That holds for matrices whose first element and columns are multiples of 256, where each step of 32
// groups lies in one row: the same y comes out every time. For the others every lane adds what it has of a row, in any
// order. A tile that is wrong is reported and makes its rows NaN. What is added is 0 to the GPU where it or
// the sum is below 2^-126.
#pragma once

#include "decode_tiles.cuh"

namespace bespoke {

constexpr uint32_t most_vectors = 8;

struct Product {
    const uint16_t *x;
    float *y;
    uint32_t first, rows, columns, batch;

    // The same, of which compilers know nothing.
    __device__ __forceinline__ Product again() const {
        return {opaque(x), opaque(y), opaque(first), opaque(rows), opaque(columns), opaque(batch)};
    }

    __device__ __forceinline__ uint32_t size() const { return rows * columns; }
    __device__ __forceinline__ uint32_t first_tile() const { return first / tile_elements; }
    __device__ __forceinline__ uint32_t last_tile() const { return (first + size() - 1) / tile_elements; }

    // The tiles that have as many weights as a row.
    __device__ __forceinline__ uint32_t row_tiles() const { return (columns - 1) / tile_elements + 1; }

    // Where the first weight of a tile lies that is in the matrix.
    __device__ __forceinline__ uint32_t begin_of(uint32_t tile) const {
        return tile > first_tile() ? tile * tile_elements - first : 0;
    }

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
        atomic_add(y + (static_cast<uint64_t>(opaque(vector)) * rows + opaque(row)), sum);
    }

    __device__ __forceinline__ const uint16_t *vector(uint32_t i) const {
        return x + static_cast<uint64_t>(opaque(i)) * columns;
    }

    // The first eight numbers of a vector that the lane multiplies; the next ones are those 32 behind them.
    __device__ __forceinline__ const Words4 *eights(uint32_t vector_number) const {
        return eights_of(vector(vector_number));
    }

    // Those of the first vector.
    __device__ __forceinline__ const Words4 *eights() const { return eights_of(x); }

private:
    static __device__ __forceinline__ const Words4 *eights_of(const uint16_t *vector) {
        return reinterpret_cast<const Words4 *>(vector) + lane_index();
    }
};

// The product of a weight, of which the exponent is known, and the number of a vector for its column.
__device__ __forceinline__ float weight_product(const Unit &unit, const Product &product, uint32_t vector,
                                                uint32_t element, uint32_t exponent, uint32_t column) {
    const uint32_t weight = join(exponent, unit.sign_mantissa[element]), x = product.vector(vector)[column];
    return float_of(weight << 16) * float_of(x << 16);
}

// The steps of a tile of a regular matrix.
struct TileSteps {
    uint32_t column;       // of the first one in the matrix, in steps
    uint32_t outside = 0;  // of the matrix, a set of bits
    uint32_t starts = 0;   // a row, though not the first in the tile; a set of bits

    // Of a tile whose first step in the matrix has this column, which becomes that of the next tile.
    __device__ __forceinline__ TileSteps(const Product &product, uint32_t tile, uint32_t &column) : column(column) {
        constexpr uint32_t all = tile_steps;
        const uint32_t row = product.columns / step_elements;
        const bool inside = tile != product.first_tile() && tile != product.last_tile();
        if (likely(inside && column + all <= row)) {
            column += all;
        } else {
            mark_rare();
            const uint32_t first = tile * all, matrix = product.first / step_elements;
            const uint32_t begin = matrix > first ? matrix - first : 0;
            const uint32_t end = smaller(matrix + product.size() / step_elements - first, all);
            outside = ~((1u << end) - (1u << begin)) & ((1u << all) - 1);
            uint32_t i = begin + row - column;
            for (; i < end; i += row) {
                keep_loop();
                starts |= 1u << i;
            }
            column = row - (i - end);
        }
        if (column == row) column = 0;
    }
};

// What a warp has of the row that it is in: lane b has the sum for vector b. Nothing is no reason to touch the product.
struct OpenRow {
    uint32_t row = 0;
    uint32_t column = 0;  // of the next step
    float sum = 0;

    // Puts aside where the row lies while registers are scarce, and takes it up again.
    __device__ __forceinline__ void park(TileParked &parked) const {
        parked.row = row;
        parked.column = column;
    }

    __device__ __forceinline__ void take_up(const TileParked &parked) {
        row = parked.row;
        column = parked.column;
    }

    // Goes to the row of the first weight of a tile.
    __device__ __forceinline__ void start_run(const Product &product, uint32_t tile) {
        Product same = product;
        same.first = opaque(product.first);
        same.columns = opaque(product.columns);
        const uint32_t begin = same.begin_of(opaque(tile));
        row = begin / same.columns;
        column = (begin - row * same.columns) / step_elements;
    }

    // Adds the sum of what the lanes have for a vector.
    __device__ __forceinline__ void add(uint32_t vector, float lane_sum) {
        const float all = sum_of_lanes(lane_sum);
        if (lane_index() == vector) sum += all;
    }

    // Adds what there is to the products with all vectors.
    __device__ __forceinline__ void close(const Product &product) const {
        if (lane_index() < product.batch && sum != 0) product.add(row, lane_index(), sum);
    }

    // Goes on to the next row, for one vector or for all.
    __device__ __forceinline__ void next(const Product &product, uint32_t vector) {
        if (lane_index() == vector && sum != 0) {
            product.add(row, vector, sum);
            sum = 0;
        }
        row++;
    }

    __device__ __forceinline__ void next(const Product &product) {
        close(product);
        row++;
        sum = 0;
    }
};

}  // namespace bespoke
