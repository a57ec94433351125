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

    // Adds the value to what follows in the sums that lie so many bytes behind a place, and returns the sum over the
    // lanes up to this one. The caller has a barrier afterwards.
    template <uint32_t Bytes>
    static __device__ __forceinline__ uint32_t add(const SharedPlace &place, uint32_t value) {
        const uint32_t lane = thread_index() % warp_threads, warp = thread_index() / warp_threads;
        const uint32_t sum = sum_up_to_lane(value);
        const uint32_t all = from_last_lane(sum);
        place.word(lane).template add<Bytes>(lane > warp ? all : 0);
        return sum;
    }

    // Adds to the sum of all, and to nothing else.
    __device__ __forceinline__ void add_to_total(uint32_t value) { atomic_add(&before[warps], value); }

    // The sum over the warps before this one.
    template <uint32_t Bytes>
    static __device__ __forceinline__ uint32_t before_warp(const SharedPlace &place) {
        return place.word(thread_index() / warp_threads).template load<Bytes>();
    }

    __device__ __forceinline__ uint32_t total() const { return before[warps]; }
};

}  // namespace bespoke
