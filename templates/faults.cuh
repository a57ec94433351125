// What can be wrong with a chunk, and how it is told.
#pragma once

#include "stream.cuh"

namespace bespoke {

// Stands for every element of a chunk whose stream does not add up. DF11 cannot express NaN, so it is
// told from every weight, and a model that reads it does not go on quietly.
constexpr uint16_t not_a_number = 0x7fff;

// What the threads of a block find: a set of bits, of which the lowest is no fault.
constexpr uint32_t other_luts = 1 << 0;     // the luts are not those of the book
constexpr uint32_t code_unknown = 1 << 1;   // bits that no code begins with
constexpr uint32_t window_end = 1 << 2;     // the codes of a window do not end where those of the next one start
constexpr uint32_t element_count = 1 << 3;  // the codes of a chunk are not as many as its elements
constexpr uint32_t sizes = 1 << 4;          // the unit is larger than a unit can be, or shared memory too small
constexpr uint32_t stream_end = 1 << 5;     // the last code does not end in the last byte of the stream
constexpr uint32_t lane_end = 1 << 6;       // the codes of a lane do not end where those of the next one start

// The error word: cause, unit and chunk or tile. The causes are the numbers of the bits above.
__device__ __forceinline__ uint64_t error_word(uint32_t findings, uint32_t unit, uint32_t chunk) {
    uint64_t cause = 1;
    while ((findings >> cause & 1) == 0) cause++;
    return cause << 56 | static_cast<uint64_t>(unit & 0xffffff) << 32 | chunk;
}

__device__ __forceinline__ void report(const Unit &unit, uint32_t findings, uint32_t chunk) {
    if (unit.error != nullptr && thread_index() == 0)
        atomic_set(unit.error, error_word(findings, unit.number, chunk));
}

// Writes NaN for all weights of a chunk and reports what was found; all threads of the block take
// part. The first report of a launch stays.
template <uint32_t Threads>
__device__ __forceinline__ void fail_chunk(const Unit &unit, const Chunk &chunk, uint32_t findings) {
    mark_rare();
    for (uint32_t i = thread_index(); i < chunk.count; i += Threads) {
        keep_loop();
        unit.outputs[chunk.begin + i] = not_a_number;
    }
    report(unit, findings, chunk.number);
}

}  // namespace bespoke
