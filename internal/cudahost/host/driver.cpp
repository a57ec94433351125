// Runs launches of a kernel that was compiled with cudahost.h. It reads requests from standard input and
// answers on standard output until the input ends:
//
//   request   11 words of 64 bits: seed, entry, blocks, bytes of dynamic shared memory, offset, offset
//             of the output, n_luts, n_bytes, n_elements, number of the unit, words of output; then luts,
//             codes, sign_mantissa, output_positions, gaps and table, each a 64-bit length and its bytes
//   answer    the error word, 64 bits, and the output words
//
// Tensors lie in heap blocks of exactly their size, the offset in bytes, for the output in words, behind an aligned
// address.

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>

#include "fibers.h"

// The entries that a source may have.
#define PUBLISHED_TENSORS                                                                                     \
    const unsigned char *luts, const unsigned char *codes, const unsigned char *sign_mantissa,                 \
        const unsigned *output_positions, const unsigned char *gaps, unsigned short *outputs
#define OWN_NUMBERS unsigned n_luts, unsigned n_bytes, unsigned n_elements, unsigned unit, unsigned long long *error
extern "C" {
__attribute__((weak)) void decode(PUBLISHED_TENSORS, int n_luts, int n_bytes, int n_elements);
__attribute__((weak)) void decode_native(PUBLISHED_TENSORS, OWN_NUMBERS);
__attribute__((weak)) void decode_native_table(PUBLISHED_TENSORS, OWN_NUMBERS, const unsigned *table);
}

// The bounds of static shared memory, null in a kernel that has none.
extern "C" __attribute__((weak)) char __start_cuda_shared[], __stop_cuda_shared[];

HostIndex threadIdx, blockIdx;

namespace {

Block *block;
std::unique_ptr<unsigned char[]> dynamic_shared;
std::size_t dynamic_bytes;

// What the output holds before a launch: a pattern, so that words never written are seen.
constexpr unsigned char untouched = 0x55;

bool read_all(void *to, std::size_t n) {
    char *p = static_cast<char *>(to);
    while (n > 0) {
        const ssize_t got = read(0, p, n);
        if (got <= 0) return false;
        p += got;
        n -= static_cast<std::size_t>(got);
    }
    return true;
}

void write_all(const void *from, std::size_t n) {
    const char *p = static_cast<const char *>(from);
    while (n > 0) {
        const ssize_t put = write(1, p, n);
        if (put <= 0) std::exit(1);
        p += put;
        n -= static_cast<std::size_t>(put);
    }
}

struct Tensor {
    std::unique_ptr<unsigned char[]> memory;
    unsigned char *data = nullptr;

    void allocate(std::size_t n, std::size_t offset) {
        memory.reset(new unsigned char[n + offset]);
        data = memory.get() + offset;
    }

    bool read(std::size_t offset) {
        std::uint64_t n;
        if (!read_all(&n, sizeof n)) return false;
        allocate(n, offset);
        return read_all(data, n);
    }
};

struct Request {
    std::uint64_t seed, entry, blocks, shared_bytes, offset, output_offset;
    std::int64_t n_luts, n_bytes, n_elements, unit;
    std::uint64_t words;
};

void launch(const Request &r, unsigned threads, const std::function<void()> &kernel) {
    std::mt19937_64 random(r.seed);
    std::vector<unsigned> order(r.blocks);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    dynamic_bytes = r.shared_bytes;
    for (unsigned b : order) {
        blockIdx = {b, 0, 0};
        // A new block of memory each time: nothing of the last block is left, and noise is in its place.
        dynamic_shared.reset(new unsigned char[dynamic_bytes]);
        for (std::size_t i = 0; i < dynamic_bytes; i++) dynamic_shared[i] = static_cast<unsigned char>(random());
        for (char *p = __start_cuda_shared; p != __stop_cuda_shared; p++) *p = static_cast<char>(random());
        block->run(random, threads, kernel);
    }
}

bool serve() {
    Request r;
    if (!read_all(&r, sizeof r)) return false;
    Tensor luts, codes, sign_mantissa, positions, gaps, table, outputs;
    if (!luts.read(r.offset) || !codes.read(r.offset) || !sign_mantissa.read(r.offset) || !positions.read(0) ||
        !gaps.read(r.offset) || !table.read(0))
        return false;
    outputs.allocate(2 * r.words, 2 * r.output_offset);
    std::memset(outputs.data, untouched, 2 * r.words);
    const auto *position_words = reinterpret_cast<const unsigned *>(positions.data);
    auto *output_words = reinterpret_cast<unsigned short *>(outputs.data);
    const auto n_luts = static_cast<unsigned>(r.n_luts), n_bytes = static_cast<unsigned>(r.n_bytes),
               n_elements = static_cast<unsigned>(r.n_elements), unit = static_cast<unsigned>(r.unit);
    unsigned long long error = 0;
    switch (r.entry) {
    case 0:
        launch(r, 512, [&] {
            decode(luts.data, codes.data, sign_mantissa.data, position_words, gaps.data, output_words,
                   static_cast<int>(r.n_luts), static_cast<int>(r.n_bytes), static_cast<int>(r.n_elements));
        });
        break;
    case 1:
        launch(r, 256, [&] {
            decode_native(luts.data, codes.data, sign_mantissa.data, position_words, gaps.data, output_words, n_luts,
                          n_bytes, n_elements, unit, &error);
        });
        break;
    default:
        launch(r, 256, [&] {
            decode_native_table(luts.data, codes.data, sign_mantissa.data, position_words, gaps.data, output_words,
                                n_luts, n_bytes, n_elements, unit, &error,
                                reinterpret_cast<const unsigned *>(table.data));
        });
    }
    write_all(&error, sizeof error);
    write_all(outputs.data, 2 * r.words);
    return true;
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
unsigned host_dynamic_shared_bytes() { return static_cast<unsigned>(dynamic_bytes); }

int main() {
    Block threads;
    block = &threads;
    while (serve()) {
    }
    return 0;
}
