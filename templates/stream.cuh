// The bit stream of a DF11 unit and the two indices over it: windows of 64 bits, one to a thread, and
// chunks of 512 windows, one to a block. A gap is the offset in its window of the first code that
// starts there, 5 bits each; an output position is the first element whose code starts in a chunk.
#pragma once

#include "platform.cuh"

namespace bespoke {

constexpr uint32_t window_bytes = 8;
constexpr uint32_t window_bits = 8 * window_bytes;
constexpr uint32_t chunk_windows = 512;
constexpr uint32_t chunk_bytes = chunk_windows * window_bytes;
constexpr uint32_t gap_bits = 5;

// No gap has this value: it stands for the gap of a window that does not exist.
constexpr uint32_t no_gap = 1u << gap_bits;

// The tensors of a unit, as the published kernel is handed them.
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

    __device__ __forceinline__ uint32_t chunks() const {
        return (n_bytes + chunk_bytes - 1) / chunk_bytes;
    }
};

// The elements whose codes start in one chunk.
struct Chunk {
    uint32_t begin;  // its first element
    uint32_t count;  // how many
    bool last;       // no elements follow
};

__device__ __forceinline__ uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

// The elements of chunk c, within those of the unit whatever the positions say. The first chunk starts
// at 0 and the last ends at n_elements without a look at the tensor: it has no entry for the end of a
// last chunk in which no code starts.
__device__ __forceinline__ Chunk find_chunk(const Unit &unit, uint32_t c) {
    const uint32_t begin = c == 0 ? 0 : unit.output_positions[c];
    const uint32_t end =
        c + 1 == unit.chunks() ? unit.n_elements : smaller(unit.output_positions[c + 1], unit.n_elements);
    Chunk chunk;
    chunk.begin = begin;
    chunk.count = end > begin ? end - begin : 0;
    chunk.last = end == unit.n_elements;
    return chunk;
}

// The gap of window w, which exists.
__device__ __forceinline__ uint32_t gap_of(const Unit &unit, uint32_t w) {
    const uint32_t bit = w * gap_bits, in_byte = bit % 8;
    uint32_t two = static_cast<uint32_t>(unit.gaps[bit / 8]) << 8;
    if (in_byte + gap_bits > 8) two |= unit.gaps[bit / 8 + 1];
    return two >> (16 - gap_bits - in_byte) & ((1u << gap_bits) - 1);
}

// Four bytes of the stream from a multiple of 4 on, first byte on top; zeros follow the stream.
__device__ __forceinline__ uint32_t stream_word(const Unit &unit, uint32_t at) {
    if (at + 4 <= unit.n_bytes && is_aligned(unit.codes, 4)) {
        const uint32_t w = *reinterpret_cast<const uint32_t *>(unit.codes + at);
        return w << 24 | (w & 0xff00) << 8 | (w >> 8 & 0xff00) | w >> 24;
    }
    uint32_t word = 0;
    for (uint32_t i = 0; i < 4; i++) word = word << 8 | (at + i < unit.n_bytes ? unit.codes[at + i] : 0);
    return word;
}

// A window and the 32 bits after it, where the code that starts last may end.
struct Window {
    uint32_t words[3];
    uint32_t gap;        // the first code starts at this bit
    uint32_t limit;      // codes start before this bit
    uint32_t available;  // bits of the stream from the start of the window, at most 96

    // The 32 bits from bit `at` < 64 on.
    __device__ __forceinline__ uint32_t bits(uint32_t at) const {
        const uint32_t high = at < 32 ? words[0] : words[1], low = at < 32 ? words[1] : words[2];
        const uint64_t pair = static_cast<uint64_t>(high) << 32 | low;
        return static_cast<uint32_t>(pair << at % 32 >> 32);
    }
};

// Window w of the unit, empty when it lies past the stream.
__device__ __forceinline__ Window load_window(const Unit &unit, uint32_t w) {
    const uint32_t start = w * window_bytes;
    const uint32_t bytes = start < unit.n_bytes ? unit.n_bytes - start : 0;
    Window window;
    for (uint32_t i = 0; i < 3; i++) window.words[i] = stream_word(unit, start + 4 * i);
    window.gap = gap_of(unit, w);
    window.available = 8 * smaller(bytes, 12);
    window.limit = smaller(window_bits, window.available);
    return window;
}

}  // namespace bespoke
