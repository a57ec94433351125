// Decoding the lanes of a tile by table, for tiles with all their weights, in one pass: nothing is counted
// before, as the index says where each lane's codes start and end. The digits of a tile go to shared memory,
// one word for 8 weights, in the order of the weights.
//
// Lookups beyond the end of a lane find bits that complete no symbol, so they do nothing. An escape is
// handled where the window is filled again, a bit late: the lookups between do nothing either. What is
// still left after the lookups that nearly all lanes get along with is decoded in a loop. An exponent that is no
// digit goes into a list, and its weight has the digit 0.
#pragma once

#include "books.cuh"
#include "tile_memory.cuh"

namespace bespoke {

// Where the codes of a tile lie, in blocks of the stream: the lane's from bit `begin` to `end` of those
// that are staged.
struct Extent {
    uint32_t first;   // block of the stream that holds the first code
    uint32_t bits;    // from there to the end of the last code
    uint32_t blocks;  // that hold codes
    uint32_t begin, end;
    bool usable;  // the tile has all its weights, is not wide, has room, and adds up with the next one
};

// Where the codes of a tile start, and the least bits of its lanes above that: the first words of its record, or of the
// one so many bytes behind it.
template <uint32_t Bytes = 0>
__device__ __forceinline__ Words2 record_words(const TileUnit &unit, uint32_t tile) {
    return load_once<Bytes>(reinterpret_cast<const Words2 *>(unit.record(tile)));
}

// Whether the first tile, whose words these are, starts with the stream: no other record tells.
__device__ __forceinline__ bool is_start(const Words2 &words) {
    return (words.words[0] | (words.words[1] & 0xffff)) == 0;
}

// What a lane fetches to know where its codes lie. The index is aligned.
struct Record {
    Words2 words, next;  // of this tile and of the one behind it, if there is one
    uint32_t surplus;    // bits of the lane beyond the minimum

    __device__ __forceinline__ void fetch(const TileUnit &unit, uint32_t tile) {
        words = record_words(unit, tile);
        surplus = unit.record(tile)[8 + lane_index()];
        if (likely(unit.goes_on(tile)))
            next = record_words<record_bytes>(unit, tile);
        else
            next = no_words2();
    }

    __device__ __forceinline__ void clear() {
        words = next = no_words2();
        surplus = words.words[0];
    }
};

// What the record of a tile says; all lanes of the warp take part.
__device__ __forceinline__ Extent find_extent(const TileUnit &unit, uint32_t tile, const Record &record) {
    const uint32_t low = record.words.words[0], high = record.words.words[1] & 0xffff;
    const uint32_t minimum = record.words.words[1] >> 16, bits = minimum + record.surplus, lead = low % block_bits;
    const uint32_t sum = sum_up_to_lane(bits);
    const uint32_t total = from_last_lane(sum), after_low = low + total, after_high = high + (after_low < low);

    Extent extent;
    extent.first = funnel_right(high, low, 7);
    extent.end = lead + sum;
    extent.begin = extent.end - bits;
    extent.bits = lead + total;
    extent.blocks = (extent.bits + block_bits - 1) / block_bits;
    extent.usable = extent.blocks - 1 < staged_blocks && minimum != wide_tile;
    if (likely(unit.goes_on(tile))) {
        const uint32_t *next = record.next.words;
        extent.usable &= after_low == next[0] && after_high == (next[1] & 0xffff);
    } else {
        mark_rare();
        const uint64_t after = static_cast<uint64_t>(after_high) << 32 | after_low;
        extent.usable &= (after + 7) / 8 == unit.n_bytes;
    }
    return extent;
}

// The blocks of a tile's codes that a lane fetches.
struct Blocks {
    Words4 words[lane_blocks];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (Words4 &block : words) block = no_words4();
    }

    // Block i of the stream, which it may end in.
    static __device__ __forceinline__ Words4 last_block(const Unit &unit, uint32_t i) {
        mark_rare();
        Words4 block = {{0, 0, 0, 0}};
        for (uint32_t byte = 0; byte < sizeof(Words4); byte++) {
            keep_loop();
            const uint32_t at = i * sizeof(Words4) + byte;
            if (at < unit.n_bytes) block.words[byte / 4] |= static_cast<uint32_t>(unit.codes[at]) << 8 * (byte % 4);
        }
        return block;
    }

    // Fetches the lane's share of usable codes, and what else it has room for of the last block, and says whether they
    // lie in the stream, which is aligned to 16 bytes.
    __device__ __forceinline__ bool fetch(const Unit &unit, const Extent &extent) {
        const uint32_t whole = unit.n_bytes / sizeof(Words4), behind = extent.first + extent.blocks;
        const uint32_t lane = own_lane();
        uint32_t own[lane_blocks];
#pragma unroll
        for (uint32_t i = 0; i < lane_blocks; i++)
            own[i] = extent.first + smaller(lane + i * tile_lanes, extent.blocks - 1);
        if (likely(behind <= whole)) {
#pragma unroll
            for (uint32_t i = 0; i < lane_blocks; i++)
                words[i] = load_constant(reinterpret_cast<const Words4 *>(unit.codes) + own[i]);
            return true;
        }
#pragma unroll
        for (uint32_t i = 0; i < lane_blocks; i++) words[i] = last_block(unit, own[i]);
        return uint64_t{opaque(extent.first)} * block_bits + extent.bits <= 8ull * unit.n_bytes;
    }

    // Puts it into shared memory.
    __device__ __forceinline__ void stage(Words4 *to) const {
        const SharedPlace place = SharedPlace(to).word(sizeof(Words4) / 4 * own_lane());
        place.store(big_endian_words(words[0]));
        place.store<tile_lanes * sizeof(Words4)>(big_endian_words(words[1]));
    }

private:
    static_assert(lane_blocks == 2);

    static __device__ __forceinline__ Words4 big_endian_words(const Words4 &block) {
        const uint32_t *w = block.words;
        return {{big_endian(w[0]), big_endian(w[1]), big_endian(w[2]), big_endian(w[3])}};
    }
};

// Entries of the multi-symbol table as lanes want them. What a lane keeps of their sums is the length of the codes
// since the window was filled, below 64, and the number of all digits modulo 64, which the digits above would spoil
// were it any higher:
//
//   bits 31..12  the digits, as in the table
//   bits  8..6   their number
//   bits  3..0   length of their codes together
//
// Escapes are as in the table.
__device__ __forceinline__ uint32_t lane_entry(uint32_t entry) {
    return (entry & 0xfffff00f) | (entry >> 1 & 0x1c0);
}

// The book whose luts are the unit's, if there is one. All threads of the block take part.
template <class Model>
struct TileBook {
    uint32_t number = 0;
    bool aligned;
    BookParts<Model> parts;

    // Fetches what tells the book, and its table.
    __device__ __forceinline__ TileBook(const Unit &unit, const Model &model) : aligned(unit.aligned()) {
        if (!aligned) return;
        number = model.number(unit);
        parts.fetch(unit, model, number, model.book(number));
    }

    // Puts the table into shared memory.
    __device__ __forceinline__ void store(uint32_t *table) {
        if (!aligned) return;
#pragma unroll
        for (uint32_t i = 0; i < parts.table_steps; i++) {
#pragma unroll
            for (uint32_t &entry : parts.table[i].words) entry = lane_entry(entry);
        }
        parts.store(table);
    }

    // Whether there is the book. The block has a barrier in here; `votes` has a word for each of its warps.
    __device__ __forceinline__ bool find(uint32_t *votes) {
        return aligned && !block_any<Model::threads>(parts.differs(), votes);
    }
};

// A lane that is being decoded.
template <uint32_t TableBits>
struct Lane {
    static_assert(TableBits < 16 && lookups_a_window * TableBits < 64, "entries have room for the lengths");

    SharedPlace codes;     // of the tile, first bit on top
    SharedPlace table;
    SharedPlace words;     // the lane's digits
    uint32_t base, pad;    // of the book
    uint32_t at, end;      // bits of the codes: where the window starts, and where the lane ends
    uint32_t window[2];    // the next bits
    uint32_t next;         // the entry for them
    uint32_t last;         // the one before that
    uint32_t sum;          // of the entries and minus a word of digits; the lengths since the window was filled
    uint32_t digits[3];    // the last ones, the lowest word first
    uint32_t counted;      // digits, when they were last counted, less those of a word
    TileOutliers *outliers;

    __device__ __forceinline__ Lane(const uint32_t *codes, const uint32_t *table, TileDigits &tile)
        : codes(codes), table(table), words(tile.ring()) {
        counted = 0 - word_digits;
        sum = counted << 6;
        last = 0;
        digits[0] = digits[1] = digits[2] = 0;
    }

    // Counts the digits, of which there are fewer than 64 since they were last counted.
    __device__ __forceinline__ void count() { counted += ((sum >> 6) - counted) % 64; }

    // Fills the window at the start of the lane, where the end is far enough.
    __device__ __forceinline__ void fill() {
        const SharedPlace from = codes.behind(at / 32 * 4);
        const uint32_t next = from.load<4>();
        window[0] = funnel_left(from.load<0>(), next, at);
        window[1] = funnel_left(next, from.load<8>(), at);
    }

    // Moves on to the end of what has been looked up.
    __device__ __forceinline__ void settle() {
        at += sum % 64;
        sum &= ~63u;
    }

    // Fills the window behind what has been looked up, and takes a code that could not be.
    __device__ __forceinline__ void refill(const Unit &unit) {
        settle();
        if (entry_length(last) == 0) {
            if (opaque(at) != end) take_symbol(unit);
        }
        fill();
        const uint32_t left = end - at;
        if (left < 64) {
            const Halves beyond = shift_right(~0u, ~0u, left), filler = shift_right(pad, pad, left);
            window[0] = select(filler.high, window[0], beyond.high);
            window[1] = select(filler.low, window[1], beyond.low);
        }
        find_next();
    }

    __device__ __forceinline__ void find_next() { next = table.word(window[0] >> (32 - TableBits)).load(); }

    // Appends the digits of an entry.
    __device__ __forceinline__ void append(uint32_t entry) {
        const uint32_t shift = entry >> 4;
        digits[2] = funnel_left(digits[2], digits[1], shift);
        digits[1] = funnel_left(digits[1], digits[0], shift);
        digits[0] = funnel_left(digits[0], entry, shift);
        sum += entry;
    }

    // Takes the next entry, and has the one behind it under way first if the window has bits for that.
    __device__ __forceinline__ void look_up(bool more) {
        last = next;
        if (more) {
            window[0] = funnel_left(window[0], window[1], last);
            window[1] = funnel_left(window[1], 0, last);
            find_next();
        }
        append(last);
    }

    // Stores the last two words that are full, of which some may have been stored before: with at most 7 digits beyond
    // them, they are among the last 24, and what three entries and a symbol have filled is among them.
    __device__ __forceinline__ void flush() {
        const uint32_t place = sum >> 7, shift = sum >> 4 & 28;
        words.crossed<28>(place - 4).store(funnel_right(digits[2], digits[1], shift));
        words.crossed<28>(place).store(funnel_right(digits[1], digits[0], shift));
    }

    __device__ __forceinline__ void give_up() {
        opaque_shared(outliers)->give_up();
        end = at;
    }

    // Decodes the code that the last lookup did not, one that is no digit or longer than the table is wide.
    __device__ __forceinline__ void take_symbol(const Unit &unit) {
        mark_rare();
        Symbol symbol = escaped_symbol(last);
        if (symbol.length == 0) {
            fill();
            Unit same = unit;
            same.n_luts = opaque(unit.n_luts);  // or what follows from it fills registers
            symbol = walk(same, window[0]);
        }
        const uint32_t distance = symbol.exponent - base;
        if (symbol.length == 0 || symbol.length > end - at) return give_up();
        if (distance >= digit_range) {
            const uint32_t element = ((sum >> 6) + word_digits) % lane_elements;
            opaque_shared(outliers)->add(own_lane() * lane_elements + element, symbol.exponent);
        }
        append(lane_entry(entry_of(distance < digit_range ? digit_of(distance) : 0, 0)));
        at += symbol.length;
    }

    // Does three more lookups; a lane that went too far gives up.
    __device__ __forceinline__ void go_on(const Unit &unit) {
        const bool behind = static_cast<int>(end - at) < 0;
        if (behind || static_cast<int>(counted) > static_cast<int>(lane_elements - word_digits)) give_up();
        refill(unit);
#pragma unroll
        for (uint32_t i = 0; i < lookups_a_flush; i++) look_up(i + 1 < lookups_a_flush);
        flush();
        settle();
        count();
    }

    // Whether exactly the lane's weights have been decoded, by exactly its codes.
    __device__ __forceinline__ bool complete() const { return at == end && counted + word_digits == lane_elements; }
};

// Does the lookups from I on that all lanes do, and calls fetch<step>() for the early steps of the merge on the way.
template <uint32_t I, uint32_t Lookups, uint32_t TableBits, class Groups>
__device__ __forceinline__ void look_up_from(const Unit &unit, Lane<TableBits> &lane, Groups &groups) {
    if constexpr (I < Lookups) {
        constexpr uint32_t step = I * Groups::early / Lookups;
        if (I > 0 && I % lookups_a_window == 0) lane.refill(unit);
        if (I > 0 && I % lookups_a_count == 0) lane.count();
        if constexpr (step != (I + 1) * Groups::early / Lookups) groups.template fetch<step>();
        lane.look_up((I + 1) % lookups_a_window != 0);
        if (I % lookups_a_flush == lookups_a_flush - 1) lane.flush();
        look_up_from<I + 1, Lookups>(unit, lane, groups);
    }
}

// Decodes the lanes of a tile whose codes are staged, calls fetch<step>() for the early steps of the merge on the way,
// and says whether all of them came out right, unless one has given up. All lanes of the warp take part.
template <class Model, class Groups>
__device__ __forceinline__ bool decode_lanes(const Unit &unit, const Book &book, const uint32_t *table,
                                             uint32_t begin, uint32_t end, TileMemory<Model::lane_lookups> &memory,
                                             Groups &groups) {
    constexpr uint32_t lookups = Model::lane_lookups;
    static_assert(lookups % lookups_a_flush == 0, "nothing is left to flush");
    static_assert(Groups::early <= lookups, "a lookup fetches one step at most");
    Lane<Model::table_bits> lane(memory.blocks[0].words, table, memory.digits);
    lane.base = book.base;
    lane.pad = book.pad;
    lane.outliers = &memory.outliers;
    lane.at = begin;
    lane.end = end;
    lane.fill();
    lane.find_next();
    look_up_from<0, lookups>(unit, lane, groups);
    lane.settle();
    lane.count();
    if (warp_any(!lane.complete())) {
        mark_rare();
        for (uint32_t i = 0; i < lane_elements && warp_any(lane.at != lane.end); i++) {
            keep_loop();
            lane.go_on(unit);
            if (warp_any(!memory.outliers.complete())) return false;
        }
        return !warp_any(!lane.complete());
    }
    return true;
}

}  // namespace bespoke
