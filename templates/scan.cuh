// Prefix sum over the threads of a block.
#pragma once

#include "platform.cuh"

namespace bespoke {

// Sums over the warps of a block, in shared memory: of those before each warp and, last, of all. The
// caller sets them to what every sum starts from.
template <uint32_t Threads>
struct WarpSums {
    static constexpr uint32_t warps = Threads / warp_threads;
    static constexpr uint32_t size = warps + 1;
    uint32_t before[size];

    // The sum of value over the lanes up to this one. It adds the sum of the warp to those that have
    // it before them; the caller has a barrier afterwards.
    __device__ __forceinline__ uint32_t up_to_lane(uint32_t value) {
        const uint32_t lane = thread_index() % warp_threads, warp = thread_index() / warp_threads;
        uint32_t sum = value;
#pragma unroll
        for (uint32_t delta = 1; delta < warp_threads; delta *= 2) sum = add_lane_below(sum, delta);
        const uint32_t all = from_last_lane(sum);
        if (lane > warp && lane < size) atomic_add(&before[lane], all);
        return sum;
    }
};

}  // namespace bespoke
