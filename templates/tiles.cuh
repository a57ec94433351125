// The tile index of a unit, see package codebook: a tile is 32 lanes of 64 successive weights, and its record says
// where the codes of the tile start and how many bits those of each lane take. Here tiles are read code by
// code, whatever they look like; lanes.cuh has the way for most.
#pragma once

#include "slow.cuh"

namespace bespoke {

constexpr uint32_t lane_elements = 64;
constexpr uint32_t tile_lanes = warp_threads;
constexpr uint32_t tile_elements = tile_lanes * lane_elements;
constexpr uint32_t record_bytes = 8 + tile_lanes;
constexpr uint32_t record_bits = 48;      // of the number of the bit at which a tile starts
constexpr uint32_t wide_tile = 0xffff;    // stands for the minimum

// A unit with its tile index.
struct TileUnit : Unit {
    const uint8_t *tiles;

    __device__ __forceinline__ TileUnit(const uint8_t *luts, const uint8_t *codes, const uint8_t *sign_mantissa,
                                        const uint8_t *tiles, uint16_t *outputs, uint32_t n_luts, uint32_t n_bytes,
                                        uint32_t n_elements, uint32_t number, uint64_t *error)
        : Unit{luts, codes, sign_mantissa, nullptr, nullptr, outputs, n_luts, n_bytes, n_elements, number, error},
          tiles(tiles) {}

    // The same, of whose sizes compilers know nothing: what follows from them is not worked out ahead.
    __device__ __forceinline__ TileUnit again() const {
        TileUnit same = *this;
        same.n_bytes = opaque(n_bytes);
        same.n_elements = opaque(n_elements);
        return same;
    }

    // The same, of which compilers know nothing at all.
    __device__ __forceinline__ TileUnit apart() const {
        TileUnit same = again();
        same.n_luts = opaque(n_luts);
        same.number = opaque(number);
        same.luts = opaque(luts);
        same.codes = opaque(codes);
        same.sign_mantissa = opaque(sign_mantissa);
        same.outputs = opaque(outputs);
        same.tiles = opaque(tiles);
        return same;
    }

    __device__ __forceinline__ bool aligned() const {
        return Unit::aligned() && is_aligned(tiles, sizeof(Words2));
    }

    __device__ __forceinline__ uint32_t tile_count() const {
        return n_elements / tile_elements + (n_elements % tile_elements != 0);
    }

    // Whether there is a tile behind this one.
    __device__ __forceinline__ bool goes_on(uint32_t tile) const { return (tile + 1) * tile_elements < n_elements; }

    __device__ __forceinline__ const uint8_t *record(uint32_t tile) const {
        return tiles + static_cast<uint64_t>(tile) * record_bytes;
    }
};

__device__ __forceinline__ uint32_t lane_index() {
    return thread_index() % warp_threads;
}

// The same, which compilers do not know for such: addresses that follow from it take no registers elsewhere.
__device__ __forceinline__ uint32_t own_lane() {
    return opaque(lane_index());
}

// The first word of a record, little-endian at any address.
__device__ __forceinline__ uint64_t record_word(const TileUnit &unit, uint32_t tile) {
    const uint8_t *record = unit.record(tile);
    uint64_t word = 0;
    for (uint32_t i = 8; i > 0; i--) {
        keep_loop();
        word = word << 8 | record[i - 1];
    }
    return word;
}

__device__ __forceinline__ uint64_t start_bit(uint64_t record_word) {
    return record_word & ((1ull << record_bits) - 1);
}

// Whether the codes of a tile may end before this bit: where the next tile's start or, those of the
// last one, in the last byte of the stream.
__device__ __forceinline__ bool tile_ends_at(const TileUnit &unit, uint32_t tile, uint64_t bit) {
    if (unit.goes_on(tile)) return bit == start_bit(record_word(unit, tile + 1));
    return (bit + 7) / 8 == unit.n_bytes;
}

// The code at the top of `bits`, by the table of the book where there is one. It tells no lengths of single codes, but
// the luts do.
template <uint32_t TableBits>
__device__ __forceinline__ Symbol find_symbol(const Source &from, uint32_t bits) {
    Symbol symbol = {0, 0};
    if (from.table != nullptr) {
        const uint32_t entry = from.table[bits >> (32 - TableBits)];
        symbol = entry_length(entry) == 0 ? escaped_symbol(entry) : first_symbol(from, entry);
    }
    return symbol.length == 0 ? walk(from.unit, bits) : symbol;
}

// Reads `count` codes from a bit on, calls visit(element, exponent) for each, moves the bit behind
// them and says what is wrong with them.
template <uint32_t TableBits, class Visit>
__device__ __forceinline__ uint32_t read_run(const Source &from, uint32_t element, uint32_t count, uint64_t &bit,
                                             Visit &visit) {
    const Unit &unit = from.unit;
    for (uint32_t i = 0; i < count; i++) {
        keep_loop();
        const uint64_t byte = bit / 8;
        const uint32_t inside = byte < unit.n_bytes ? static_cast<uint32_t>(byte) : unit.n_bytes;
        const Symbol symbol = find_symbol<TableBits>(from, stream_bits(unit, inside, bit % 8));
        if (symbol.length == 0) return code_unknown;
        if (bit + symbol.length > 8 * static_cast<uint64_t>(unit.n_bytes)) return stream_end;
        visit(element + i, symbol.exponent);
        bit += symbol.length;
    }
    return 0;
}

// The weights of a tile that one lane reads: its own or, in wide tiles, where records tell the bits of
// pairs of lanes, an even lane those of two and an odd one none.
struct Run {
    uint32_t element, count;
};

// Reads a tile code by code, each lane its run, and says whether the tile is right; if not, the fault of its
// first wrong run is reported. All lanes of the warp take part.
template <uint32_t TableBits, class Visit>
__device__ __forceinline__ bool read_tile(const Source &from, const TileUnit &unit, uint32_t tile, Run &run,
                                          Visit &visit) {
    mark_rare();
    const uint64_t word = record_word(unit, tile);
    const uint8_t *lanes = unit.record(tile) + 8;
    const uint32_t minimum = static_cast<uint32_t>(word >> record_bits), lane = own_lane();
    const bool wide = minimum == wide_tile;
    const uint32_t full = wide ? 2 * lane_elements : lane_elements;
    uint32_t bits = minimum + lanes[lane];
    if (wide) bits = lane % 2 == 0 ? lanes[lane] | lanes[lane + 1] << 8 : 0;

    uint32_t sum = bits;
    for (uint32_t delta = 1; delta < warp_threads; delta *= 2) {
        keep_loop();
        sum = add_lane_below(sum, delta);
    }
    const uint32_t first = tile * tile_elements, size = smaller(tile_elements, unit.n_elements - first);
    const uint32_t end = first + size;
    run.element = first + smaller(lane * lane_elements, size);
    run.count = wide && lane % 2 != 0 ? 0 : smaller(full, end - run.element);
    uint32_t wrong = tile == 0 && start_bit(word) != 0 ? lane_end : 0;
    if (run.count > 0 && wrong == 0) {
        const uint64_t start = start_bit(word) + (sum - bits);
        uint64_t bit = start;
        wrong = read_run<TableBits>(from, run.element, run.count, bit, visit);
        const bool inside = run.count < full || bit == start + bits;
        const bool last = run.element + run.count == end;
        if (wrong == 0 && (!inside || (last && !tile_ends_at(unit, tile, bit)))) wrong = lane_end;
    }
    uint32_t wrong_lanes = wrong != 0;
    for (uint32_t delta = 1; delta < warp_threads; delta *= 2) {
        keep_loop();
        wrong_lanes = add_lane_below(wrong_lanes, delta);
    }
    if (wrong != 0 && wrong_lanes == 1 && unit.error != nullptr)
        atomic_set(unit.error, error_word(wrong, unit.number, tile));
    return from_last_lane(wrong_lanes) == 0;
}

// Writes the weights that are read.
struct WeightWriter {
    const Unit &unit;

    __device__ __forceinline__ void operator()(uint32_t element, uint32_t exponent) const {
        write_weight(unit, element, exponent);
    }
};

// Decodes a tile code by code, to NaN if anything is wrong with it. All lanes of the warp take part.
template <uint32_t TableBits>
__device__ __forceinline__ void write_tile_slowly(const Source &from, const TileUnit &unit, uint32_t tile) {
    WeightWriter writer = {unit};
    Run run;
    if (read_tile<TableBits>(from, unit, tile, run, writer)) return;
    for (uint32_t i = 0; i < run.count; i++) {
        keep_loop();
        unit.outputs[run.element + i] = not_a_number;
    }
}

}  // namespace bespoke
