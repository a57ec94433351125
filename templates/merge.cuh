// From digits in shared memory and sign_mantissa bytes to bfloat16 words.
#pragma once

#include "stage.cuh"

namespace bespoke {

// Eight weights at once, from eight digits and their sign_mantissa bytes.
//
// A byte of digits has two of them: the lowest bit of the first on top, and in the lowest three bits
// what the second adds to the upper seven bits of its exponent. Turned by one digit, the bytes have
// those of the second and the next first one. So two additions give everything, and every weight
// finds the upper byte of its exponent field in one of the two words and the lower byte in the other.
__device__ __forceinline__ Words4 join_group(uint32_t digits, const Words2 &sign_mantissa, uint32_t base) {
    constexpr uint32_t parts = 0x87878787, exponent = 0x7f807f80;
    const uint32_t bases = base / 2 * 0x01010101;
    const uint32_t x = (digits & parts) + bases;
    const uint32_t y = (funnel_right(digits, digits, digit_bits) & parts) + bases;
    const uint32_t first = sign_mantissa.words[0], second = sign_mantissa.words[1];
    return {{select(permute<0x3673>(x, y), permute<0x1100>(first), exponent),
             select(permute<0x2562>(x, y), permute<0x3322>(first), exponent),
             select(permute<0x1451>(x, y), permute<0x1100>(second), exponent),
             select(permute<0x0740>(x, y), permute<0x3322>(second), exponent)}};
}

// The merge of a chunk. Whole groups inside it go one to a thread and step; the first and the last
// group, which other chunks may share, go element by element.
template <class Model>
struct Merge {
    static constexpr uint32_t threads = Model::threads;
    // Steps that most chunks have: their sign_mantissa bytes are fetched ahead, some of them before windows are
    // decoded.
    static constexpr uint32_t steps = Model::merge_steps * chunk_windows / threads, early = steps / 3;
    // So many elements have a whole group among them, wherever they begin.
    static constexpr uint32_t least = 2 * group;

    const Unit &unit;
    uint32_t thread;
    uint32_t first;       // the group of the unit in which the chunk begins
    uint32_t begin, end;  // the elements of the chunk, counted from the first of that group on
    uint32_t inner;       // how many groups behind it are whole
    Words2 fetched[steps];

    __device__ __forceinline__ Merge(const Unit &unit, const Chunk &chunk) : unit(unit) { find_groups(chunk); }

    // Finds the groups of the chunk. They are found once more when windows have been decoded, so that they take no
    // registers meanwhile.
    __device__ __forceinline__ void find_groups(const Chunk &chunk) {
        const uint32_t chunk_begin = opaque(chunk.begin);
        thread = opaque(thread_index());
        first = chunk_begin / group;
        begin = chunk_begin % group;
        end = begin + opaque(chunk.count);
        inner = (end - 1) / group - 1;
    }

    // The chunk once more, from what is kept of it.
    __device__ __forceinline__ Chunk chunk() const {
        return {first * group + begin, end - begin, first * group + end == unit.n_elements,
                own_chunk(unit)};
    }

    // The group of step i, counted from the first whole one on, and how far it is from the one of this thread's number
    // that counts from the first group on.
    __device__ __forceinline__ uint32_t own(uint32_t i) const { return thread + i * threads; }
    static __device__ __forceinline__ constexpr uint32_t group_of(uint32_t i) { return 1 + i * threads; }

    __device__ __forceinline__ const Words2 *bytes() const {
        return reinterpret_cast<const Words2 *>(unit.sign_mantissa) + (first + thread);
    }

    __device__ __forceinline__ void fetch_early() { fetch<0, early>(bytes()); }
    __device__ __forceinline__ void fetch_late() { fetch<early, steps>(bytes()); }

    __device__ __forceinline__ void write_element(const uint32_t *string, uint32_t i, uint32_t base) const {
        write_weight(unit, first * group + i, base + distance_of(digit_at(string, i)));
    }

    // Writes the weights; all threads of the block take part. The digits lie so many bytes behind a place.
    template <uint32_t Bytes>
    __device__ __forceinline__ void write(const SharedPlace &place, const uint32_t *string, uint32_t base) const {
        Words4 *to = reinterpret_cast<Words4 *>(unit.outputs) + (first + thread);
        uint32_t digits[steps];
        take<0, Bytes>(place.word(thread), digits);
        store<0>(to, digits, base);
        for (uint32_t i = steps; own(i) < inner; i++) {
            keep_loop();
            mark_rare();
            to[group_of(i)] = join_group(string[thread + group_of(i)], bytes()[group_of(i)], base);
        }
        // The elements around: of the first group, and of the group behind the whole ones.
        if (thread < 2 * group) {
            mark_one_warp();
            const uint32_t i = thread + (thread < group ? 0 : inner * group);
            if (i >= begin && i < end) {
                mark_one_warp();
                write_element(string, i, base);
            }
        }
    }

private:
    // Fetches the bytes for the steps from I to End.
    template <uint32_t I, uint32_t End>
    __device__ __forceinline__ void fetch(const Words2 *from) {
        if constexpr (I < End) {
            if (own(I) < inner) fetched[I] = load_constant<sizeof(Words2) * group_of(I)>(from);
            fetch<I + 1, End>(from);
        }
    }

    // Takes the digits for the steps from I on.
    template <uint32_t I, uint32_t Bytes>
    __device__ __forceinline__ void take(const SharedPlace &from, uint32_t *digits) const {
        if constexpr (I < steps) {
            if (own(I) < inner) digits[I] = from.load<Bytes + 4 * group_of(I)>();
            take<I + 1, Bytes>(from, digits);
        }
    }

    // Stores the weights of the steps from I on.
    template <uint32_t I>
    __device__ __forceinline__ void store(Words4 *to, const uint32_t *digits, uint32_t base) const {
        if constexpr (I < steps) {
            store_below<sizeof(Words4) * group_of(I)>(own(I), inner, to, join_group(digits[I], fetched[I], base));
            store<I + 1>(to, digits, base);
        }
    }
};

}  // namespace bespoke
