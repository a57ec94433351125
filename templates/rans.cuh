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

    // Decodes a weight: takes a state's upper half, in the upper half of a word, and its lower half, below any bits.
    // Gives the word of the symbol, and the state before it is refilled.
    __device__ __forceinline__ uint32_t look(uint32_t upper, uint32_t lower, uint32_t fixed, uint32_t &state) const {
        // The upper byte of the lower half on top, to be compared, then 2^23, so that the lower bits do not count, and
        // then the lower half, which is 32 times the cell and the bucket.
        const uint32_t found = permute<0x1610>(lower, fixed);
        const uint32_t place = smaller(found, found + from_lane(bucket, lower));
        const uint32_t word = from_lane(symbol, place);
        // The rank is at the top of the low 21 bits of `place`.
        state = upper_product(upper, word & 0xffff0000) + (opaque(place << 11) >> 16);
        return word;
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
};

}  // namespace bespoke
