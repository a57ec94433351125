// The bit stream of a DF11 unit and the two indices over it: windows of 64 bits, and chunks of 512
// windows, one to a block. A gap is the offset in its window of the first code that starts there, 5
// bits each; an output position is the first element whose code starts in a chunk.
#pragma once

#include "platform.cuh"

namespace bespoke {

constexpr uint32_t window_bytes = 8;
constexpr uint32_t window_bits = 8 * window_bytes;
constexpr uint32_t chunk_windows = 512;
constexpr uint32_t chunk_bytes = chunk_windows * window_bytes;
constexpr uint32_t gap_bits = 5;

// The most bytes of a unit's stream, and the most elements: their numbers, a few more, and those of the bits of
// gaps fit a word.
constexpr uint32_t max_size = 0x7fffffff;

// No gap has this value: it stands for the gap of a window that does not exist.
constexpr uint32_t no_gap = 1u << gap_bits;

// The tensors of a unit, as the published kernel is handed them, and where errors go.
struct Unit {
    const uint8_t *luts;
    const uint8_t *codes;
    const uint8_t *sign_mantissa;
    const uint32_t *output_positions;
    const uint8_t *gaps;
    uint16_t *outputs;
    uint32_t n_luts;
    uint32_t n_bytes;
    uint32_t n_elements;
    uint32_t number;
    uint64_t *error;  // null where nobody asks

    __device__ __forceinline__ uint32_t chunks() const {
        return (n_bytes + chunk_bytes - 1) / chunk_bytes;
    }

    // Whether all tensors may be read, and the output written, up to 16 bytes at once.
    __device__ __forceinline__ bool aligned() const {
        const uint32_t all = address_low(luts) | address_low(codes) | address_low(sign_mantissa) | address_low(gaps) |
                             address_low(outputs);
        return opaque(all) % sizeof(Words4) == 0;
    }

    // Whether it is larger than a unit can be.
    __device__ __forceinline__ bool too_large() const { return n_bytes > max_size || n_elements > max_size; }

    // Whether a chunk has windows in the tail, see is_tail.
    __device__ __forceinline__ bool has_tail(uint32_t chunk) const {
        return (chunk + 1) * chunk_bytes + window_bytes >= n_bytes;
    }

    // Whether the codes of a window may run to the end of the stream. Behind the last code less than a
    // byte follows, and a code has at most 32 bits, so it starts in one of the last two windows; every
    // window before them has a next one in which a code starts, and that one's gap.
    __device__ __forceinline__ bool is_tail(uint32_t w) const {
        return (w + 1) * window_bytes + window_bytes >= n_bytes;
    }
};

// The chunk of a block. The one with the end of the stream comes first, as it takes longest. The value takes no
// register between its uses, as it is worked out for each.
__device__ __forceinline__ uint32_t own_chunk(const Unit &unit) {
    const uint32_t block = opaque(block_index());
    return (block == 0 ? unit.chunks() : block) - 1;
}

// The elements whose codes start in one chunk.
struct Chunk {
    uint32_t begin;  // its first element
    uint32_t count;  // how many
    bool last;       // no elements follow
    uint32_t number;
};

// The positions of chunk c. The first chunk starts at 0 and the last ends at n_elements without a look at the
// tensor: it has no entry for the end of a last chunk in which no code starts.
struct ChunkMemory {
    uint32_t begin = 0, end, number;

    __device__ __forceinline__ ChunkMemory(const Unit &unit, uint32_t c) : end(unit.n_elements), number(c) {
        if (c > 0) begin = load_common(unit.output_positions + c);
        if (c + 1 < unit.chunks()) end = load_common(unit.output_positions + c + 1);
    }

    // The chunk's elements, within those of the unit whatever the positions say.
    __device__ __forceinline__ Chunk chunk(const Unit &unit) const {
        const uint32_t inside = smaller(end, unit.n_elements);
        return {begin, inside > begin ? inside - begin : 0, inside == unit.n_elements, number};
    }
};

__device__ __forceinline__ Chunk find_chunk(const Unit &unit, uint32_t c) {
    return ChunkMemory(unit, c).chunk(unit);
}

// The gap of window w, no_gap when there is no such window.
__device__ __forceinline__ uint32_t gap_of(const Unit &unit, uint32_t w) {
    if (w >= unit.chunks() * chunk_windows) return no_gap;
    const uint32_t bit = w * gap_bits, in_byte = bit % 8;
    uint32_t two = static_cast<uint32_t>(unit.gaps[bit / 8]) << 8;
    if (in_byte + gap_bits > 8) two |= unit.gaps[bit / 8 + 1];
    return two >> (16 - gap_bits - in_byte) & (no_gap - 1);
}

// The 32 bits from a byte and bit of it on; zeros follow the stream. All loads are under way at once.
__device__ __forceinline__ uint32_t stream_bits(const Unit &unit, uint32_t byte, uint32_t bit) {
    const uint32_t in_word = byte % 4, word = byte - in_word;
    if (is_aligned(unit.codes, 4) && word + 8 <= unit.n_bytes) {
        const uint32_t *from = reinterpret_cast<const uint32_t *>(unit.codes + word);
        const uint32_t high = from[0], low = from[1];
        return funnel_left(big_endian(high), big_endian(low), 8 * in_word + bit);
    }
    if (unit.n_bytes == 0) return 0;
    uint32_t bytes[5];
#pragma unroll
    for (uint32_t i = 0; i < 5; i++) bytes[i] = unit.codes[smaller(byte + i, unit.n_bytes - 1)];
#pragma unroll
    for (uint32_t i = 0; i < 5; i++) bytes[i] = byte + i < unit.n_bytes ? bytes[i] : 0;
    const uint32_t high = bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    return funnel_left(high, bytes[4] << 24, bit);
}

}  // namespace bespoke
