// Runs launches of a kernel that was compiled with host.h. It reads requests from standard input and
// answers on standard output until the input ends:
//
//   request   15 words of 64 bits: seed, entry, blocks, bytes of dynamic shared memory, offset, offset
//             of the output, n_luts, n_bytes, n_elements, number of the unit, words of output, first element, rows, columns and batch of a product; then luts,
//             codes, sign_mantissa, output_positions, gaps, tiles, x and table, each a 64-bit length and its bytes
//   answer    the error word, 64 bits, and the output words
//
// For kernels of package rans, the request goes on behind its 15 words with the number of matrices, 64 bits, and for each
// of them: table, index, blocks, plane, states and positions, as above, and its description, whose addresses are filled
// in here; and then x. The words of output are the weights of all matrices, one after another, or the product with the
// first one.
//
// Tensors lie in heap blocks of exactly their size, the offset in bytes, for the output in words, behind an aligned
// address.

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>

#include "builtins.h"

// The entries that a source may have.
#define PUBLISHED_TENSORS                                                                                     \
    const unsigned char *luts, const unsigned char *codes, const unsigned char *sign_mantissa,                 \
        const unsigned *output_positions, const unsigned char *gaps, unsigned short *outputs
#define TILE_TENSORS                                                                                          \
    const unsigned char *luts, const unsigned char *codes, const unsigned char *sign_mantissa,                 \
        const unsigned char *tiles, unsigned short *outputs
#define MATVEC_TENSORS                                                                                        \
    const unsigned char *luts, const unsigned char *codes, const unsigned char *sign_mantissa,                 \
        const unsigned char *tiles, const unsigned short *x, float *y
#define MATVEC_NUMBERS                                                                                        \
    unsigned n_luts, unsigned n_bytes, unsigned n_elements, unsigned first, unsigned rows, unsigned columns,   \
        unsigned batch, unsigned unit, unsigned long long *error
#define SIZED_NUMBERS unsigned n_luts, unsigned n_bytes, unsigned n_elements, unsigned shared_bytes, unsigned unit, \
                      unsigned long long *error
#define OWN_NUMBERS unsigned n_luts, unsigned n_bytes, unsigned n_elements, unsigned unit, unsigned long long *error
extern "C" {
__attribute__((weak)) void decode(PUBLISHED_TENSORS, int n_luts, int n_bytes, int n_elements);
__attribute__((weak)) void decode_native(PUBLISHED_TENSORS, SIZED_NUMBERS);
__attribute__((weak)) void decode_native_table(PUBLISHED_TENSORS, SIZED_NUMBERS, const unsigned *table);
__attribute__((weak)) void decode_tiles(TILE_TENSORS, OWN_NUMBERS);
__attribute__((weak)) void decode_tiles_table(TILE_TENSORS, OWN_NUMBERS, const unsigned *table);
__attribute__((weak)) void matvec(MATVEC_TENSORS, MATVEC_NUMBERS);
__attribute__((weak)) void matvec_table(MATVEC_TENSORS, MATVEC_NUMBERS, const unsigned *table);
__attribute__((weak)) void decode_rans(const void *matrices, unsigned count, unsigned number, unsigned long long *error);
__attribute__((weak)) void decode_rans_joint(const void *matrices, unsigned count, unsigned number,
                                             unsigned long long *error);
__attribute__((weak)) void matvec_rans(const void *matrix, const unsigned short *x, float *y, float *parts,
                                       unsigned columns, unsigned number, unsigned long long *error);
__attribute__((weak)) void matvec_rans_joint(const void *matrix, const unsigned short *x, float *y, float *parts,
                                             unsigned columns, unsigned number, unsigned long long *error);
__attribute__((weak)) void matvec_rans_join(const void *matrix, float *y, float *parts, unsigned columns);
}

// The bounds of static shared memory, null in a kernel that has none.
extern "C" __attribute__((weak)) char __start_cuda_shared[], __stop_cuda_shared[];

namespace {

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
    std::uint64_t words, first, rows, columns, batch;
};

void make_noise(std::mt19937_64 &random, void *at, std::size_t n) {
    for (char *p = static_cast<char *>(at); n > 0;) {
        const std::uint64_t word = random();
        const std::size_t part = std::min(n, sizeof word);
        std::memcpy(p, &word, part);
        p += part;
        n -= part;
    }
}

void launch(const Request &r, unsigned threads, const std::function<void()> &kernel) {
    std::mt19937_64 random(r.seed);
    std::vector<unsigned> order(r.blocks);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    gridDim = {static_cast<unsigned>(r.blocks), 1, 1};
    dynamic_bytes = static_cast<unsigned>(r.shared_bytes);
    for (unsigned b : order) {
        blockIdx = {b, 0, 0};
        // A new block of memory each time: nothing of the last block is left, and noise is in its place.
        dynamic_shared.reset(new unsigned char[dynamic_bytes]);
        make_noise(random, dynamic_shared.get(), dynamic_bytes);
        make_noise(random, __start_cuda_shared, static_cast<std::size_t>(__stop_cuda_shared - __start_cuda_shared));
        block->run(random, threads, kernel);
    }
}

// A matrix as kernels of package rans read it: package launch has its other end.
struct RansDescription {
    const unsigned char *tensors[6];
    unsigned char *outputs;
    std::uint64_t words, weights;
    std::uint32_t rest[4];
};

bool serve_rans(const Request &r) {
    std::uint64_t count;
    if (!read_all(&count, sizeof count)) return false;
    std::vector<Tensor> tensors(6 * count), outputs(count);
    Tensor descriptions;
    descriptions.allocate(count * sizeof(RansDescription), 0);
    auto *matrices = reinterpret_cast<RansDescription *>(descriptions.data);
    for (std::uint64_t i = 0; i < count; i++) {
        for (unsigned k = 0; k < 6; k++)
            if (!tensors[6 * i + k].read(k == 3 ? r.offset : 0)) return false; // 3 is the plane
        if (!read_all(matrices + i, sizeof *matrices)) return false;
        for (unsigned k = 0; k < 6; k++) matrices[i].tensors[k] = tensors[6 * i + k].data;
        outputs[i].allocate(2 * matrices[i].weights, 2 * r.output_offset);
        std::memset(outputs[i].data, untouched, 2 * matrices[i].weights);
        matrices[i].outputs = outputs[i].data;
    }
    Tensor x, y, parts;
    if (!x.read(r.offset)) return false;
    const auto number = static_cast<unsigned>(r.unit), columns = static_cast<unsigned>(r.columns);
    unsigned long long error = 0;
    if (r.entry < 9) {
        launch(r, 256, [&] {
            (r.entry == 7 ? decode_rans : decode_rans_joint)(matrices, static_cast<unsigned>(count), number, &error);
        });
    } else {
        y.allocate(2 * r.words, 0);
        std::memset(y.data, untouched, 2 * r.words);
        const unsigned splits = matrices->rest[2];
        parts.allocate(2 * sizeof(float) * splits, 0);
        std::memset(parts.data, untouched, 2 * sizeof(float) * splits);
        auto *to = reinterpret_cast<float *>(y.data), *open = reinterpret_cast<float *>(parts.data);
        launch(r, 256, [&] {
            (r.entry == 9 ? matvec_rans : matvec_rans_joint)(
                matrices, reinterpret_cast<const unsigned short *>(x.data), to, open, columns, number, &error);
        });
        Request join = r;
        join.blocks = (splits + 255) / 256;
        launch(join, 256, [&] { matvec_rans_join(matrices, to, open, columns); });
    }
    write_all(&error, sizeof error);
    if (r.entry < 9)
        for (std::uint64_t i = 0; i < count; i++) write_all(outputs[i].data, 2 * matrices[i].weights);
    else
        write_all(y.data, 2 * r.words);
    return true;
}

bool serve() {
    Request r;
    if (!read_all(&r, sizeof r)) return false;
    if (r.entry >= 7) return serve_rans(r);
    Tensor luts, codes, sign_mantissa, positions, gaps, tiles, x, table, outputs;
    if (!luts.read(r.offset) || !codes.read(r.offset) || !sign_mantissa.read(r.offset) || !positions.read(0) ||
        !gaps.read(r.offset) || !tiles.read(r.offset) || !x.read(r.offset) || !table.read(0))
        return false;
    outputs.allocate(2 * r.words, 2 * r.output_offset);
    std::memset(outputs.data, untouched, 2 * r.words);
    const auto *position_words = reinterpret_cast<const unsigned *>(positions.data);
    const auto *table_words = reinterpret_cast<const unsigned *>(table.data);
    auto *output_words = reinterpret_cast<unsigned short *>(outputs.data);
    const auto n_luts = static_cast<unsigned>(r.n_luts), n_bytes = static_cast<unsigned>(r.n_bytes),
               n_elements = static_cast<unsigned>(r.n_elements),
               shared_bytes = static_cast<unsigned>(r.shared_bytes), unit = static_cast<unsigned>(r.unit);
    const auto first = static_cast<unsigned>(r.first), rows = static_cast<unsigned>(r.rows),
               columns = static_cast<unsigned>(r.columns), batch = static_cast<unsigned>(r.batch);
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
                          n_bytes, n_elements, shared_bytes, unit, &error);
        });
        break;
    case 2:
        launch(r, 256, [&] {
            decode_native_table(luts.data, codes.data, sign_mantissa.data, position_words, gaps.data, output_words,
                                n_luts, n_bytes, n_elements, shared_bytes, unit, &error, table_words);
        });
        break;
    case 3:
        launch(r, 256, [&] {
            decode_tiles(luts.data, codes.data, sign_mantissa.data, tiles.data, output_words, n_luts, n_bytes,
                         n_elements, unit, &error);
        });
        break;
    case 4:
        launch(r, 256, [&] {
            decode_tiles_table(luts.data, codes.data, sign_mantissa.data, tiles.data, output_words, n_luts, n_bytes,
                               n_elements, unit, &error, table_words);
        });
        break;
    default:
        std::memset(outputs.data, 0, 2 * r.words);
        launch(r, 256, [&] {
            const auto *vectors = reinterpret_cast<const unsigned short *>(x.data);
            auto *y = reinterpret_cast<float *>(outputs.data);
            if (r.entry == 5)
                matvec(luts.data, codes.data, sign_mantissa.data, tiles.data, vectors, y, n_luts, n_bytes, n_elements,
                       first, rows, columns, batch, unit, &error);
            else
                matvec_table(luts.data, codes.data, sign_mantissa.data, tiles.data, vectors, y, n_luts, n_bytes,
                             n_elements, first, rows, columns, batch, unit, &error, table_words);
        });
    }
    write_all(&error, sizeof error);
    write_all(outputs.data, 2 * r.words);
    return true;
}

}  // namespace

int main() {
    Block threads;
    block = &threads;
    while (serve()) {
    }
    return 0;
}
