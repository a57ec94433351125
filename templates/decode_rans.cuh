// Decoding matrices of package rans: each warp decodes pairs of splits, one pair after another.
//
// Whatever the tensors hold, no access leaves them and every loop ends.
#pragma once

#include "rans_split.cuh"

namespace bespoke {

// Where the weights of a split go.
struct RansOutputs {
    Words2 *to;  // of this lane, of the next step of a run
    Words2 held[run_steps];  // of a turn, which are written all at once

    __device__ __forceinline__ RansOutputs()
        : to(reinterpret_cast<Words2 *>(own_place().outputs + own_place().first * step_weights) + half_lane()) {}

    __device__ __forceinline__ bool aligned() const { return is_aligned(own_place().outputs, sizeof(Words2)); }

    // Four weights of step number Step of a turn.
    template <uint32_t Step>
    __device__ __forceinline__ void take(const Words2 &four) {
        held[Step] = four;
    }

    __device__ __forceinline__ void go_on(uint32_t steps) {
#pragma unroll
        for (uint32_t i = 0; i < run_steps; i++) store_once(to + i * half_lanes, held[i]);
        to += steps * half_lanes;
    }
    __device__ __forceinline__ void end_step(bool) {}

    // Weight i of the block.
    __device__ __forceinline__ void put(uint32_t i, uint32_t weight) {
        own_place().outputs[i] = static_cast<uint16_t>(weight);
    }
};

// The number of the matrix that a pair belongs to.
__device__ __forceinline__ uint32_t matrix_of_pair(const RansMatrix *matrices, uint32_t count, uint32_t pair) {
    uint32_t from = 0;
    while (count - from > 1) {
        keep_loop();
        const uint32_t middle = from + (count - from) / 2;
        if (matrices[middle].first <= pair)
            from = middle;
        else
            count = middle;
    }
    return from;
}

// A warp decodes a pair of splits: a grid has as many warps as there are pairs. The matrices have numbers from this one
// on, for errors.
template <class Plane>
__device__ __forceinline__ void decode_pair(const RansMatrix *matrices, uint32_t count, uint32_t number,
                                            uint64_t *error) {
    const uint32_t pair = block_index() * (rans_threads / warp_threads) + thread_index() / warp_threads;
    const uint32_t i = matrix_of_pair(matrices, count, pair);
    const RansMatrix *matrix = matrices + i;
    if (pair - matrix->first >= matrix->pairs()) return;
    const RansTable table(matrix->table());
    RansSplit<Plane> split(matrix, number + i, pair - matrix->first);
    const RansLane lane;
    RansOutputs out;
    split.run_all(table, lane, out);
    split.step_all(table, lane, out);
    split.finish();
    split.patch(out);
    split.report(error);
}

}  // namespace bespoke
