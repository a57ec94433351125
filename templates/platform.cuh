// The words of CUDA that the kernel uses, for the compilers that read it: nvcc and NVRTC know them;
// clang, which compiles CUDA without any toolkit or header, gets them here; a host compiler gets them
// from a header that runs the threads of a block as fibers and defines BESPOKE_HOST.
#pragma once

#if defined(__clang__) && defined(__CUDA__) && !defined(__global__)
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define BESPOKE_WITHOUT_HEADERS
#endif

namespace bespoke {

// Fixed-width types of our own: the published kernel declares them too, as no header is at hand.
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;

constexpr uint32_t warp_threads = 32;

__device__ __forceinline__ uint32_t thread_index() {
#ifdef BESPOKE_WITHOUT_HEADERS
    return __nvvm_read_ptx_sreg_tid_x();
#else
    return threadIdx.x;
#endif
}

__device__ __forceinline__ uint32_t block_index() {
#ifdef BESPOKE_WITHOUT_HEADERS
    return __nvvm_read_ptx_sreg_ctaid_x();
#else
    return blockIdx.x;
#endif
}

// Waits for all threads of the block; what they wrote is visible to all afterwards.
__device__ __forceinline__ void block_barrier() {
    __syncthreads();
}

// The value of the lane that lies delta below in the warp; the lowest lanes get their own back.
__device__ __forceinline__ uint32_t from_lane_below(uint32_t value, uint32_t delta) {
#ifdef BESPOKE_WITHOUT_HEADERS
    return __nvvm_shfl_sync_up_i32(0xffffffffu, value, delta, 0);
#else
    return __shfl_up_sync(0xffffffffu, value, delta);
#endif
}

// The dynamic shared memory of the block, aligned to 16 bytes.
__device__ __forceinline__ uint8_t *dynamic_shared() {
#ifdef BESPOKE_HOST
    return host_dynamic_shared();
#else
    extern __shared__ __attribute__((aligned(16))) uint8_t dynamic_memory[];
    return dynamic_memory;
#endif
}

// How much of it the launch asked for.
__device__ __forceinline__ uint32_t dynamic_shared_bytes() {
#ifdef BESPOKE_HOST
    return host_dynamic_shared_bytes();
#else
    uint32_t bytes;
    asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(bytes));
    return bytes;
#endif
}

// Whether p may be read or written in units of `bytes`, a power of two.
__device__ __forceinline__ bool is_aligned(const void *p, uint32_t bytes) {
    return (reinterpret_cast<uint64_t>(p) & (bytes - 1)) == 0;
}

}  // namespace bespoke
