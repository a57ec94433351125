// Decoding the codes that start in one window.
//
// A window is decoded once. Its digits are appended to four words, and whoever reads it by table puts
// bits behind the end of its last code that complete no symbol: the end is known, as it is where the
// next window's first code starts. So nothing is ever cut, and lookups beyond the end do nothing.
#pragma once

#include "books.cuh"
#include "table.cuh"

namespace bespoke {

// The last digits, at most 32, of those that were appended, the last one lowest.
struct Digits {
    static constexpr uint32_t size = 4;
    static constexpr uint32_t capacity = size * word_digits;
    uint32_t words[size] = {};  // the lowest first

    // Appends the digits of an entry, after which there are at most so many.
    __device__ __forceinline__ void append(uint32_t entry, uint32_t most = Digits::capacity) {
        const uint32_t shift = entry_shift(entry);
#pragma unroll
        for (uint32_t i = size - 1; i > 0; i--)
            if (most > word_digits * i)
                words[i] = funnel_left(words[i], words[i - 1], shift);
        words[0] = funnel_left(words[0], entry, shift);
    }
};

// What a thread knows of the windows it decodes: their bits and 32 more, where their first codes start
// and, counted from there, how many bits their codes have together.
template <uint32_t Windows>
struct Span {
    uint32_t words[2 * Windows + 1];
    uint32_t gaps[Windows];
    uint32_t lengths[Windows];
};

// More bits than the lookups of a window can consume: it is not decoded by them.
constexpr uint32_t unknown_length = 127;

// What memory has of a span far from the end of the stream, so that each window has a next one in which a code starts.
// The tensors are aligned.
template <uint32_t Windows>
struct SpanMemory {
    uint32_t codes[2 * Windows + 1];
    uint32_t gaps[2];

    // Whether windows w and following are so far from it. With those behind them, their gaps fill two words.
    static __device__ __forceinline__ bool reaches(const Unit &unit, uint32_t w) {
        constexpr uint32_t margin = 8;
        static_assert(Windows + 2 <= margin && margin * gap_bits > 32, "no bit is out of reach");
        return (w + margin) * window_bytes <= unit.n_bytes;
    }

    // Fetches that of windows w and following.
    __device__ __forceinline__ void fetch(const Unit &unit, uint32_t w) {
        const Words2 *from = reinterpret_cast<const Words2 *>(unit.codes) + w;
        if (Windows == 2) {
            const Words4 four = load_constant(reinterpret_cast<const Words4 *>(from));
            for (uint32_t i = 0; i < 2 * Windows; i++) codes[i] = four.words[i];
        } else {
            const Words2 two = load_constant(from);
            for (uint32_t i = 0; i < 2 * Windows; i++) codes[i] = two.words[i % 2];
        }
        codes[2 * Windows] = from[Windows].words[0];
        const uint32_t *words = reinterpret_cast<const uint32_t *>(unit.gaps) + w * gap_bits / 32;
        gaps[0] = words[0];
        gaps[1] = words[1];
    }

    __device__ __forceinline__ Span<Windows> span(uint32_t w) const {
        Span<Windows> span;
        for (uint32_t i = 0; i < 2 * Windows + 1; i++) span.words[i] = big_endian(codes[i]);
        uint32_t next = funnel_left(big_endian(gaps[0]), big_endian(gaps[1]), w * gap_bits);
        for (uint32_t i = 0; i < Windows; i++) {
            span.gaps[i] = next >> (32 - gap_bits);
            next <<= gap_bits;
            span.lengths[i] = window_bits + (next >> (32 - gap_bits)) - span.gaps[i];
        }
        return span;
    }
};

// The same for all other windows.
template <uint32_t Windows>
__device__ __forceinline__ Span<Windows> load_span_anywhere(const Unit &unit, uint32_t w) {
    mark_rare();
    Span<Windows> span;
#pragma unroll
    for (uint32_t i = 0; i < 2 * Windows + 1; i++) span.words[i] = stream_bits(unit, w * window_bytes + 4 * i, 0);
#pragma unroll
    for (uint32_t i = 0; i < Windows; i++) {
        span.gaps[i] = gap_of(unit, w + i);
        span.lengths[i] =
            unit.is_tail(w + i) ? unknown_length : window_bits + gap_of(unit, w + i + 1) - span.gaps[i];
    }
    return span;
}

// Whether the lookups of a window have decoded it.
template <class Model>
__device__ __forceinline__ bool is_decoded(const EntrySum &sum) {
    return sum.complete() && sum.count() > most_mistaken(Model::lookups * Model::entry_digits);
}

// Decodes a window, given as three words, as far as the lookups of the model get.
template <class Model>
__device__ __forceinline__ EntrySum decode_window(const uint32_t *words, uint32_t gap, uint32_t length, uint32_t pad,
                                                  const SharedPlace &table, Digits &digits) {
    constexpr uint32_t lookups = Model::lookups, table_bits = Model::table_bits;
    // The last code ends in the third word, whatever the gaps.
    const uint32_t end = gap + length;
    const uint32_t last = select(funnel_right(0, pad, end), words[2], funnel_right(0, ~0u, end));
    uint32_t bits[3] = {funnel_left(words[0], words[1], gap), funnel_left(words[1], last, gap),
                        funnel_left(last, 0, gap)};
    EntrySum sum(length);
#pragma unroll
    for (uint32_t i = 0; i < lookups; i++) {
        const uint32_t entry = table.word(bits[0] >> (32 - table_bits)).load();
        digits.append(entry, (i + 1) * Model::entry_digits);
        sum.add(entry);
        // The bits that the lookups from this one on see, and from the next one on.
        const uint32_t before = (lookups - i) * table_bits, after = before - table_bits;
#pragma unroll
        for (uint32_t j = 0; j < 3; j++)
            if (32 * j < after) bits[j] = funnel_left(bits[j], 32 * (j + 1) < before && j < 2 ? bits[j + 1] : 0, entry);
    }
    static_assert(lookups * table_bits < unknown_length, "so many lookups never get there");
    return sum;
}

}  // namespace bespoke
