// Runs launches of a kernel that was compiled with cudahost.h inside the process that loads it as a shared library:
// the stand-in driver of the tests. One launch at a time, from one thread at a time.

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "fibers.h"

// The bounds of static shared memory, null in a kernel that has none.
extern "C" __attribute__((weak, visibility("hidden"))) char __start_cuda_shared[], __stop_cuda_shared[];

HostIndex threadIdx, blockIdx;

namespace {

constexpr unsigned most_arguments = 16;

Block *block;
std::unique_ptr<unsigned char[]> dynamic_shared;
unsigned dynamic_bytes;

// Calls a function of the C calling convention, in which arguments of 4 and of 8 bytes take the same room.
template <std::size_t... I>
void call(void (*entry)(), const std::uint64_t *a, std::index_sequence<I...>) {
    reinterpret_cast<void (*)(decltype(a[I] + 0)...)>(entry)(a[I]...);
}

}  // namespace

void __syncthreads() { block->block_barrier(); }
int __syncthreads_or(int predicate) { return block->block_barrier(predicate != 0); }
unsigned __shfl_up_sync(unsigned, unsigned value, unsigned delta) {
    return block->shuffle(value, [delta](unsigned lane) { return lane < delta ? lane : lane - delta; });
}
unsigned __shfl_sync(unsigned, unsigned value, unsigned from) {
    return block->shuffle(value, [from](unsigned) { return from; });
}
std::uint8_t *host_dynamic_shared() { return dynamic_shared.get(); }
unsigned host_dynamic_shared_bytes() { return dynamic_bytes; }

// Runs all blocks of an entry, in an order that the seed chooses.
extern "C" void cudahost_launch(void (*entry)(), const std::uint64_t *arguments, unsigned count, unsigned blocks, unsigned threads,
                                unsigned shared_bytes, std::uint64_t seed) {
    if (threads > max_threads) fail("launch with more threads than there are fibers");
    std::uint64_t words[most_arguments] = {};
    std::copy_n(arguments, std::min(count, most_arguments), words);
    static Block all;
    block = &all;
    std::mt19937_64 random(seed);
    std::vector<unsigned> order(blocks);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    dynamic_bytes = shared_bytes;
    dynamic_shared.reset(new unsigned char[shared_bytes + 1]);
    for (unsigned b : order) {
        blockIdx = {b, 0, 0};
        const unsigned char noise = static_cast<unsigned char>(random());
        std::fill_n(dynamic_shared.get(), shared_bytes, noise);
        std::fill(__start_cuda_shared, __stop_cuda_shared, static_cast<char>(noise + 1));
        all.run(random, threads, [&] { call(entry, words, std::make_index_sequence<most_arguments>()); });
    }
}
