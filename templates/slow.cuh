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

// A window that is read code by code.
struct Reader {
    uint32_t window;
    uint32_t at;    // the next code starts at this bit
    uint32_t end;   // the last one ends at this bit or, in the tail of the stream, starts before it
    bool tail;
    uint32_t most = ~0u;  // so many codes are read

    __device__ __forceinline__ Reader(const Unit &unit, uint32_t w) : window(w) {
        const uint32_t start = w * window_bytes;
        tail = unit.is_tail(w);
        at = gap_of(unit, w);
        end = tail ? (start < unit.n_bytes ? 8 * smaller(unit.n_bytes - start, window_bytes) : 0)
                   : window_bits + gap_of(unit, w + 1);
    }
};

// What reading a window gives.
struct Reading {
    uint32_t count = 0;  // how many codes start there
    bool exists = true;  // no code was met that does not exist
};

// Reads a window, or what is left of it, and calls visit.entry for entries of the table and visit.symbol for
// symbols that are no digits or have no entry. Without a book, of which TableBits is 0, and in the tail of the
// stream, where codes cannot be told from what follows them, all are symbols.
template <uint32_t TableBits, class Visitor>
__device__ __forceinline__ void read_codes(const Source &from, Reader &reader, Visitor &visit, Reading &reading) {
    while (reader.at < reader.end && reading.count < reader.most) {
        keep_loop();
        uint32_t bits = stream_bits(from.unit, reader.window * window_bytes + reader.at / 8, reader.at % 8);
        Symbol symbol = {0, 0};
        if constexpr (TableBits > 0) {
            const uint32_t left = reader.end - reader.at;
            const uint32_t padded = left < 32 ? select(from.pad >> left, bits, ~0u >> left) : bits;
            const uint32_t entry = reader.tail ? 0 : from.table[padded >> (32 - TableBits)];
            symbol = escaped_symbol(entry);
            if (entry_length(entry) != 0) {
                visit.entry(entry, reading.count);
                reading.count += entry_count(entry);
                reader.at += entry_length(entry);
                continue;
            }
        }
        if (symbol.length == 0) symbol = walk(from.unit, bits);
        if (symbol.length == 0) {
            reading.exists = false;
            return;
        }
        visit.symbol(symbol, reading.count);
        reading.count++;
        reader.at += symbol.length;
    }
}

// What is wrong with a window that was read, 0 if nothing is. Of the tail nothing can be said yet.
__device__ __forceinline__ uint32_t fault(const Reader &reader, const Reading &reading) {
    if (reader.tail) return 0;
    if (!reading.exists) return code_unknown;
    return reader.at == reader.end ? 0 : window_end;
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
    Reader reader(from.unit, w);
    Reading reading;
    Counter counter;
    read_codes<0>(from, reader, counter, reading);
    const uint32_t wrong = fault(reader, reading);
    if (wrong != 0) atomic_or(&found, wrong);
    return reading.count;
}

// Writes the weights of a window, `first` elements of its chunk being before it, and says
// what is wrong with it. In the tail codes end where the next window's begin or, that of the unit's
// last element, in the last byte; what fills that byte may look like anything.
template <uint32_t TableBits>
__device__ __forceinline__ uint32_t write_slowly(const Source &from, const Chunk &chunk, uint32_t w, uint32_t first) {
    const Unit &unit = from.unit;
    Reader reader(unit, w);
    Writer writer = {unit, chunk, from.base, first};
    const uint32_t left = first < chunk.count ? chunk.count - first : 0;
    if (reader.tail && chunk.last) reader.most = left;
    Reading reading;
    read_codes<TableBits>(from, reader, writer, reading);
    if (!reader.tail) return 0;
    if (reading.count < left || !chunk.last) {
        if (!reading.exists) return code_unknown;
        return reader.at == window_bits + gap_of(unit, w + 1) ? 0 : window_end;
    }
    // The last code starts in the tail.
    if (left == 0) return unit.is_tail(w - 1) ? 0 : stream_end;
    return w * window_bytes + (reader.at + 7) / 8 == unit.n_bytes ? 0 : stream_end;
}

}  // namespace bespoke
