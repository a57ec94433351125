// Windows that the unrolled lookups do not decode: with an exponent outside the book's run, a code longer than the
// table is wide, or more entries than there are lookups. The thread goes on where they stopped and has the digits of
// the whole window in the end. An exponent outside the run has the digit 0 there, goes into a list and, when the chunk
// has been merged, over what came of the digit.
//
// In the tail of the stream codes cannot be told from what fills its last byte: what is decoded beyond the last
// element is left out of the merge, and it is checked afterwards where the last code ends. Windows with more codes than
// there is room for, or more outliers than the list has, are only counted, and written when the chunk has been merged.
#pragma once

#include "slow.cuh"

namespace bespoke {

// What windows that have to be seen to after the merge add to their numbers of codes, so that the sum over a chunk
// shows that there is one. All codes of a chunk together are fewer.
constexpr uint32_t unfinished = 1 << 17;
constexpr uint32_t only_counted = unfinished | 1 << 27;

__device__ __forceinline__ uint32_t codes_of(uint32_t marked) { return marked % unfinished; }

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
        mark |= outliers.add(window % chunk_windows, i, symbol.exponent) ? unfinished : only_counted;
    }
};

// A window that is read from three words, in which all its codes lie.
struct SpanReading : Reading {
    uint32_t first, second, third;

    __device__ __forceinline__ SpanReading(const Unit &unit, uint32_t w, const uint32_t *words, uint32_t gap,
                                           uint32_t length)
        : first(words[0]), second(words[1]), third(words[2]) {
        tail = length == unknown_length;
        at = gap;
        end = tail ? tail_end(unit, w) : gap + length;
    }

    // The next bits.
    __device__ __forceinline__ uint32_t bits() const {
        const uint32_t high = at < 32 ? first : at < 64 ? second : third;
        const uint32_t low = at < 32 ? second : at < 64 ? third : 0;
        return funnel_left(high, low, at);
    }
};

// Goes on with window w after lookups with the given sum, adds what is wrong with it to found, which lies in shared
// memory, and returns how many codes it has, with the mark that it needs.
template <class Model>
__device__ __forceinline__ uint32_t finish_window(const Source &from, uint32_t w, SpanReading &reader,
                                                  const EntrySum &sum, Digits &digits, Outliers &outliers,
                                                  uint32_t &found) {
    mark_rare();
    const uint32_t bits = reader.end - reader.at, before = sum.length(bits), count = sum.count_so_far(bits);
    if (count > most_mistaken(Model::lookups * Model::entry_digits) && before <= bits && !reader.tail) {
        reader.at += before;
        reader.count = count;
    } else {
        digits = Digits();
    }
    Collector collector = {digits, outliers, w, from.base, reader.tail ? unfinished : 0};
    read_codes<Model::table_bits>(from, reader, collector);
    const uint32_t wrong = reader.fault();
    if (wrong != 0) atomic_or(&found, wrong);
    if (wrong != 0 || reader.count > Digits::capacity) collector.mark = only_counted;
    if (collector.mark == only_counted) digits = Digits();
    return reader.count + collector.mark;
}

// Sees to a window whose number of codes is marked, `first` elements of its chunk being before it, and says what is
// wrong with it.
template <uint32_t TableBits>
__device__ __forceinline__ uint32_t see_to_window(const Source &from, const Chunk &chunk, const Outliers &outliers,
                                                  uint32_t w, uint32_t marked, uint32_t first) {
    const Unit &unit = from.unit;
    if (marked >= only_counted) {
        Writer writer = {unit, chunk, from.base, first};
        return read_again<TableBits>(from, chunk, w, first, writer);
    }
    for (uint32_t i = 0; i < outliers.size(); i++) {
        keep_loop();
        const uint32_t at = first + outliers.place(i);
        if (outliers.window(i) == w % chunk_windows && at < chunk.count)
            write_weight(unit, chunk.begin + at, outliers.exponent(i));
    }
    if (!unit.is_tail(w)) return 0;
    Counter counter;
    return read_again<TableBits>(from, chunk, w, first, counter);
}

}  // namespace bespoke
