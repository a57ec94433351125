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
    return {{select(permute<0x3673>(x, y), permute<0x1100>(first, 0), exponent),
             select(permute<0x2562>(x, y), permute<0x3322>(first, 0), exponent),
             select(permute<0x1451>(x, y), permute<0x1100>(second, 0), exponent),
             select(permute<0x0740>(x, y), permute<0x3322>(second, 0), exponent)}};
}

// The merge of a chunk. Whole groups inside it go one to a thread and step; the first and the last
// group, which other chunks may share, go element by element.
template <class Model>
struct Merge {
    static constexpr uint32_t threads = Model::threads;
    // Steps that most chunks have: their sign_mantissa bytes are fetched ahead, most of them before windows are decoded.
    static constexpr uint32_t steps = Model::merge_steps * chunk_windows / threads, early = steps * 2 / 3;
    // So many elements have a whole group among them, wherever they begin.
    static constexpr uint32_t least = 2 * group;

    const Unit &unit;
    uint32_t thread;
    uint32_t first;       // the group of the unit in which the chunk begins
    uint32_t begin, end;  // the elements of the chunk, counted from the first of that group on
    uint32_t inner;       // how many groups behind it are whole
    Words2 fetched[steps];
    uint32_t edge;       // the element around the whole groups that is this thread's, if edge_byte is one
    uint32_t edge_byte;  // its sign_mantissa

    __device__ __forceinline__ Merge(const Unit &unit, const Chunk &chunk) : unit(unit) { find_groups(chunk); }

    // Finds the groups of the chunk, and once more, which takes no registers from then on till now.
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

    // The group of step i, counted from the first whole one on.
    __device__ __forceinline__ uint32_t own(uint32_t i) const { return thread + i * threads; }

    // That of this thread's first step as the tensors number them.
    __device__ __forceinline__ uint32_t own_group() const { return first + 1 + thread; }

    __device__ __forceinline__ const Words2 *bytes() const {
        return reinterpret_cast<const Words2 *>(unit.sign_mantissa) + own_group();
    }

    __device__ __forceinline__ void fetch_early() { fetch<0, early>(); }
    __device__ __forceinline__ void fetch_late() {
        fetch<early, steps>();
        fetch_edge();
    }

    // Writes the weights; all threads of the block take part.
    __device__ __forceinline__ void write(const uint32_t *string, uint32_t base) const {
        const uint32_t *digits = string + 1 + thread;
        Words4 *to = reinterpret_cast<Words4 *>(unit.outputs) + own_group();
        uint32_t own_digits[steps];
#pragma unroll
        for (uint32_t i = 0; i < steps; i++)
            if (own(i) < inner) own_digits[i] = digits[i * threads];
#pragma unroll
        for (uint32_t i = 0; i < steps; i++)
            store_below(own(i), inner, to + i * threads, join_group(own_digits[i], fetched[i], base));
        for (uint32_t i = steps; own(i) < inner; i++) {
            keep_loop();
            mark_rare();
            to[i * threads] = join_group(digits[i * threads], bytes()[i * threads], base);
        }
        if (edge_byte == none) return;
        mark_one_warp();
        unit.outputs[first * group + edge] = join(base + distance_of(digit_at(string, edge)), edge_byte);
    }

private:
    static constexpr uint32_t none = 1 << 8;

    // The elements around the whole groups: of the first group, and of the group behind them.
    __device__ __forceinline__ void fetch_edge() {
        edge_byte = none;
        if (thread >= 2 * group) return;
        mark_one_warp();
        edge = thread + (thread < group ? 0 : inner * group);
        if (edge >= begin && edge < end) edge_byte = unit.sign_mantissa[first * group + edge];
    }

    // Fetches the bytes for the steps from Begin to End.
    template <uint32_t Begin, uint32_t End>
    __device__ __forceinline__ void fetch() {
        const Words2 *from = bytes();
#pragma unroll
        for (uint32_t i = Begin; i < End; i++)
            if (own(i) < inner) fetched[i] = load_constant(from + i * threads);
    }
};

}  // namespace bespoke
