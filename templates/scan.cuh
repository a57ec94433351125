// Prefix sum over the threads of a block.
#pragma once

#include "platform.cuh"

namespace bespoke {

// Sums over the warps of a block, in shared memory; the caller sets all words to 0.
template <uint32_t Threads>
struct WarpSums {
    static constexpr uint32_t warps = Threads / warp_threads;
    static_assert(warps < warp_threads, "one lane a warp, and one for the sum of all");
    uint32_t before[warp_threads];  // the sum of the warps before this one

    // Adds the value to what follows in the sums that are at this place, and returns the sum over the lanes up to this
    // one. The caller has a barrier afterwards.
    static __device__ __forceinline__ uint32_t add(const SharedPlace &sums, uint32_t value) {
        const uint32_t lane = thread_index() % warp_threads, warp = thread_index() / warp_threads;
        const uint32_t sum = sum_up_to_lane(value);
        const uint32_t all = from_last_lane(sum);
        sums.word(lane).add(lane > warp ? all : 0);
        return sum;
    }

    // Adds to the sum of all, and to nothing else.
    __device__ __forceinline__ void add_to_total(uint32_t value) { atomic_add(&before[warps], value); }

    __device__ __forceinline__ uint32_t before_warp() const { return before[thread_index() / warp_threads]; }
    __device__ __forceinline__ uint32_t total() const { return before[warps]; }
};

}  // namespace bespoke
