// Products y = W x with a matrix of package rans, whose rows are whole steps. Weights are multiplied as they are
// decoded, and written nowhere.
//
// The order of the sums is fixed. A lane adds the products of its four weights of every step of a row, in their order.
// The sums of the 16 lanes of a half are added in pairs: those of lanes 8 apart, then 4, 2 and 1 apart. Where a row
// goes through several splits, the sums of these are added in their order, by join_parts.
#pragma once

#include "decode_rans.cuh"

namespace bespoke {

// What the product is of, and where it goes.
struct RansProduct {
    const uint16_t *x;  // `columns` numbers, bfloat16
    float *y;           // one for each row
    float *parts;       // two for each split: of the row that began before it, and of the one that goes on behind it
    uint32_t columns;   // a multiple of step_weights
};

// The step of the matrix with which a split begins. Blocks are whole steps.
__device__ __forceinline__ uint64_t first_step(const RansMatrix &matrix, uint32_t block, uint32_t first) {
    return static_cast<uint64_t>(block) * (matrix.block_weights / step_weights) + first;
}

// The sum over the lanes of the own half of the warp, the same in all of them.
__device__ __forceinline__ float sum_of_half(float value) {
#pragma unroll
    for (uint32_t apart = half_lanes / 2; apart > 0; apart /= 2)
        value += float_of(from_lane(bits_of(value), lane_of_warp() ^ apart));
    return value;
}

// Multiplies the weights of a split.
template <class Plane>
struct RansSums {
    const RansProduct &product;
    const Words2 *x;     // of this lane, of the next step
    float sum;           // of the row that is open
    uint32_t row, left;  // its number, and how many steps of it are left
    bool cut;            // it began before the split

    __device__ __forceinline__ explicit RansSums(const RansProduct &product) : product(product), sum(0) {
        const RansPlace &place = own_place();
        const uint64_t begin = first_step(*place.matrix, place.block, place.first);
        const uint32_t before = static_cast<uint32_t>(begin % row_steps());
        row = static_cast<uint32_t>(begin / row_steps());
        left = row_steps() - before;
        cut = before > 0;
        x = numbers() + before * half_lanes;
    }

    // Whether whole turns of a run end with rows, and no weight of the split is patched.
    __device__ __forceinline__ bool aligned() const {
        const RansPlace &place = own_place();
        const uint32_t begin = place.first * step_weights, end = begin + place.steps * step_weights;
        return left % run_steps == 0 && row_steps() % run_steps == 0 && is_aligned(product.x, sizeof(Words2)) &&
               (place.patches == 0 || place.patches_below(begin) == place.patches_below(end));
    }

    // Four weights of step number Step.
    template <uint32_t Step>
    __device__ __forceinline__ void take(const Words2 &four) {
        const Words2 numbers = load_constant<Step * step_weights * sizeof(uint16_t)>(x);
#pragma unroll
        for (uint32_t i = 0; i < 2; i++) {
            sum = add_product(sum, four.words[i] << 16, numbers.words[i] << 16);
            sum = add_product(sum, four.words[i] & 0xffff0000, numbers.words[i] & 0xffff0000);
        }
    }

    // Goes on by steps, of a run of both halves, or by one of those that do it. All lanes of the warp take part.
    __device__ __forceinline__ void go_on(uint32_t steps) {
        left -= steps;
        x += steps * half_lanes;
        close_row();
    }

    __device__ __forceinline__ void end_step(bool mine) {
        if (mine) left--, x += half_lanes;
        close_row();
    }

    __device__ __forceinline__ void close_row() {
        if (!warp_any(left == 0)) return;
        mark_rare();
        const float all = sum_of_half(sum);
        if (left > 0) return;
        if (half_lane() == 0) *(cut ? product.parts + 2 * own_place().number : product.y + row) = all;
        sum = 0;
        row++;
        left = row_steps();
        cut = false;
        x = numbers();
    }

    // Weight i of the block. Its patch is looked for: a sum cannot be put right where a number is infinite.
    __device__ __forceinline__ void put(uint32_t i, uint32_t weight) {
        const RansPlace &place = own_place();
        const uint32_t at = place.patches_below(i);
        if (at < place.patches && place_of(place.patch(at)) == i) {
            const uint32_t coded = Plane::coded(Plane::symbols - 1);
            weight = select(Plane::coded(place.patch(at) >> place_bits), weight, coded);
        }
        const uint16_t *number = reinterpret_cast<const uint16_t *>(x) + i % lane_states;
        sum = add_product(sum, weight << 16, static_cast<uint32_t>(*number) << 16);
    }

    // Keeps what there is of a row that goes on behind the split.
    __device__ __forceinline__ void finish() {
        const float all = sum_of_half(sum);
        const RansPlace &place = own_place();
        if (place.steps > 0 && left < row_steps() && half_lane() == 0) product.parts[2 * place.number + !cut] = all;
    }

private:
    __device__ __forceinline__ uint32_t row_steps() const { return product.columns / step_weights; }

    __device__ __forceinline__ const Words2 *numbers() const {
        return reinterpret_cast<const Words2 *>(product.x) + half_lane();
    }
};

// What patches are put into where no weights are kept.
struct RansNowhere {
    __device__ __forceinline__ void put(uint32_t, uint32_t) {}
};

// The threads of a block fetch x into the cache of the multiprocessor, each another part: else all warps wait for the
// same part of it in every step of the first row.
__device__ __forceinline__ void fetch_numbers(const RansProduct &product) {
    constexpr uint32_t sector = 32 / sizeof(uint16_t);
    for (uint32_t i = sector * thread_index(); i < product.columns; i += sector * rans_threads) {
        keep_loop();
        prefetch(global_address(product.x + i));
    }
}

// A warp multiplies a pair of splits: a grid has as many warps as there are pairs. Rows whose sums are in parts are
// missing in y.
template <class Plane>
__device__ __forceinline__ void multiply_pair(const RansMatrix *matrix, const RansProduct &product, uint32_t number,
                                              uint64_t *error) {
    const uint32_t pair = block_index() * (rans_threads / warp_threads) + thread_index() / warp_threads;
    fetch_numbers(product);
    if (pair >= matrix->pairs()) return;
    const RansTable table(matrix->table());
    RansSplit<Plane> split(matrix, number, pair);
    const RansLane lane;
    RansSums<Plane> sums(product);
    split.run_all(table, lane, sums);
    split.step_all(table, lane, sums);
    split.finish();
    sums.finish();
    RansNowhere nowhere;
    split.patch(nowhere);
    split.report(error);
}

// Adds the parts of rows that go through several splits: a thread for each split, which is busy if such a row begins
// in it.
__device__ __forceinline__ void join_parts(const RansMatrix &matrix, const RansProduct &product) {
    const uint32_t split = block_index() * rans_threads + thread_index(), row_steps = product.columns / step_weights;
    if (split >= matrix.n_splits) return;
    const RansRange range(matrix, split);
    const uint64_t end = first_step(matrix, range.block, range.first) + range.steps;
    const uint32_t open = static_cast<uint32_t>(end % row_steps);
    if (open == 0 || open > range.steps) return;
    float sum = product.parts[2 * split + 1];
    uint32_t left = row_steps - open;
    for (uint32_t i = split + 1; left > 0 && i < matrix.n_splits; i++) {
        keep_loop();
        sum += product.parts[2 * i];
        left -= smaller(left, RansRange(matrix, i).steps);
    }
    product.y[end / row_steps] = sum;
}

}  // namespace bespoke
