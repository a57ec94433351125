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
    return {{select(permute(x, y, 0x3673), permute(first, 0, 0x1100), exponent),
             select(permute(x, y, 0x2562), permute(first, 0, 0x3322), exponent),
             select(permute(x, y, 0x1451), permute(second, 0, 0x1100), exponent),
             select(permute(x, y, 0x0740), permute(second, 0, 0x3322), exponent)}};
}

// The merge of a chunk. Whole groups inside it go one to a thread and step; the first and the last
// group, which other chunks may share, go element by element.
template <uint32_t Threads>
struct Merge {
    // Steps that chunks of trained weights have: their sign_mantissa bytes are fetched ahead. All
    // threads take part in those before the last.
    static constexpr uint32_t steps = 3 * chunk_windows / Threads;
    static constexpr uint32_t whole_steps = 2 * chunk_windows / Threads;

    const uint8_t *sign_mantissa;  // of the first group
    uint16_t *outputs;
    uint32_t begin, end;  // the elements of the chunk, counted from the first group on
    uint32_t inner;       // how many groups are whole, from number 1 on; 0 where memory is not aligned
    bool ahead;           // the steps are made
    Words2 fetched[steps];

    __device__ __forceinline__ Merge(const Unit &unit, const Chunk &chunk) {
        begin = group_lead(chunk);
        end = begin + chunk.count;
        sign_mantissa = unit.sign_mantissa + (chunk.begin - begin);
        outputs = unit.outputs + (chunk.begin - begin);
        const bool wide = is_aligned(unit.outputs, sizeof(Words4)) && is_aligned(unit.sign_mantissa, sizeof(Words2));
        inner = wide && end > group ? (end - 1) / group - 1 : 0;
        ahead = inner >= whole_steps * Threads;
    }

    // The sign_mantissa bytes and the place of group `g`, counted from this thread's first one on.
    __device__ __forceinline__ const Words2 &bytes(uint32_t g) const {
        return reinterpret_cast<const Words2 *>(sign_mantissa)[1 + thread_index() + static_cast<uint64_t>(g)];
    }

    __device__ __forceinline__ Words4 &place(uint32_t g) const {
        return reinterpret_cast<Words4 *>(outputs)[1 + thread_index() + static_cast<uint64_t>(g)];
    }

    __device__ __forceinline__ uint32_t digits(const uint32_t *stage, uint32_t g) const {
        return stage[stage_lead + 1 + thread_index() + g];
    }

    // Whether this thread has a group at step i.
    __device__ __forceinline__ bool has(uint32_t i) const {
        return i < whole_steps || thread_index() + i * Threads < inner;
    }

    __device__ __forceinline__ void fetch() {
        if (!ahead) return mark_rare();
#pragma unroll
        for (uint32_t i = 0; i < steps; i++)
            if (has(i)) fetched[i] = bytes(i * Threads);
    }

    __device__ __forceinline__ void write_element(const uint32_t *stage, uint32_t i, uint32_t base) const {
        outputs[i] = join(base + distance_of(digit_at(stage, i)), sign_mantissa[i]);
    }

    // Writes the weights; all threads of the block take part.
    __device__ __forceinline__ void write(const uint32_t *stage, uint32_t base) const {
        if (ahead) {
#pragma unroll
            for (uint32_t i = 0; i < steps; i++)
                if (has(i)) place(i * Threads) = join_group(digits(stage, i * Threads), fetched[i], base);
        }
        for (uint32_t g = ahead ? steps * Threads : 0; thread_index() + g < inner; g += Threads) {
            keep_loop();
            mark_rare();
            place(g) = join_group(digits(stage, g), bytes(g), base);
        }
        // The elements around: of the first group, and of the group behind the whole ones.
        if (inner == 0) {
            for (uint32_t i = begin + thread_index(); i < end; i += Threads) {
                keep_loop();
                mark_rare();
                write_element(stage, i, base);
            }
        } else if (thread_index() < 2 * group) {
            mark_one_warp();
            const uint32_t i = thread_index() + (thread_index() < group ? 0 : inner * group);
            if (i >= begin && i < end) {
                mark_one_warp();
                write_element(stage, i, base);
            }
        }
    }
};

}  // namespace bespoke
