// Matrices of package rans, the specification, as kernels are handed them, and how a state gives a symbol.
//
// A warp decodes two splits of a matrix side by side, each in a half of its lanes. A split is so many steps of a block,
// with the states and the place in the list of words that they begin with. Lane l of a half has the states 4 l to
// 4 l + 3: four successive weights of every step.
#pragma once

#include "warp.cuh"

namespace bespoke {

constexpr uint32_t rans_threads = 256;  // of a block
constexpr uint32_t half_lanes = warp_threads / 2;
constexpr uint32_t lane_states = 4;
constexpr uint32_t step_weights = half_lanes * lane_states;  // one of each state
constexpr uint32_t least_state = 1 << 16;
constexpr uint32_t state_words = 2 * step_weights;  // of 16 bits, in a block: its states
constexpr uint32_t place_bits = 23;                 // of a patch
constexpr uint32_t index_words = 4;                 // of a block
constexpr uint32_t most_words = 0x7fffffff;         // of 16 bits, in the blocks of a matrix

__device__ __forceinline__ uint32_t half_lane() { return lane_of_warp() % half_lanes; }

// The place of a patch.
__device__ __forceinline__ uint32_t place_of(uint32_t patch) { return patch & ((1u << place_bits) - 1); }

// A matrix in device memory. What the tensors hold is not trusted, their sizes are: package launch makes them.
struct RansMatrix {
    const uint32_t *table_at;      // 32 words for the buckets and 32 for the symbols, see RansTable
    const uint32_t *index_at;      // of each block: words, patches and a checksum of two words
    const uint8_t *blocks_at;      // aligned to 4 bytes
    const uint8_t *plane_at;
    const uint32_t *states_at;     // of each split, 64; aligned to 16 bytes
    const uint32_t *positions_at;  // of each split: how many 16-bit words of the blocks lie before its first
    uint16_t *outputs_at;          // the weights
    uint64_t n_words;              // of 16 bits, in the blocks
    uint64_t n_weights;
    uint32_t block_weights;  // of all blocks but the last
    uint32_t split_steps;    // of all splits of a block but the last
    uint32_t n_splits;
    uint32_t first;  // how many pairs of splits the matrices before it have

    __device__ __forceinline__ const uint32_t *table() const { return stored(table_at); }
    __device__ __forceinline__ const uint32_t *index() const { return stored(index_at); }
    __device__ __forceinline__ const uint8_t *blocks() const { return stored(blocks_at); }
    __device__ __forceinline__ const uint8_t *plane() const { return stored(plane_at); }
    __device__ __forceinline__ const uint32_t *states() const { return stored(states_at); }
    __device__ __forceinline__ const uint32_t *positions() const { return stored(positions_at); }
    __device__ __forceinline__ uint16_t *outputs() const { return stored(outputs_at); }

    __device__ __forceinline__ uint32_t pairs() const { return n_splits / 2 + n_splits % 2; }
};

// What can be wrong with a split. The numbers are those of package launch.
constexpr uint32_t rans_sizes = 4;    // words or patches of the block are not there
constexpr uint32_t state_start = 7;   // a state starts below 2^16
constexpr uint32_t words_end = 8;     // the words of the block end too early
constexpr uint32_t words_left = 9;    // words of the block are left over
constexpr uint32_t state_end = 10;    // a state does not end as 2^16 with the block
constexpr uint32_t split_end = 11;    // a split does not end as the next one begins
constexpr uint32_t patch_place = 12;  // a patch is outside the block, not behind the one before, or of no symbol

// The lane's two words of a table. Both are looked up by shuffles, which take the low five bits of what they are handed
// for the number of a lane. So the number of a bucket or of a symbol has to lie there, and needs no mask.
//
// The word of a bucket is added to `found`, see look, where that makes it overflow, which it does from the threshold
// on. Then the low 21 bits of the sum are 32 times the rank, plus the place of the donor.
//
// The word of a symbol has its frequency above and the symbol below, where a weight has it.
struct RansTable {
    uint32_t bucket, symbol;

    __device__ __forceinline__ explicit RansTable(const uint32_t *table)
        : bucket(table[lane_of_warp()]), symbol(table[warp_threads + lane_of_warp()]) {}

    // Decodes a weight of each state of the lane: gives the words of the symbols, and the states before they are
    // refilled. Operation by operation, as each waits for the one before it.
    __device__ __forceinline__ void look(uint32_t fixed, uint32_t *states, uint32_t *words) const {
        uint32_t found[lane_states];
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++) words[k] = from_lane(bucket, states[k]);
        // The upper byte of the lower half on top, to be compared, then 2^23, so that the lower bits do not count, and
        // then the lower half, which is 32 times the cell and the bucket.
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++) found[k] = permute<0x1610>(states[k], fixed);
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++) words[k] += found[k];
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++) found[k] = smaller(found[k], words[k]);
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++) words[k] = from_lane(symbol, found[k]);
        // The rank is at the top of the low 21 bits.
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++) {
            const uint32_t upper = states[k] & 0xffff0000;
            states[k] = upper_product(upper, words[k] & 0xffff0000) + (opaque(found[k] << 11) >> 16);
        }
    }
};

// What is the same for every step of a lane, each in one register.
struct RansLane {
    // The bytes of the own half of the warp in two ballots. The byte above, 0x80, is for RansTable::look.
    uint32_t own_half;
    // The lanes of the half up to this one, twice.
    uint32_t up_to_lane;

    __device__ __forceinline__ RansLane() {
        const uint32_t lane = lane_of_warp(), lanes = (2u << lane % half_lanes) - 1;
        own_half = opaque(lane < half_lanes ? 0x805410 : 0x807632);
        up_to_lane = opaque(lanes << 16 | lanes);
    }

    // How many of the states of the half up to the last one of this lane came with true.
    __device__ __forceinline__ uint32_t count(const bool *mine) const {
        const uint32_t a = ballot(mine[0]), b = ballot(mine[1]), c = ballot(mine[2]), d = ballot(mine[3]);
        return bits_set(permute_by(a, b, own_half) & up_to_lane) + bits_set(permute_by(c, d, own_half) & up_to_lane);
    }

    // Refills the states of the half that are below 2^16 from 16-bit words of global memory. The last word before them
    // is at high:low, which goes on to the last one that is taken, and alone is changed: words on both sides of a
    // multiple of 4 GiB are out of reach. No word behind high:last is read; in its place is any other. Every lane loads
    // four words, wanted or not: under a condition, compilers load each into one register and move it to another.
    __device__ __forceinline__ void refill(uint32_t *states, uint32_t &low, uint32_t high, uint32_t last) const {
#ifdef __CUDA_ARCH__
        static_assert(least_state == 65536 && half_lanes == 16, "as told below");
        asm volatile(
            "{\n\t.reg .pred a, b, c, d;\n\t.reg .u32 of_a, of_b, of_c, of_d, own;\n\t.reg .u64 from;\n\t"
            "setp.lt.u32 a, %0, 65536;\n\t"
            "setp.lt.u32 b, %1, 65536;\n\t"
            "setp.lt.u32 c, %2, 65536;\n\t"
            "setp.lt.u32 d, %3, 65536;\n\t"
            "vote.sync.ballot.b32 of_a, a, -1;\n\t"
            "vote.sync.ballot.b32 of_b, b, -1;\n\t"
            "vote.sync.ballot.b32 of_c, c, -1;\n\t"
            "vote.sync.ballot.b32 of_d, d, -1;\n\t"
            "prmt.b32 of_a, of_a, of_b, %5;\n\t"
            "prmt.b32 of_c, of_c, of_d, %5;\n\t"
            "and.b32 of_a, of_a, %6;\n\t"
            "and.b32 of_c, of_c, %6;\n\t"
            "popc.b32 of_a, of_a;\n\t"
            "popc.b32 of_c, of_c;\n\t"
            "add.u32 own, of_a, of_c;\n\t"
            "mad.lo.u32 own, own, 2, %4;\n\t"
            "shfl.sync.idx.b32 %4, own, 15, 0x101f, -1;\n\t"
            "min.u32 own, own, %8;\n\t"
            "mov.b64 from, {own, %7};\n\t"
            "ld.global.u16 of_d, [from];\n\t"
            "@d sub.u32 own, own, 2;\n\t"
            "mov.b64 from, {own, %7};\n\t"
            "ld.global.u16 of_c, [from];\n\t"
            "@c sub.u32 own, own, 2;\n\t"
            "mov.b64 from, {own, %7};\n\t"
            "ld.global.u16 of_b, [from];\n\t"
            "@b sub.u32 own, own, 2;\n\t"
            "mov.b64 from, {own, %7};\n\t"
            "ld.global.u16 of_a, [from];\n\t"
            "@d prmt.b32 %3, of_d, %3, 0x5410;\n\t"
            "@c prmt.b32 %2, of_c, %2, 0x5410;\n\t"
            "@b prmt.b32 %1, of_b, %1, 0x5410;\n\t"
            "@a prmt.b32 %0, of_a, %0, 0x5410;\n\t}"
            : "+r"(states[0]), "+r"(states[1]), "+r"(states[2]), "+r"(states[3]), "+r"(low)
            : "r"(own_half), "r"(up_to_lane), "r"(high), "r"(last));
#else
        bool wanted[lane_states];
        for (uint32_t k = 0; k < lane_states; k++) wanted[k] = states[k] < least_state;
        uint32_t own = low + 2 * count(wanted);
        low = from_end_of_half(own);
        own = smaller(own, last);
        for (uint32_t k = lane_states; k-- > 0;) {
            const uint16_t word = *reinterpret_cast<const uint16_t *>(static_cast<uint64_t>(high) << 32 | own);
            if (wanted[k]) states[k] = states[k] << 16 | word, own -= 2;
        }
#endif
    }
};

}  // namespace bespoke
