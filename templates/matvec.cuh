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
// order. A tile that is wrong is reported and makes its rows NaN.
#pragma once

#include "decode_tiles.cuh"

namespace bespoke {

constexpr uint32_t most_vectors = 8;
constexpr uint32_t step_elements = tile_lanes * group;

struct Product {
    const uint16_t *x;
    float *y;
    uint32_t first, rows, columns, batch;

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

__device__ __forceinline__ float weight_of(uint32_t exponent, uint32_t sign_mantissa) {
    return float_of(static_cast<uint32_t>(join(exponent, sign_mantissa)) << 16);
}

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
        const uint32_t x = product.vector(vector)[i % product.columns];
        sum += weight_of(exponent, unit.sign_mantissa[element]) * float_of(x << 16);
    }

    __device__ __forceinline__ void end_row() {
        if (sum != 0) product.add(row, vector, sum);
        sum = 0;
    }
};

// Multiplies a tile that is read code by code, with one vector after another. All lanes of the warp take
// part.
__device__ __forceinline__ void multiply_runs(const TileUnit &unit, const Product &product, uint32_t tile) {
    mark_rare();
    for (uint32_t b = 0; b < product.batch; b++) {
        keep_loop();
        RowSum sum = {unit, product, b};
        Run run;
        const bool right = read_tile(unit, tile, run, sum);
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
                                               const uint32_t *digits, uint32_t base, uint32_t outlier) {
    mark_rare();
    const uint32_t first = tile * tile_elements + lane_index() * lane_elements;
    for (uint32_t b = 0; b < product.batch; b++) {
        keep_loop();
        RowSum sum = {unit, product, b};
        for (uint32_t i = 0; i < lane_elements; i++) {
            keep_loop();
            const uint32_t digit = digits[i / group] >> (32 - digit_bits - digit_bits * (i % group));
            const bool out = outlier != no_outlier && outlier_place(outlier) == i;
            sum(first + i, out ? outlier_exponent(outlier) : base + distance_of(digit % digit_range));
        }
        sum.end_row();
    }
}

// The sum of the lanes' values, the same in all of them.
__device__ __forceinline__ float sum_of_lanes(float value) {
#pragma unroll
    for (uint32_t delta = 1; delta < warp_threads; delta *= 2)
        value += float_of(from_lane(bits_of(value), lane_index() ^ delta));
    return value;
}

// The steps of a tile from one on to another that lie in one row, in it from a column on.
struct Segment {
    uint32_t from, to, column;

    __device__ __forceinline__ bool whole() const { return to - from == TileGroups::steps; }

    // The lane's sum of their weights times a vector; Whole where the segment is the tile.
    template <bool Whole>
    __device__ __forceinline__ float multiply(const uint16_t *vector, const TileGroups &groups, const uint32_t *digits,
                                              uint32_t base) const {
        // Where step 0 would be: before the vector, perhaps.
        const uint64_t start = uint64_t{column} - uint64_t{from} * step_elements + lane_index() * group;
        float sum = 0;
#pragma unroll
        for (uint32_t i = 0; i < TileGroups::steps; i++) {
            if (!Whole && (i < from || i >= to)) continue;
            const Words4 w = groups.weights(digits, i, base);
            Words4 x;
            copy(x, *reinterpret_cast<const Words4 *>(vector + (start + i * step_elements)));
#pragma unroll
            for (uint32_t k = 0; k < 4; k++) {
                sum += float_of(w.words[k] << 16) * float_of(x.words[k] << 16);
                sum += float_of(w.words[k] & 0xffff0000) * float_of(x.words[k] & 0xffff0000);
            }
        }
        return sum;
    }

    // What the lane's sum for a vector lacks with the digit 0 in the place of the outlier.
    __device__ __forceinline__ float correction(const Unit &unit, const Product &product, uint32_t tile,
                                                uint32_t vector, uint32_t base, uint32_t outlier) const {
        const uint32_t place = opaque(lane_index()) * lane_elements + outlier_place(outlier);
        if (outlier == no_outlier || place < from * step_elements || place >= to * step_elements) return 0;
        const uint32_t sign_mantissa = unit.sign_mantissa[tile * tile_elements + place];
        const uint32_t x = product.vector(vector)[column + place - from * step_elements];
        return (weight_of(outlier_exponent(outlier), sign_mantissa) - weight_of(opaque(base), sign_mantissa)) *
               float_of(x << 16);
    }
};

// What a warp has of a row that it has not come to the end of: lane b has the sum for vector b.
struct OpenRow {
    float sum;

    // Adds the sum of what the lanes have for a vector.
    __device__ __forceinline__ void add(uint32_t vector, float lane_sum) {
        const float all = sum_of_lanes(lane_sum);
        if (lane_index() == vector) sum += all;
    }

    __device__ __forceinline__ void end(const Product &product, uint32_t row) {
        if (lane_index() < product.batch) product.add(row, lane_index(), sum);
        sum = 0;
    }
};

// Multiplies what successive weights that one lane reads have of one row, with one vector.
struct RowPart {
    const Unit &unit;
    const Product &product;
    uint32_t vector, row;
    float sum = 0;

    __device__ __forceinline__ void operator()(uint32_t element, uint32_t exponent) {
        const uint32_t i = element - product.first;
        if (i >= product.size() || i / product.columns != row) return;
        const uint32_t x = product.vector(vector)[i % product.columns];
        sum += weight_of(exponent, unit.sign_mantissa[element]) * float_of(x << 16);
    }
};

// Multiplies a tile of a regular matrix that is read code by code, for each row and vector again.
__device__ __forceinline__ void multiply_rows(const TileUnit &unit, const Product &product, uint32_t tile,
                                              OpenRow &open) {
    mark_rare();
    const uint32_t begin = tile * tile_elements, skipped = product.first > begin ? product.first - begin : 0;
    uint32_t at = begin + skipped - product.first;
    const uint32_t end = at + smaller(tile_elements - skipped, product.size() - at);
    while (at < end) {
        keep_loop();
        const uint32_t row = at / product.columns;
        for (uint32_t b = 0; b < product.batch; b++) {
            keep_loop();
            RowPart part = {unit, product, b, row};
            Run run;
            const bool right = read_tile(unit, tile, run, part);
            open.add(b, right ? part.sum : float_of(uint32_t{not_a_number} << 16));
        }
        at += product.columns - at % product.columns;
        if (at <= end) open.end(product, row);
    }
}

// Multiplies a tile of a regular matrix whose digits are in shared memory.
__device__ __forceinline__ void multiply_tile(const TileUnit &unit, const Product &product, uint32_t tile,
                                              const uint32_t *digits, uint32_t base, uint32_t outlier, OpenRow &open) {
    TileGroups groups;
    groups.fetch(unit, tile);
    const uint32_t begin = tile * tile_elements;
    uint32_t step = product.first > begin ? (product.first - begin) / step_elements : 0;
    const uint32_t end = smaller((product.first + product.size() - begin) / step_elements, TileGroups::steps);
    for (;;) {
        keep_loop();
        const uint32_t at = begin + step * step_elements - product.first, column = at % product.columns;
        const Segment segment = {step, smaller(step + (product.columns - column) / step_elements, end), column};
        for (uint32_t b = 0;;) {
            keep_loop();
            const uint16_t *x = product.vector(b);
            float sum;
            if (segment.whole()) {
                sum = segment.multiply<true>(x, groups, digits, base);
            } else {
                mark_rare();
                sum = segment.multiply<false>(x, groups, digits, base);
            }
            if (warp_any(outlier != no_outlier)) {
                mark_rare();
                sum += segment.correction(unit, product, tile, b, base, opaque(outlier));
            }
            open.add(b, sum);
            if (++b == product.batch) break;
            mark_rare();
        }
        if (column + (segment.to - segment.from) * step_elements == product.columns)
            open.end(product, at / product.columns);
        step = segment.to;
        if (step >= end) break;
        mark_rare();
    }
}

// Multiplies the share of each warp; `shared` lies in shared memory.
template <class Model>
__device__ __forceinline__ void multiply(const TileUnit &unit, const Product &product, const Model &model,
                                         TileBlock<Model> &shared) {
    Book book;
    uint32_t *table = shared.table[0].words;
    const bool found = find_book(unit, model, book, table);
    const uint32_t warp = thread_index() / warp_threads;
    TileMemory<Model::lane_lookups> &memory = shared.warp[warp];
    const bool usable = found && is_aligned(unit.codes, sizeof(Words4)) && is_aligned(unit.tiles, sizeof(Words2)) &&
                        is_aligned(unit.sign_mantissa, sizeof(Words2));
    const uint64_t share = uint64_t{block_index()} * TileBlock<Model>::warps + warp;
    const uint64_t begin = product.first_tile() + share * product.run();
    if (begin > product.last_tile()) return;
    uint32_t tile = static_cast<uint32_t>(begin);
    const uint32_t last = smaller(tile + product.run() - 1, product.last_tile());

    OpenRow open = {0};
    for (;;) {
        keep_loop();
        bool decoded = usable && tile < unit.n_elements / tile_elements;
        uint32_t outlier = no_outlier;
        if (decoded) {
            const Extent extent = find_extent(unit, tile);
            decoded = extent.usable;
            if (decoded) {
                Blocks blocks;
                blocks.fetch(unit, extent);
                warp_barrier();  // no lane is busy with the last tile
                blocks.stage(memory.blocks);
                warp_barrier();
                decoded = decode_lanes<Model>(unit, book, table, extent, memory, outlier);
                warp_barrier();
            }
        }
        if (decoded && product.regular()) {
            multiply_tile(unit, product, tile, memory.digits, book.base, outlier, open);
        } else if (decoded) {
            multiply_lanes(unit, product, opaque(tile), memory.lane_digits(opaque(lane_index())), opaque(book.base),
                           outlier);
        } else if (product.regular()) {
            multiply_rows(unit, product, opaque(tile), open);
        } else {
            multiply_runs(unit, product, opaque(tile));
        }
        if (tile == last) break;
        mark_rare();
        tile++;
    }
    // The row that the last tile leaves open.
    const uint32_t end = (tile + 1) * tile_elements - product.first;
    if (product.regular() && end < product.size() && end % product.columns != 0) {
        mark_rare();
        open.end(product, end / product.columns);
    }
}

}  // namespace bespoke
