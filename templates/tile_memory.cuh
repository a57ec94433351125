// What a warp has in shared memory while it decodes a tile: the codes, the digits that they become, one word for 8
// weights, and the exponents that are no digits.
#pragma once

#include "table.cuh"
#include "tiles.cuh"

namespace bespoke {

constexpr uint32_t lane_words = lane_elements / word_digits;
constexpr uint32_t block_bits = 8 * sizeof(Words4);  // the stream is fetched in blocks of 16 bytes
constexpr uint32_t lane_blocks = 2;                  // by one lane
constexpr uint32_t staged_blocks = lane_blocks * tile_lanes;

// Lookups between two fillings of the window, before full words are stored, and before digits are counted.
constexpr uint32_t lookups_a_window = 5;
constexpr uint32_t lookups_a_flush = 3;
constexpr uint32_t lookups_a_count = 2 * lookups_a_window;

constexpr uint32_t tile_steps = 8;  // of the merge, see TileGroups
constexpr uint32_t step_elements = tile_elements / tile_steps;

// The digits of a tile, in shared memory, one word for 8 weights. Each lane has a ring of words, in which the word
// behind the last is the first. The bits of their places are turned over by the lane's number, so that both lanes that
// store their words and lanes that read successive ones meet different banks.
struct alignas(4 * lane_words) TileDigits {
    uint32_t words[tile_lanes * lane_words];

    // Word i of a lane.
    __device__ __forceinline__ uint32_t word(uint32_t lane, uint32_t i) const {
        return words[lane * lane_words + (i ^ lane / 4)];
    }

    // The lane's first one: word i is at this place, crossed with 4 i modulo 32.
    __device__ __forceinline__ SharedPlace ring() {
        return SharedPlace(words).behind((4 * lane_words + 1) * own_lane() & ~3u);
    }

    // The word of the lane's group in the first step of a merge, and from there that in step I: the tile's words
    // number I * 32 + lane.
    __device__ __forceinline__ SharedPlace group() { return SharedPlace(words).word(own_lane()); }

    template <uint32_t I>
    static __device__ __forceinline__ uint32_t in_step(const SharedPlace &group) {
        return group.crossed<4 * I>(~0u).template load<4 * tile_lanes * I>();
    }
};

// The exponents of a tile that are no digits, in shared memory: a list for every step of the merge.
struct TileOutliers {
    static constexpr uint32_t capacity = 16;
    static constexpr uint32_t too_many = 1u << tile_steps;
    uint32_t steps;                // that have any, a set of bits; too_many where the lists do not hold all
    uint32_t numbers[tile_steps];  // of outliers, perhaps of more than there is room for
    uint32_t lists[tile_steps][capacity];

    // All lanes of the warp take part, and have a barrier afterwards.
    __device__ __forceinline__ void clear() {
        numbers[own_lane() % tile_steps] = 0;
        steps = 0;
    }

    // Adds that of weight i of the tile.
    __device__ __forceinline__ void add(uint32_t i, uint32_t exponent) {
        const uint32_t step = i / step_elements;
        if (step >= tile_steps) return give_up();
        const uint32_t n = atomic_add(&numbers[step], 1);
        if (n >= capacity) return give_up();
        lists[step][n] = i % step_elements << 8 | exponent;
        atomic_or(&steps, 1u << step);
    }

    __device__ __forceinline__ void give_up() { atomic_or(&steps, too_many); }
    __device__ __forceinline__ bool complete() const { return steps < too_many; }

    // Those of a step: which of its weights they are, and the exponents.
    __device__ __forceinline__ uint32_t place(uint32_t step, uint32_t i) const { return lists[step][i] >> 8; }
    __device__ __forceinline__ uint32_t exponent(uint32_t step, uint32_t i) const { return lists[step][i] & 0xff; }

    // The exponent of a weight of the tile, of which the digit has another one.
    __device__ __forceinline__ uint32_t exponent_at(uint32_t at, uint32_t other) const {
        const uint32_t step = at / step_elements;
        for (uint32_t i = 0; i < numbers[step]; i++) {
            keep_loop();
            if (place(step, i) == at % step_elements) return exponent(step, i);
        }
        return other;
    }
};

// What does not change on the way of a warp through its tiles, see TileWalk. Kept out of registers.
struct TileLimits {
    uint32_t end, by_table;  // up to where tiles are decoded, and up to where by table
    uint32_t run;            // tiles
    uint32_t jump;           // from the last tile of a run to the first of the next
    uint32_t book;           // number
    uint32_t regular;        // whether the matrix is, see Product
};

// What a warp puts aside while registers are scarce.
struct __attribute__((aligned(16))) TileParked {
    uint32_t tile, left;   // see TileWalk
    uint32_t row, column;  // see OpenRow
};

// All but the codes.
struct TileState {
    TileDigits digits;
    TileOutliers outliers;
    TileLimits limits;
    TileParked parked;
};

// Lookups may go on beyond a lane whose record is wrong: what they then read is behind the codes that are in use, and
// the tile is decoded again.
template <uint32_t Lookups>
struct TileMemory : TileState {
    static constexpr uint32_t most_bits = 31 * Lookups + max_length * (Lookups / lookups_a_window + 2);
    Words4 blocks[staged_blocks + most_bits / block_bits + 2];  // first bit on top
};

}  // namespace bespoke
