// Runs launches of a kernel that was compiled with host.h inside the process that loads it as a shared library:
// the stand-in driver of the tests. One launch at a time, from one thread at a time.

#include <algorithm>
#include <numeric>
#include <utility>

#include "builtins.h"

// The bounds of static shared memory, null in a kernel that has none.
extern "C" __attribute__((weak, visibility("hidden"))) char __start_cuda_shared[], __stop_cuda_shared[];

namespace {

constexpr unsigned most_arguments = 16;

// Calls a function of the C calling convention, in which arguments of 4 and of 8 bytes take the same room.
template <std::size_t... I>
void call(void (*entry)(), const std::uint64_t *a, std::index_sequence<I...>) {
    reinterpret_cast<void (*)(decltype(a[I] + 0)...)>(entry)(a[I]...);
}

}  // namespace

// Runs all blocks of an entry, in an order that the seed chooses.
extern "C" void host_launch(void (*entry)(), const std::uint64_t *arguments, unsigned count, unsigned blocks, unsigned threads,
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
    gridDim = {blocks, 1, 1};
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
