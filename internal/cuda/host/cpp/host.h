// What CUDA C++ a kernel needs to compile as C++17 on the host. It is included before the kernel's
// source; driver.cpp runs the threads of a block as fibers of one thread.
#pragma once

#include <cstddef>
#include <cstdint>

#define BESPOKE_HOST
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)

// Static shared memory lies in a section of its own, which the driver fills with noise before every
// block. Blocks run one after another and share it.
#define __shared__ static __attribute__((section("cuda_shared")))

struct HostIndex {
    unsigned x, y, z;
};

// Of the thread that runs, and how many blocks there are.
extern HostIndex threadIdx, blockIdx, gridDim;

void __syncthreads();
void __syncwarp();
int __any_sync(unsigned mask, int predicate);
unsigned __ballot_sync(unsigned mask, int predicate);
unsigned __shfl_up_sync(unsigned mask, unsigned value, unsigned delta);
unsigned __shfl_sync(unsigned mask, unsigned value, unsigned lane);
unsigned __shfl_xor_sync(unsigned mask, unsigned value, unsigned lanes);

// Dynamic shared memory: a heap block of exactly the size of the launch, so that a sanitizer sees
// every access beyond it.
std::uint8_t *host_dynamic_shared();
unsigned host_dynamic_shared_bytes();

// The pointer for an address of device memory, in which the stand-in for a driver sets a bit. The driver removes it from
// arguments of kernels; from what lies in memory it cannot.
template <class T>
T *host_pointer(T *p) {
    return reinterpret_cast<T *>(reinterpret_cast<std::uintptr_t>(p) & ~(std::uintptr_t{1} << 62));
}
