// Windows that the unrolled lookups do not decode: with an exponent outside the book's run, a code longer than the
// table is wide, or more entries than there are lookups. The thread goes on where they stopped and has the digits of
// the whole window in the end. An exponent outside the run has the digit 0 there, goes into a list and, when the chunk
// has been merged, over what came of the digit.
//
// Other windows are only counted, and written code by code when the chunk has been merged: those with more codes than
// there is room for, or more outliers than the list has, and the last two of the stream.
#pragma once

#include "slow.cuh"

namespace bespoke {

// What windows that have to be seen to after the merge add to their numbers of codes, so that the sum over a chunk
// shows that there is one. All codes of a chunk together are fewer.
constexpr uint32_t with_outliers = 1 << 17;
constexpr uint32_t only_counted = with_outliers | 1 << 27;

__device__ __forceinline__ uint32_t codes_of(uint32_t marked) { return marked % with_outliers; }

// Appends what is read to the digits of a window.
struct Collector {
    Digits &digits;
    Outliers &outliers;
    uint32_t window, base;
    uint32_t mark;

    __device__ __forceinline__ void entry(uint32_t entry, uint32_t) { digits.append(entry); }

    __device__ __forceinline__ void symbol(const Symbol &symbol, uint32_t i) {
        const uint32_t distance = symbol.exponent - base;
        digits.append(entry_of(distance < digit_range ? digit_of(distance) : 0, 0));
        if (distance < digit_range) return;
        mark |= outliers.add(window % chunk_windows, i, symbol.exponent) ? with_outliers : only_counted;
    }
};

// Goes on with window w after lookups with the given sum, adds what is wrong with it to found, which lies in shared
// memory, and returns how many codes it has, with the mark that it needs.
template <class Model>
__device__ __forceinline__ uint32_t finish_window(const Source &from, uint32_t w, const EntrySum &sum, Digits &digits,
                                                  Outliers &outliers, uint32_t &found) {
    mark_rare();
    Reader reader(from.unit, w);
    Reading reading;
    const uint32_t bits = reader.end - reader.at, before = sum.length(bits), count = sum.count_so_far(bits);
    if (count > most_mistaken(Model::lookups * Model::entry_digits) && before <= bits && !reader.tail) {
        reader.at += before;
        reading.count = count;
    } else {
        digits = Digits();
    }
    Collector collector = {digits, outliers, w, from.base, reader.tail ? only_counted : 0};
    read_codes<Model::table_bits>(from, reader, collector, reading);
    const uint32_t wrong = fault(reader, reading);
    if (wrong != 0) atomic_or(&found, wrong);
    if (wrong != 0 || reading.count > Digits::capacity) collector.mark = only_counted;
    if (collector.mark == only_counted) digits = Digits();
    return reading.count + collector.mark;
}

// Writes what is missing of a window, whose number of codes is marked, `first` elements of its chunk being before it,
// and says what is wrong with it.
template <uint32_t TableBits>
__device__ __forceinline__ uint32_t write_missing(const Source &from, const Chunk &chunk, const Outliers &outliers,
                                                  uint32_t w, uint32_t marked, uint32_t first) {
    if (marked >= only_counted) return write_slowly<TableBits>(from, chunk, w, first);
    if (marked < with_outliers) return 0;
    for (uint32_t i = 0; i < outliers.size(); i++) {
        keep_loop();
        const uint32_t at = first + outliers.place(i);
        if (outliers.window(i) == w % chunk_windows && at < chunk.count)
            write_weight(from.unit, chunk.begin + at, outliers.exponent(i));
    }
    return 0;
}

}  // namespace bespoke
