// Prefix sum over the threads of a block.
#pragma once

#include "stream.cuh"

namespace bespoke {

constexpr uint32_t block_warps = chunk_windows / warp_threads;

// The sum of value over the threads before this one. It stores the sum of each warp in warp_sums; the
// caller has a barrier and then finds the whole in before_warp and block_sum.
__device__ __forceinline__ uint32_t before_lane(uint32_t value, uint32_t *warp_sums) {
    const uint32_t lane = thread_index() % warp_threads;
    uint32_t sum = value;
    for (uint32_t delta = 1; delta < warp_threads; delta *= 2) {
        const uint32_t below = from_lane_below(sum, delta);
        if (lane >= delta) sum += below;
    }
    if (lane == warp_threads - 1) warp_sums[thread_index() / warp_threads] = sum;
    return sum - value;
}

// The sum over the first `warps` warps.
__device__ __forceinline__ uint32_t sum_of_warps(const uint32_t *warp_sums, uint32_t warps) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < block_warps; i++) sum += i < warps ? warp_sums[i] : 0;
    return sum;
}

}  // namespace bespoke
