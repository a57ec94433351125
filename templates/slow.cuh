// The slow way, for windows that unrolled lookups alone do not decode: entry by entry, with symbols that the table does
// not have looked up in the luts tensor. It is rare, so it keeps nothing in registers that memory has.
#pragma once

#include "faults.cuh"
#include "stage.cuh"

namespace bespoke {

// What is read of a window, and from where.
struct Source {
    const Unit &unit;
    const uint32_t *table;  // that of the book, and so are
    uint32_t base, pad;
};

// How far a window has been read, entry by entry.
struct Reading {
    uint32_t at;   // the next code starts at this bit
    uint32_t end;  // the last one ends at this bit or, in the tail of the stream, starts before it
    bool tail;
    uint32_t count = 0;   // how many codes have been read
    uint32_t most = ~0u;  // so many are
    bool exists = true;   // no code was met that does not exist

    __device__ __forceinline__ bool more() const { return exists && at < end && count < most; }

    // What is wrong with the window when it has been read, 0 if nothing is. Of the tail nothing can be said yet.
    __device__ __forceinline__ uint32_t fault() const {
        if (tail) return 0;
        if (!exists) return code_unknown;
        return at == end ? 0 : window_end;
    }
};

// The bit of a window in the tail of the stream before which codes start.
__device__ __forceinline__ uint32_t tail_end(const Unit &unit, uint32_t w) {
    const uint32_t start = w * window_bytes;
    return start < unit.n_bytes ? 8 * smaller(unit.n_bytes - start, window_bytes) : 0;
}

// A window that is read from memory.
struct StreamReading : Reading {
    const Unit &unit;
    uint32_t window;

    __device__ __forceinline__ StreamReading(const Unit &unit, uint32_t w) : unit(unit), window(w) {
        tail = unit.is_tail(w);
        at = gap_of(unit, w);
        end = tail ? tail_end(unit, w) : window_bits + gap_of(unit, w + 1);
    }

    // The next bits.
    __device__ __forceinline__ uint32_t bits() const {
        return stream_bits(unit, window * window_bytes + at / 8, at % 8);
    }
};

// The first code of an entry that has digits.
__device__ __forceinline__ Symbol first_symbol(const Source &from, uint32_t entry) {
    const uint32_t exponent = from.base + distance_of(entry >> (32 - digit_bits));
    return {exponent, code_length(from.unit, exponent)};
}

// Reads a window, or what is left of it, and calls visit.entry for entries of the table and visit.symbol for single
// symbols. Without a book, of which TableBits is 0, all are symbols. In the tail of the stream, where codes cannot be
// told from what follows them, entries are those that are sure not to reach too far.
template <uint32_t TableBits, class Reader, class Visitor>
__device__ __forceinline__ void read_codes(const Source &from, Reader &reader, Visitor &visit) {
    while (reader.more()) {
        keep_loop();
        const uint32_t bits = reader.bits();
        Symbol symbol = {0, 0};
        if constexpr (TableBits > 0) {
            const uint32_t left = reader.end - reader.at;
            const uint32_t padded = left < 32 && !reader.tail ? select(from.pad >> left, bits, ~0u >> left) : bits;
            const uint32_t entry = from.table[padded >> (32 - TableBits)];
            if (entry_length(entry) == 0) {
                symbol = escaped_symbol(entry);
            } else if (reader.tail && (left < TableBits || entry_count(entry) > reader.most - reader.count)) {
                symbol = first_symbol(from, entry);
            } else {
                visit.entry(entry, reader.count);
                reader.count += entry_count(entry);
                reader.at += entry_length(entry);
                continue;
            }
        }
        if (symbol.length == 0) symbol = walk(from.unit, bits);
        if (symbol.length == 0) {
            reader.exists = false;
        } else {
            visit.symbol(symbol, reader.count);
            reader.count++;
            reader.at += symbol.length;
        }
    }
}

// Does nothing with what is read.
struct Counter {
    __device__ __forceinline__ void entry(uint32_t, uint32_t) {}
    __device__ __forceinline__ void symbol(const Symbol &, uint32_t) {}
};

// Writes what is read into the output, up to the end of the chunk.
struct Writer {
    const Unit &unit;
    const Chunk &chunk;
    uint32_t base;
    uint32_t first;  // elements of the chunk before the window

    __device__ __forceinline__ void write(uint32_t i, uint32_t exponent) {
        if (first + i < chunk.count) write_weight(unit, chunk.begin + first + i, exponent);
    }

    __device__ __forceinline__ void entry(uint32_t entry, uint32_t i) {
        const uint32_t end = i + entry_count(entry);
        for (; i < end; i++, entry <<= digit_bits) {
            keep_loop();
            write(i, base + distance_of(entry >> (32 - digit_bits)));
        }
    }

    __device__ __forceinline__ void symbol(const Symbol &symbol, uint32_t i) { write(i, symbol.exponent); }
};

// Returns how many codes window w has, by the luts alone, and adds what is wrong with it to found, which lies in shared
// memory.
__device__ __forceinline__ uint32_t count_slowly(const Source &from, uint32_t w, uint32_t &found) {
    mark_rare();
    StreamReading reader(from.unit, w);
    Counter counter;
    read_codes<0>(from, reader, counter);
    const uint32_t wrong = reader.fault();
    if (wrong != 0) atomic_or(&found, wrong);
    return reader.count;
}

// Visits the codes of a window that has been counted, `first` elements of its chunk being before it, and says what is
// wrong with it. In the tail codes end where the next window's begin or, that of the unit's last element, in the
// last byte; what fills that byte may look like anything.
template <uint32_t TableBits, class Visitor>
__device__ __forceinline__ uint32_t read_again(const Source &from, const Chunk &chunk, uint32_t w, uint32_t first,
                                               Visitor &visit) {
    const Unit &unit = from.unit;
    StreamReading reader(unit, w);
    const uint32_t left = first < chunk.count ? chunk.count - first : 0;
    if (reader.tail && chunk.last) reader.most = left;
    read_codes<TableBits>(from, reader, visit);
    if (!reader.tail) return 0;
    if (reader.count < left || !chunk.last) {
        if (!reader.exists) return code_unknown;
        return reader.at == window_bits + gap_of(unit, w + 1) ? 0 : window_end;
    }
    // The last code starts in the tail.
    if (left == 0) return unit.is_tail(w - 1) ? 0 : stream_end;
    return w * window_bytes + (reader.at + 7) / 8 == unit.n_bytes ? 0 : stream_end;
}

}  // namespace bespoke
