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

#include "decode_tiles.cuh"

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
        const uint32_t sign_mantissa = unit.sign_mantissa[tile * tile_elements + place];
        const uint32_t x = product.vector(vector)[column + at];
        return weight_of(outlier_exponent(outlier), sign_mantissa) * float_of(x << 16);
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
    const uint32_t at = open.row * product.columns + open.column;
    const uint64_t tile_end = (uint64_t{tile} + 1) * tile_elements - product.first;
    uint32_t left = (tile_end < product.size() ? static_cast<uint32_t>(tile_end) : product.size()) - at;
    while (left > 0) {
        keep_loop();
        const uint32_t weights = smaller(left, product.columns - open.column);
        for (uint32_t b = 0; b < product.batch; b++) {
            keep_loop();
            RowPart part = {unit, product, b, open.row};
            Run run;
            const bool right = read_tile(unit, tile, run, part);
            open.add(b, right ? part.sum : float_of(uint32_t{not_a_number} << 16));
        }
        open.advance(product, weights);
        left -= weights;
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
    const bool aligned = unit.aligned();
    uint32_t *table = shared.table[0].words;
    Book book = model.book(0);
    const bool found =
        aligned && (is_first_book(unit, model, table) || find_other_book(unit, model, book, table));
    // These tiles, those with all their weights.
    const uint32_t by_table = found && starts(unit) ? unit.n_elements / tile_elements : 0;
    const uint32_t warp = thread_index() / warp_threads;
    const uint64_t share = uint64_t{block_index()} * TileBlock<Model>::warps + warp;
    const uint64_t begin = product.first_tile() + share * product.run();
    if (begin > product.last_tile()) return;

    TileMemory<Model::lane_lookups> &memory = shared.warp[warp];
    uint32_t tile = static_cast<uint32_t>(begin);
    const uint32_t last = smaller(tile + product.run() - 1, product.last_tile());
    const bool regular = product.regular();
    OpenRow open(product, tile * tile_elements > product.first ? tile * tile_elements - product.first : 0);
    for (;; tile++) {
        keep_loop();
        if (tile >= by_table ||
            !multiply_by_table<Model>(unit.again(), product, book, table, memory, tile, regular, open)) {
            if (regular)
                multiply_rows(unit, product.again(), opaque(tile), open);
            else
                multiply_runs(unit, product.again(), opaque(tile));
        }
        if (tile == last) break;
        mark_rare();
    }
    if (regular) open.close(product);
}

}  // namespace bespoke
