// What lanes of a warp tell each other, and instructions that a few kernels only use.
#pragma once

#include "platform.cuh"

namespace bespoke {

// An address that was found in device memory. The tests' stand-in for a driver marks those.
template <class T>
__device__ __forceinline__ T *stored(T *p) {
#ifdef BESPOKE_HOST
    return host_pointer(p);
#else
    return p;
#endif
}

__device__ __forceinline__ uint32_t lane_of_warp() { return thread_index() % warp_threads; }

// The value of the lane whose number the low five bits of from are.
__device__ __forceinline__ uint32_t from_lane(uint32_t value, uint32_t from) {
#ifdef __CUDA_ARCH__
    uint32_t other;
    asm volatile("shfl.sync.idx.b32 %0, %1, %2, 31, -1;" : "=r"(other) : "r"(value), "r"(from));
    return other;
#else
    return __shfl_sync(0xffffffffu, value, from % warp_threads);
#endif
}

// The value of the last lane of the own half of the warp.
__device__ __forceinline__ uint32_t from_end_of_half(uint32_t value) {
#ifdef __CUDA_ARCH__
    uint32_t other;
    asm volatile("shfl.sync.idx.b32 %0, %1, 15, 0x101f, -1;" : "=r"(other) : "r"(value));
    return other;
#else
    return __shfl_sync(0xffffffffu, value, lane_of_warp() | 15);
#endif
}

// A bit of each lane: whether it came with true.
__device__ __forceinline__ uint32_t ballot(bool mine) {
#ifdef BESPOKE_WITHOUT_HEADERS
    return __nvvm_vote_ballot_sync(0xffffffffu, mine);
#else
    return __ballot_sync(0xffffffffu, mine);
#endif
}

__device__ __forceinline__ uint32_t bits_set(uint32_t word) {
#ifdef __CUDA_ARCH__
    uint32_t n;
    asm("popc.b32 %0, %1;" : "=r"(n) : "r"(word));
    return n;
#else
    return static_cast<uint32_t>(__builtin_popcount(word));
#endif
}

// The upper word of a product.
__device__ __forceinline__ uint32_t upper_product(uint32_t a, uint32_t b) {
    return static_cast<uint32_t>(static_cast<uint64_t>(a) * b >> 32);
}

// Four of the eight bytes of high:low, as the digits of choice say, see permute.
__device__ __forceinline__ uint32_t permute_by(uint32_t low, uint32_t high, uint32_t choice) {
#ifdef __CUDA_ARCH__
    uint32_t word;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(word) : "r"(low), "r"(high), "r"(choice));
    return word;
#else
    const uint64_t bytes = static_cast<uint64_t>(high) << 32 | low;
    uint32_t word = 0;
    for (uint32_t i = 0; i < 4; i++) word |= static_cast<uint32_t>(bytes >> 8 * (choice >> 4 * i & 7) & 0xff) << 8 * i;
    return word;
#endif
}

// Fetches the bytes around an address of global memory into the cache of the multiprocessor.
__device__ __forceinline__ void prefetch(uint64_t from) {
#ifdef __CUDA_ARCH__
    asm volatile("prefetch.global.L1 [%0];" : : "l"(from));
#else
    [[maybe_unused]] const uint8_t byte = *reinterpret_cast<const volatile uint8_t *>(from);
#endif
}

// Two words that nobody reads soon, see the other store_once.
template <uint32_t Bytes = 0>
__device__ __forceinline__ void store_once(Words2 *to, const Words2 &words) {
#ifdef __CUDA_ARCH__
    asm volatile("st.global.cg.v2.u32 [%0+%1], {%2, %3};"
                 :
                 : "l"(global_address(to)), "n"(Bytes), "r"(words.words[0]), "r"(words.words[1])
                 : "memory");
#else
    *reinterpret_cast<Words2 *>(reinterpret_cast<uint8_t *>(to) + Bytes) = words;
#endif
}

}  // namespace bespoke
