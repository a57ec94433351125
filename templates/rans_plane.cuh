// The planes of the two forms, see package rans: the bits of weights that are not coded.
#pragma once

#include "rans.cuh"

namespace bespoke {

// Exponents are coded: 64 bytes a step.
struct ExponentPlane {
    static constexpr uint32_t symbols = 256, step_bytes = 64, aligned = sizeof(Words2);

    typedef Words2 Part;  // what a lane needs of a step

    const Words2 *from;
    uint32_t order;  // of bytes: the other half of the weights has them the other way round

    __device__ __forceinline__ explicit ExponentPlane(const uint8_t *plane) {
        const uint32_t lane = half_lane();
        from = reinterpret_cast<const Words2 *>(plane) + lane % 8;
        order = opaque(lane < 8 ? 0x3210 : 0x2301);
    }

    template <uint32_t Step>
    __device__ __forceinline__ Part load() const {
        return load_once<Step * step_bytes>(from);
    }

    // Of the lane's part in a step, bytes.
    __device__ __forceinline__ uint32_t offset() const { return half_lane() % 8 * sizeof(Words2); }

    __device__ __forceinline__ void go_on(uint32_t steps) { from += steps * (step_bytes / sizeof(Words2)); }

    // Four weights, from the words of their symbols.
    __device__ __forceinline__ Words2 merge(const Part &part, const uint32_t *words) const {
        return {{select(permute_by(part.words[0], 0, order), permute<0x5410>(words[0], words[1]), 0x807f807f),
                 select(permute_by(part.words[1], 0, order), permute<0x5410>(words[2], words[3]), 0x807f807f)}};
    }

    // The bits of weight i of a block, and a symbol, as the weight has them.
    static __device__ __forceinline__ uint32_t rest(const uint8_t *plane, uint32_t i) {
        const uint32_t mantissa = i / 64 * 64 + i % 32 * 2 + i % 64 / 32;
        return (plane[mantissa] & 0x7f) | (plane[mantissa ^ 1] & 0x80) << 8;
    }

    static __device__ __forceinline__ uint32_t coded(uint32_t symbol) { return symbol << 7; }
};

// The highest bit of the mantissa is coded with the exponent: 56 bytes a step.
struct JointPlane {
    static constexpr uint32_t symbols = 512, step_bytes = 56, aligned = sizeof(uint32_t);

    typedef Words2 Part;

    const uint32_t *from;
    uint32_t shift;  // of two words, up to the four fields of the lane

    __device__ __forceinline__ explicit JointPlane(const uint8_t *plane) {
        from = reinterpret_cast<const uint32_t *>(plane) + offset() / 4;
        shift = opaque(first_bit() - 8 * offset());
    }

    // Of the lane's words in a step, bytes.
    __device__ __forceinline__ uint32_t offset() const { return smaller(first_bit() / 32 * 4, step_bytes - 8); }

    template <uint32_t Step>
    __device__ __forceinline__ Part load() const {
        const uint32_t *own = from + Step * (step_bytes / 4);
        return {{load_common(own), load_common(own + 1)}};
    }

    __device__ __forceinline__ void go_on(uint32_t steps) { from += steps * (step_bytes / 4); }

    __device__ __forceinline__ Words2 merge(const Part &part, const uint32_t *words) const {
        const uint32_t fields = shift_right(part.words[1], part.words[0], shift).low;
        return {{pair(fields, permute<0x5410>(words[0], words[1])),
                 pair(fields >> 14, permute<0x5410>(words[2], words[3]))}};
    }

    static __device__ __forceinline__ uint32_t rest(const uint8_t *plane, uint32_t i) {
        const uint32_t bit = 7 * (i % 64 / 32 * 4 + i % 4), at = i / 64 * 56 + i % 32 / 4 * 7 + bit / 8;
        uint32_t field = plane[at] >> bit % 8;
        if (bit % 8 > 1) field |= plane[at + 1] << (8 - bit % 8);
        return (field & 0x3f) | (field & 0x40) << 9;
    }

    static __device__ __forceinline__ uint32_t coded(uint32_t symbol) { return symbol << 6; }

private:
    static __device__ __forceinline__ uint32_t first_bit() { return half_lane() % 8 * 56 + half_lane() / 8 * 28; }

    // Two weights, from two fields and what is coded of them.
    static __device__ __forceinline__ uint32_t pair(uint32_t fields, uint32_t coded) {
        const uint32_t both = (fields & 0x7f) | (fields << 9 & 0x7f0000);
        return coded | (both & 0x003f003f) | (both << 9 & 0x80008000);
    }
};

}  // namespace bespoke
