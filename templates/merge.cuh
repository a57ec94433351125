// From exponents in shared memory and sign_mantissa bytes to bfloat16 words.
#pragma once

#include "stream.cuh"

namespace bespoke {

// Stands for every element of a chunk whose stream does not add up. DF11 cannot express NaN, so it is
// told from every weight, and a model that reads it does not go on quietly.
constexpr uint16_t not_a_number = 0x7fff;

__device__ __forceinline__ uint16_t join(uint32_t exponent, uint32_t sign_mantissa) {
    return static_cast<uint16_t>((sign_mantissa & 0x80) << 8 | exponent << 7 | (sign_mantissa & 0x7f));
}

constexpr uint32_t group = 8;  // weights of one wide store

struct __attribute__((aligned(8))) Bytes8 {
    uint32_t words[2];
};

struct __attribute__((aligned(16))) Words8 {
    uint32_t pairs[4];
};

// The two low bytes of x, each in its half of a word.
__device__ __forceinline__ uint32_t spread(uint32_t x) {
    return (x & 0xff) | (x & 0xff00) << 8;
}

// Eight weights at once.
__device__ __forceinline__ Words8 join_group(const Bytes8 &exponents, const Bytes8 &sign_mantissa) {
    Words8 out;
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t e = spread(exponents.words[i / 2] >> i % 2 * 16);
        const uint32_t s = spread(sign_mantissa.words[i / 2] >> i % 2 * 16);
        out.pairs[i] = (s & 0x00800080) << 8 | e << 7 | (s & 0x007f007f);
    }
    return out;
}

// Where the first element of a chunk lies in its group: staged exponents start there too, so that groups
// of the output are groups of the staging.
__device__ __forceinline__ uint32_t group_lead(const Chunk &chunk) {
    return chunk.begin % group;
}

// The shared memory that the exponents of a chunk take.
__device__ __forceinline__ uint32_t staging_bytes(const Chunk &chunk) {
    return (group_lead(chunk) + chunk.count + group - 1) / group * group;
}

// Writes the weights of a chunk; all threads of the block take part.
__device__ __forceinline__ void merge_chunk(const Unit &unit, const Chunk &chunk, const uint8_t *staging) {
    const uint32_t lead = group_lead(chunk), end = lead + chunk.count, origin = chunk.begin - lead;
    const bool wide = is_aligned(unit.outputs, sizeof(Words8)) && is_aligned(unit.sign_mantissa, sizeof(Bytes8));
    for (uint32_t at = thread_index() * group; at < end; at += chunk_windows * group) {
        const uint8_t *sign_mantissa = unit.sign_mantissa + origin;
        uint16_t *outputs = unit.outputs + origin;
        if (wide && at >= lead && at + group <= end) {
            *reinterpret_cast<Words8 *>(outputs + at) =
                join_group(*reinterpret_cast<const Bytes8 *>(staging + at),
                           *reinterpret_cast<const Bytes8 *>(sign_mantissa + at));
            continue;
        }
        for (uint32_t i = at < lead ? lead : at; i < smaller(at + group, end); i++)
            outputs[i] = join(staging[i], sign_mantissa[i]);
    }
}

// Writes NaN for all weights of a chunk.
__device__ __forceinline__ void poison_chunk(const Unit &unit, const Chunk &chunk) {
    for (uint32_t i = thread_index(); i < chunk.count; i += chunk_windows) unit.outputs[chunk.begin + i] = not_a_number;
}

}  // namespace bespoke
