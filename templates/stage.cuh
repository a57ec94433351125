// The digits of a chunk in shared memory: one dense string of four-bit digits, first one on top of the
// first word, that starts where the chunk's first element lies in its group of eight. So a word of
// digits belongs to eight neighbouring, aligned elements of the output.
#pragma once

#include "scan.cuh"
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

__device__ __forceinline__ void write_weight(const Unit &unit, uint32_t element, uint32_t exponent) {
    unit.outputs[element] = join(exponent, unit.sign_mantissa[element]);
}

// The exponents of a chunk that are no digits, in shared memory.
struct Outliers {
    static constexpr uint32_t capacity = 62;
    uint32_t number;  // perhaps of more than there is room for
    uint32_t list[capacity];

    // Adds one of a window, counted from the chunk's first one on, and says whether there was room.
    __device__ __forceinline__ bool add(uint32_t window, uint32_t place, uint32_t exponent) {
        const uint32_t i = atomic_add(&number, 1);
        if (i < capacity) list[i] = window << 16 | place << 8 | exponent;
        return i < capacity;
    }

    __device__ __forceinline__ uint32_t size() const { return smaller(number, capacity); }
    __device__ __forceinline__ uint32_t window(uint32_t i) const { return list[i] >> 16; }
    __device__ __forceinline__ uint32_t place(uint32_t i) const { return list[i] >> 8 & 0xff; }
    __device__ __forceinline__ uint32_t exponent(uint32_t i) const { return list[i] & 0xff; }
};

// What the threads of a block tell each other, in shared memory: a multiple of four words.
template <uint32_t Threads>
struct BlockState {
    WarpSums<Threads> elements;
    uint32_t found;  // by the threads, a set of bits
    Outliers outliers;
};

// The dynamic shared memory of a block: the multi-symbol table, the state, and the string.
template <uint32_t Threads, uint32_t TableBits>
struct BlockMemory {
    typedef BlockState<Threads> State;
    static constexpr uint32_t table_bytes = 4u << TableBits;
    static constexpr uint32_t string_bytes = table_bytes + sizeof(State) + 4 * stage_lead;  // what is before it
    // Four words a window are cleared, which is enough where windows have the 32 codes that lookups can decode at most.
    static constexpr uint32_t piece = sizeof(Words4);
    static constexpr uint32_t clear_bytes = table_bytes + chunk_windows * piece;

    // How many bytes a chunk of so many elements takes, wherever it begins.
    static __device__ __forceinline__ uint32_t bytes(uint32_t count) {
        const uint32_t digits = group - 1 + count + surplus;
        return string_bytes + (digits / group / 4 + 1) * piece;
    }

    // The place of the table, behind which all else lies.
    static __device__ __forceinline__ SharedPlace place() { return SharedPlace(dynamic_shared()); }

    static __device__ __forceinline__ uint32_t *table() { return dynamic_shared(); }
    static __device__ __forceinline__ uint32_t *string() { return dynamic_shared() + string_bytes / 4; }

    static __device__ __forceinline__ State &state() {
        return *reinterpret_cast<State *>(dynamic_shared() + table_bytes / 4);
    }

    // Clears state and string, of which there are `bytes` with the table; all threads of the block take part.
    static __device__ __forceinline__ void clear(uint32_t bytes) {
        constexpr uint32_t steps = chunk_windows / Threads;
        Words4 *words = reinterpret_cast<Words4 *>(dynamic_shared() + table_bytes / 4) + thread_index();
        const uint32_t zero = opaque(0);
#pragma unroll
        for (uint32_t i = 0; i < steps; i++)
            if (thread_index() * piece + (table_bytes + (i * Threads + 1) * piece) <= bytes)
                copy(words[i * Threads], {{zero, zero, zero, zero}});
    }
};

// Puts digits, the last of which is number end - 1 of the string, in their place. The string begins so many bytes
// behind a place.
template <uint32_t Bytes>
__device__ __forceinline__ void put_digits(const SharedPlace &place, const Digits &digits, uint32_t end) {
    const SharedPlace words = place.word(end / group);
    const uint32_t shift = digit_bits * end;
    words.set_bits<Bytes>(funnel_right(digits.words[0], 0, shift));
    words.set_bits<Bytes - 4>(funnel_right(digits.words[1], digits.words[0], shift));
    words.set_bits<Bytes - 8>(funnel_right(digits.words[2], digits.words[1], shift));
    words.set_bits<Bytes - 12>(funnel_right(digits.words[3], digits.words[2], shift));
    words.set_bits<Bytes - 16>(funnel_right(0, digits.words[3], shift));
    static_assert(Digits::size == 4, "these are all words");
}

__device__ __forceinline__ uint32_t digit_at(const uint32_t *string, uint32_t i) {
    return string[i / group] >> (32 - digit_bits - digit_bits * (i % group)) & (digit_range - 1);
}

}  // namespace bespoke
