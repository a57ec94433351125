// Decoding the lanes of a tile by table, for tiles with all their weights, in one pass: nothing is counted
// before, as the index says where each lane's codes start and end. The digits of a tile go to shared memory,
// one word for 8 weights, in the order of the weights.
//
// Lookups beyond the end of a lane find bits that complete no symbol, so they do nothing. An escape is
// handled where the window is filled again, a bit late: the lookups between do nothing either. What is
// still left after the lookups that nearly all lanes get along with is decoded in a loop.
#pragma once

#include "books.cuh"
#include "table.cuh"
#include "tiles.cuh"

namespace bespoke {

constexpr uint32_t lane_words = lane_elements / word_digits;
constexpr uint32_t block_bits = 8 * sizeof(Words4);  // the stream is fetched in blocks of 16 bytes
constexpr uint32_t lane_blocks = 2;                  // by one lane
constexpr uint32_t staged_blocks = lane_blocks * tile_lanes;

// Lookups between two fillings of the window, and between two looks for words that are full.
constexpr uint32_t lookups_a_window = 5;
constexpr uint32_t lookups_a_flush = 3;

// What a warp has in shared memory. Lookups may go on beyond a lane whose record is wrong, in the stream
// and in the digits: what they then read and write is behind the words that are in use, or another lane's,
// and the tile is decoded again.
template <uint32_t Lookups>
struct TileMemory {
    static constexpr uint32_t most_bits = 31 * Lookups + max_length * (Lookups / lookups_a_window + 2);
    static constexpr uint32_t most_words = 2 * (Lookups / lookups_a_flush + 1);
    static constexpr uint32_t stride = (tile_lanes + 1) * lane_words;

    // The codes of the tile, first bit on top.
    Words4 blocks[staged_blocks + most_bits / block_bits + 2];
    // The digits of every four lanes are followed by a free word, so that both lanes that store their words
    // and lanes that read neighbouring ones meet different banks.
    uint32_t digits[stride + most_words];

    __device__ __forceinline__ uint32_t *lane_digits(uint32_t lane) { return digits + lane * lane_words + lane / 4; }
    __device__ __forceinline__ uint32_t *words() { return blocks[0].words; }
};

// Where the codes of a tile lie, in blocks of the stream: the lane's from bit `begin` to `end` of those
// that are staged.
struct Extent {
    uint32_t first;   // block of the stream that holds the first code
    uint32_t blocks;  // that hold codes
    uint32_t begin, end;
    bool usable;  // the tile has all its weights, is not wide, has room, and adds up with the next one
};

// Whether the first tile starts with the stream, which no other record tells. The index is aligned, and not empty.
__device__ __forceinline__ bool starts(const TileUnit &unit) {
    const Words2 word = *reinterpret_cast<const Words2 *>(unit.tiles);
    return (word.words[0] | (word.words[1] & 0xffff)) == 0;
}

// Reads the record of a tile; all lanes of the warp take part. The tensors are aligned.
__device__ __forceinline__ Extent find_extent(const TileUnit &unit, uint32_t tile) {
    const uint8_t *record = unit.record(tile);
    const Words2 word = *reinterpret_cast<const Words2 *>(record);
    const uint32_t bits = (word.words[1] >> 16) + record[8 + lane_index()];
    const uint32_t high = word.words[1] & 0xffff, lead = word.words[0] % block_bits;
    uint32_t sum = bits;
#pragma unroll
    for (uint32_t delta = 1; delta < warp_threads; delta *= 2) sum = add_lane_below(sum, delta);
    const uint32_t total = from_last_lane(sum);

    // 2^31 bytes at most: fewer than 2^34 bits.
    const uint64_t after = (static_cast<uint64_t>(high) << 32 | word.words[0]) + total;
    bool ends;
    if (tile + 1 < unit.tile_count()) {
        const Words2 next = *reinterpret_cast<const Words2 *>(record + record_bytes);
        ends = after == (static_cast<uint64_t>(next.words[1] & 0xffff) << 32 | next.words[0]);
    } else {
        mark_rare();
        ends = (after + 7) / 8 == unit.n_bytes;
    }
    Extent extent;
    extent.first = funnel_right(high, word.words[0], 7);
    extent.end = lead + sum;
    extent.begin = extent.end - bits;
    extent.blocks = (lead + total + block_bits - 1) / block_bits;
    extent.usable = ends && after <= 8ull * unit.n_bytes && extent.blocks - 1 < staged_blocks &&
                    word.words[1] >> 16 != wide_tile;
    return extent;
}

// The blocks of a tile's codes that a lane fetches.
struct Blocks {
    Words4 words[lane_blocks];

    // Block i of the stream, which it may end in.
    static __device__ __forceinline__ Words4 last_block(const Unit &unit, uint32_t i) {
        mark_rare();
        Words4 block = {{0, 0, 0, 0}};
        for (uint32_t byte = 0; byte < sizeof(Words4); byte++) {
            keep_loop();
            const uint32_t at = i * sizeof(Words4) + byte;
            if (at < unit.n_bytes) block.words[byte / 4] |= static_cast<uint32_t>(unit.codes[at]) << 8 * (byte % 4);
        }
        return block;
    }

    // Fetches the lane's share, and what else it has room for of the last block. The extent is usable and the tensor
    // aligned to 16 bytes.
    __device__ __forceinline__ void fetch(const Unit &unit, const Extent &extent) {
        const bool inside = extent.first + extent.blocks <= unit.n_bytes / sizeof(Words4);
#pragma unroll
        for (uint32_t i = 0; i < lane_blocks; i++) {
            const uint32_t block = extent.first + smaller(lane_index() + i * tile_lanes, extent.blocks - 1);
            if (inside)
                copy(words[i], reinterpret_cast<const Words4 *>(unit.codes)[block]);
            else
                words[i] = last_block(unit, block);
        }
    }

    // Puts it into shared memory.
    __device__ __forceinline__ void stage(Words4 *to) const {
#pragma unroll
        for (uint32_t i = 0; i < lane_blocks; i++) {
            const uint32_t *w = words[i].words;
            copy(to[lane_index() + i * tile_lanes],
                 {{big_endian(w[0]), big_endian(w[1]), big_endian(w[2]), big_endian(w[3])}});
        }
    }
};

// An exponent that is no digit, and which of the lane's weights has it, in whose place the digit 0 is. A lane
// with more than one is decoded code by code.
constexpr uint32_t no_outlier = 0, broken_lane = ~0u;

__device__ __forceinline__ uint32_t outlier_of(uint32_t i, uint32_t exponent) { return 1u << 16 | i << 8 | exponent; }
__device__ __forceinline__ uint32_t outlier_place(uint32_t outlier) { return outlier >> 8 & 0xff; }
__device__ __forceinline__ uint32_t outlier_exponent(uint32_t outlier) { return outlier & 0xff; }

// A lane that is being decoded.
template <uint32_t TableBits>
struct Lane {
    const uint32_t *codes;   // of the tile, first bit on top
    const uint32_t *table;
    uint32_t base, pad;      // of the book
    uint32_t at, end;        // bits of the codes: where the window starts, and where the lane ends
    uint32_t window[2];      // the next bits
    uint32_t last;           // the entry that was looked up last
    uint32_t sum;            // of the entries; the lengths since the window was filled
    uint32_t flushed;        // the sum when full words were last looked for
    uint32_t digits[3];      // the last ones, the lowest word first
    uint32_t *words;         // the lane's digits in shared memory
    uint32_t full;           // how many of them are full
    uint32_t outlier;

    __device__ __forceinline__ void start(uint32_t *to) {
        sum = flushed = last = 0;
        digits[0] = digits[1] = digits[2] = 0;
        words = to;
        full = 0;
        outlier = no_outlier;
    }

    __device__ __forceinline__ uint32_t bits_at(uint32_t bit, uint32_t word) const {
        return funnel_left(codes[bit / 32 + word], codes[bit / 32 + word + 1], bit);
    }

    // Fills the window at the start of the lane, where the end is far enough.
    __device__ __forceinline__ void fill() {
        window[0] = bits_at(at, 0);
        window[1] = bits_at(at, 1);
    }

    // Moves on to the end of what has been looked up.
    __device__ __forceinline__ void settle() {
        const uint32_t length = sum & 127;
        at += length;
        sum -= length;
    }

    // Fills the window behind what has been looked up, and takes a code that could not be.
    __device__ __forceinline__ void refill(const Unit &unit) {
        settle();
        if (entry_length(last) == 0 && at != end) take_symbol(unit);
        fill();
        const uint32_t left = end - at;
        const Halves beyond = shift_right(~0u, ~0u, left), filler = shift_right(pad, pad, left);
        window[0] = select(filler.high, window[0], beyond.high);
        window[1] = select(filler.low, window[1], beyond.low);
    }

    // Appends digits to those of at most `entries` others since words were looked for.
    __device__ __forceinline__ void append(uint32_t entry, uint32_t entries) {
        const uint32_t shift = entry_shift(entry);
        if (entries > 0) digits[2] = funnel_left(digits[2], digits[1], shift);
        digits[1] = funnel_left(digits[1], digits[0], shift);
        digits[0] = funnel_left(digits[0], entry, shift);
        sum += entry;
    }

    __device__ __forceinline__ void look_up(uint32_t entries) {
        last = table[window[0] >> (32 - TableBits)];
        window[0] = funnel_left(window[0], window[1], last);
        window[1] = funnel_left(window[1], 0, last);
        append(last, entries);
    }

    // Stores the words that have become full, at most two: there were at most 7 digits, and no more than 15 by three
    // entries and one by a symbol have come.
    __device__ __forceinline__ void flush() {
        constexpr uint32_t one = word_digits << 7, two = 2 * one;
        const uint32_t news = (sum ^ flushed) & (one | two), shift = sum >> 7 << 2;
        if (news == two) words[full++] = funnel_right(digits[2], digits[1], shift);
        if (news != 0) words[full++] = funnel_right(digits[1], digits[0], shift);
        flushed = sum;
    }

    __device__ __forceinline__ void give_up() {
        outlier = broken_lane;
        end = at;
    }

    // Decodes the code that the last lookup did not, one that is no digit or longer than the table is wide.
    __device__ __forceinline__ void take_symbol(const Unit &unit) {
        mark_rare();
        Symbol symbol = escaped_symbol(last);
        if (symbol.length == 0) symbol = walk(unit, bits_at(at, 0));
        const uint32_t distance = symbol.exponent - base;
        if (symbol.length == 0 || symbol.length > end - at) return give_up();
        if (distance >= digit_range) {
            if (outlier != no_outlier) return give_up();
            const uint32_t pending = (flushed >> 7) % word_digits + ((sum >> 7) - (flushed >> 7)) % 32;
            outlier = outlier_of(full * word_digits + pending, symbol.exponent);
        }
        append(entry_of(distance < digit_range ? digit_of(distance) : 0, 0), lookups_a_flush);
        at += symbol.length;
    }

    // Does three more lookups; a lane that went too far gives up.
    __device__ __forceinline__ void go_on(const Unit &unit) {
        if (full > lane_words || static_cast<int>(end - at) < 0) give_up();
        refill(unit);
#pragma unroll
        for (uint32_t i = 0; i < lookups_a_flush; i++) look_up(i);
        flush();
        settle();
    }

    // Whether exactly the lane's weights have been decoded, by exactly its codes.
    __device__ __forceinline__ bool complete() const {
        const uint32_t pending = sum >> 7;
        return at == end && full == lane_words && pending % word_digits == 0 && outlier != broken_lane;
    }
};

// Decodes the lanes of a tile whose codes are staged, and says whether all of them came out right. An
// outlier among the lane's weights is not in its digits. All lanes of the warp take part.
template <class Model>
__device__ __forceinline__ bool decode_lanes(const Unit &unit, const Book &book, const uint32_t *table,
                                             const Extent &extent, TileMemory<Model::lane_lookups> &memory,
                                             uint32_t &outlier) {
    constexpr uint32_t lookups = Model::lane_lookups;
    static_assert(lookups % lookups_a_flush == 0, "nothing is left to flush");
    Lane<Model::table_bits> lane;
    lane.codes = memory.words();
    lane.table = table;
    lane.base = book.base;
    lane.pad = book.pad;
    lane.at = extent.begin;
    lane.end = extent.end;
    lane.start(memory.lane_digits(lane_index()));
    lane.fill();
#pragma unroll
    for (uint32_t i = 0; i < lookups; i++) {
        if (i > 0 && i % lookups_a_window == 0) lane.refill(unit);
        lane.look_up(i % lookups_a_flush);
        if (i % lookups_a_flush == lookups_a_flush - 1) lane.flush();
    }
    lane.settle();
    if (warp_any(!lane.complete())) {
        mark_rare();
        for (uint32_t i = 0; i < lane_elements && warp_any(lane.at != lane.end); i++) {
            keep_loop();
            lane.go_on(unit);
            if (warp_any(lane.outlier == broken_lane)) return false;
        }
        if (warp_any(!lane.complete())) return false;
    }
    outlier = lane.outlier;
    return true;
}

}  // namespace bespoke
