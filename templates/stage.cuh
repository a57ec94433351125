// The digits of a chunk in shared memory: one dense string of four-bit digits, first one on top of the
// first word, that starts where the chunk's first element lies in its group of eight. So a word of
// digits belongs to eight neighbouring, aligned elements of the output.
#pragma once

#include "window.cuh"

namespace bespoke {

constexpr uint32_t group = word_digits;  // elements

// What a chunk with the end of the stream may hold beyond its elements: what two windows decode from
// the bits that fill up the last byte and the zeros behind it.
constexpr uint32_t surplus = 2 * window_bits;

// Words before the string, into which windows reach with the zeros above their digits.
constexpr uint32_t stage_lead = Digits::size;

__device__ __forceinline__ uint16_t join(uint32_t exponent, uint32_t sign_mantissa) {
    return static_cast<uint16_t>((sign_mantissa & 0x80) << 8 | exponent << 7 | (sign_mantissa & 0x7f));
}

__device__ __forceinline__ uint32_t group_lead(const Chunk &chunk) {
    return chunk.begin % group;
}

// The words that the string takes, a multiple of 4.
__device__ __forceinline__ uint32_t stage_words(const Chunk &chunk) {
    return stage_lead + ((group_lead(chunk) + chunk.count + surplus) / group / 4 + 1) * 4;
}

// Clears the string; all threads of the block take part. Four words a window are enough for trained
// weights.
template <uint32_t Threads>
__device__ __forceinline__ void clear_stage(uint32_t *stage, const Chunk &chunk) {
    constexpr uint32_t steps = chunk_windows / Threads;
    const uint32_t count = stage_words(chunk) / 4;
    Words4 *words = reinterpret_cast<Words4 *>(stage) + thread_index();
#pragma unroll
    for (uint32_t i = 0; i < steps; i++)
        if (thread_index() + i * Threads < count) words[i * Threads] = {{0, 0, 0, 0}};
    if (count <= Threads * steps) return;
    mark_rare();
    for (uint32_t i = steps * Threads; thread_index() + i < count; i += Threads) {
        keep_loop();
        words[i] = {{0, 0, 0, 0}};
    }
}

// Puts digits, the last of which is number end - 1 of the string, in their place.
__device__ __forceinline__ void put_digits(uint32_t *stage, const Digits &digits, uint32_t end) {
    uint32_t *words = stage + stage_lead + end / group;
    const uint32_t shift = digit_bits * end;
    atomic_or(words, funnel_right(digits.words[0], 0, shift));
#pragma unroll
    for (uint32_t i = 1; i < Digits::size; i++)
        atomic_or(words - i, funnel_right(digits.words[i], digits.words[i - 1], shift));
    atomic_or(words - Digits::size, funnel_right(0, digits.words[Digits::size - 1], shift));
}

__device__ __forceinline__ uint32_t digit_at(const uint32_t *stage, uint32_t i) {
    return stage[stage_lead + i / group] >> (32 - digit_bits - digit_bits * (i % group)) & (digit_range - 1);
}

}  // namespace bespoke
