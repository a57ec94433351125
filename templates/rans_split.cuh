// The way of a warp through two splits of a matrix.
#pragma once

#include "rans_plane.cuh"

namespace bespoke {

constexpr uint32_t run_steps = 4;         // of a turn of the loop of RansSplit::run
constexpr uint32_t fetched_bytes = 256;   // of words, every second turn
constexpr uint32_t fetch_distance = 448;  // bytes from the next word to those fetched, and what aligning them takes

// What follows of a split from sizes: its block, the weights of that, and its steps of the block.
struct RansRange {
    uint32_t block, splits, weights, first, steps;  // splits: those of a block

    static __device__ __forceinline__ uint32_t steps_of(uint32_t weights) {
        return weights / step_weights + (weights % step_weights != 0);
    }

    // A split that is there.
    __device__ __forceinline__ RansRange(const RansMatrix &matrix, uint32_t split) {
        const uint32_t all = steps_of(matrix.block_weights);
        splits = all / matrix.split_steps + (all % matrix.split_steps != 0);
        block = split / splits;
        first = split % splits * matrix.split_steps;
        const uint64_t left = matrix.n_weights - static_cast<uint64_t>(block) * matrix.block_weights;
        weights = left < matrix.block_weights ? static_cast<uint32_t>(left) : matrix.block_weights;
        steps = smaller(matrix.split_steps, steps_of(weights) - first);
    }

    __device__ __forceinline__ RansRange() : block(0), splits(0), weights(0), first(0), steps(0) {}
};

// What the lanes of a half know of their split. It lies in shared memory, as decoding needs the registers. A split that
// is not there, or cannot be what the tensors say, has no steps.
struct RansPlace : RansRange {
    const RansMatrix *matrix;
    uint16_t *outputs;                 // of the block
    uint32_t matrix_number;            // for errors
    uint32_t number;                   // of the split
    uint32_t done;                     // of its steps
    uint32_t patches, begin, end, at;  // patches of the block; its words, and the first of the split, in `blocks`
    uint32_t fault;                    // one of those in rans.cuh, or 0

    __device__ __forceinline__ RansPlace(const RansMatrix *of, uint32_t of_number, uint32_t split)
        : matrix(of), outputs(nullptr), matrix_number(of_number), number(split), done(0), patches(0), begin(0), end(0),
          at(0), fault(0) {
        if (split >= of->n_splits) return;
        const RansRange range(*of, split);
        RansRange::operator=(range);
        steps = 0;
        outputs = of->outputs() + static_cast<uint64_t>(block) * of->block_weights;
        const uint32_t words = of->index()[index_words * block];
        patches = of->index()[index_words * block + 1];
        begin = of->positions()[block * splits];
        at = of->positions()[split];
        if (begin < state_words + 2ull * patches || static_cast<uint64_t>(begin) + words > of->n_words ||
            of->n_words > most_words) {
            fault = rans_sizes;
            return;
        }
        end = begin + words;
        steps = range.steps;
    }

    __device__ __forceinline__ bool last_of_block() const { return first + steps == steps_of(weights); }
    __device__ __forceinline__ const uint8_t *plane(uint32_t step_bytes) const {
        return matrix->plane() + static_cast<uint64_t>(block) * steps_of(matrix->block_weights) * step_bytes;
    }

    __device__ __forceinline__ const uint16_t *words() const {
        return reinterpret_cast<const uint16_t *>(matrix->blocks());
    }

    __device__ __forceinline__ uint64_t word_address(uint32_t i) const {
        return global_address(matrix->blocks()) + 2ull * i;
    }

    // State k of this lane, as a split begins with it.
    __device__ __forceinline__ uint32_t state(uint32_t split, uint32_t k) const {
        return matrix->states()[static_cast<uint64_t>(split) * step_weights + half_lane() * lane_states + k];
    }

    // Patch i of the block. It lies at any multiple of two bytes if positions are wrong.
    __device__ __forceinline__ uint32_t patch(uint32_t i) const {
        const uint16_t *halves = words() + (begin - 2 * (patches - i));
        return halves[0] | static_cast<uint32_t>(halves[1]) << 16;
    }

    // How many of the patches have places below this one, if they ascend; any number of them if they do not.
    __device__ __forceinline__ uint32_t patches_below(uint32_t weight) const {
        uint32_t from = 0, to = patches;
        while (from < to) {
            keep_loop();
            const uint32_t middle = from + (to - from) / 2;
            if (place_of(patch(middle)) < weight)
                from = middle + 1;
            else
                to = middle;
        }
        return from;
    }
};

// The shared memory of a block.
struct RansMemory {
    alignas(8) unsigned char places[rans_threads / half_lanes * sizeof(RansPlace)];
};

// The place of the own half of the warp. Compilers do not keep its address.
__device__ __forceinline__ RansPlace &own_place() {
    __shared__ RansMemory memory;
    return reinterpret_cast<RansPlace *>(memory.places)[opaque(thread_index()) / half_lanes];
}

template <class Plane>
struct RansSplit {
    uint32_t states[lane_states];
    uint32_t at;  // words of `blocks` before the next one

    // A pair has a split for each half.
    __device__ __forceinline__ RansSplit(const RansMatrix *matrix, uint32_t matrix_number, uint32_t pair) {
        const uint32_t number = 2 * pair + lane_of_warp() / half_lanes;
        Words4 begin = {{least_state, least_state, least_state, least_state}};
        const Words4 *all = reinterpret_cast<const Words4 *>(matrix->states()) + half_lane();
        if (number < matrix->n_splits) begin = load_constant(all + static_cast<uint64_t>(number) * half_lanes);
        RansPlace &place = own_place();
        if (half_lane() == 0) place = RansPlace(matrix, matrix_number, number);
        warp_barrier();
        at = place.at;
        bool small = false;
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++) {
            states[k] = begin.words[k];
            small |= states[k] < least_state;
        }
        fail(half_any(small), state_start);
    }

    // Runs as many steps as both halves can.
    template <class Out>
    __device__ __forceinline__ void run_all(const RansTable &table, const RansLane &lane, Out &out) {
        const uint32_t own = runnable(out);
        const uint32_t both = smaller(own, from_lane(own, lane_of_warp() ^ half_lanes)) / run_steps * run_steps;
        if (both == 0) return;
        run(table, lane, both, out);
        if (half_lane() == 0) own_place().done = both;
        warp_barrier();
    }

    // Does the steps that are left, of which any weight may be missing, and any word.
    template <class Out>
    __device__ __forceinline__ void step_all(const RansTable &table, const RansLane &lane, Out &out) {
        for (uint32_t i = own_place().done; ballot(i < own_place().steps) != 0; i++) {
            keep_loop();
            step(table, lane, i, out);
        }
    }

    // Compares how the split ends with how the next one begins, or with what has to be at the end of a block.
    __device__ __forceinline__ void finish() {
        const RansPlace &place = own_place();
        const bool last = place.last_of_block(), there = place.steps > 0;
        bool other = false;
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++)
            if (there) other |= states[k] != (last ? least_state : place.state(place.number + 1, k));
        const bool wrong = half_any(other);
        fail(there && at > place.end, words_end);
        fail(there && last && at < place.end, words_left);
        fail(last && wrong, state_end);
        fail(there && !last && (wrong || at != place.matrix->positions()[place.number + 1]), split_end);
    }

    // Puts patches into the weights of the split, when all lanes have written theirs.
    template <class Out>
    __device__ __forceinline__ void patch(Out &out) {
        const RansPlace &place = own_place();
        bool misplaced = false;
        if (place.steps > 0 && place.patches > 0) {
            mark_rare();
            const bool last = place.last_of_block();
            const uint32_t begin = place.first * step_weights;
            const uint32_t end = last ? place.weights : begin + place.steps * step_weights;
            const uint32_t from = begin == 0 ? 0 : place.patches_below(begin);
            const uint32_t to = last ? place.patches : place.patches_below(end);
            misplaced = from > to;
            for (uint32_t i = from + half_lane(); i < to; i += half_lanes) {
                keep_loop();
                const uint32_t word = place.patch(i), weight = place_of(word), symbol = word >> place_bits;
                if (weight < begin || weight >= end || symbol >= Plane::symbols ||
                    (i > from && place_of(place.patch(i - 1)) >= weight))
                    misplaced = true;
                else
                    out.put(weight, Plane::coded(symbol) | Plane::rest(plane(), weight));
            }
        }
        fail(half_any(misplaced), patch_place);
    }

    // Reports what is wrong, unless something was reported before.
    __device__ __forceinline__ void report(uint64_t *error) const {
        const RansPlace &place = own_place();
        if (place.fault != 0 && half_lane() == 0)
            atomic_set(error, static_cast<uint64_t>(place.fault) << 56 |
                                  static_cast<uint64_t>(place.matrix_number & 0xffffff) << 32 | place.number);
    }

private:
    // Whether a lane of the own half came with true.
    static __device__ __forceinline__ bool half_any(bool mine) {
        return (ballot(mine) >> (lane_of_warp() & half_lanes) & 0xffff) != 0;
    }

    __device__ __forceinline__ const uint8_t *plane() const { return own_place().plane(Plane::step_bytes); }

    // Keeps the first fault, after which nothing of the split is to be done.
    __device__ __forceinline__ void fail(bool failed, uint32_t fault) {
        RansPlace &place = own_place();
        if (failed && place.fault == 0 && half_lane() == 0) place.fault = fault, place.steps = 0;
        warp_barrier();
    }

    // How many steps `run` may do, for the own half. Words behind the block are words all the same: a split that takes
    // them does not end well.
    template <class Out>
    __device__ __forceinline__ uint32_t runnable(const Out &out) const {
        const RansPlace &place = own_place();
        if (place.steps == 0 || at == 0 || at > place.matrix->n_words || !is_aligned(plane(), Plane::aligned) ||
            !out.aligned())
            return 0;
        const uint32_t count = smaller(place.steps, place.weights / step_weights - place.first);
        // See RansLane::refill.
        return (place.word_address(at) - sizeof(uint16_t)) >> 32 == words_behind(count) >> 32 ? count : 0;
    }

    // The address behind as many words as so many steps can take.
    __device__ __forceinline__ uint64_t words_behind(uint32_t steps) const {
        return own_place().word_address(at) + static_cast<uint64_t>(steps) * step_weights * sizeof(uint16_t);
    }

    // So many steps, a multiple of run_steps.
    template <class Out>
    __device__ __forceinline__ void run(const RansTable &table, const RansLane &lane, uint32_t count, Out &out) {
        const RansPlace &place = own_place();
        Plane from(plane() + static_cast<uint64_t>(place.first) * Plane::step_bytes);
        typename Plane::Part parts[run_steps];
        load_parts<0>(from, parts);
        const uint64_t next = place.word_address(at), end = place.word_address(place.matrix->n_words - 1);
        const uint32_t high = opaque(static_cast<uint32_t>(next >> 32));
        const uint32_t last = static_cast<uint32_t>(end < words_behind(count) ? end : words_behind(count));
        uint32_t low = static_cast<uint32_t>(next) - 2;  // of the address of the word before the next one
        fetch_words(high, low, last);
        fetch_words(high, low + fetched_bytes, last);
        for (uint32_t left = count; left > 0; left -= run_steps) {
            keep_loop();
            mark_start();
            if (left > run_steps && left / run_steps % 2 == 0)
                fetch_words(high, (low + fetch_distance) & -fetched_bytes, last);
            turn<0>(table, lane, low, high, last, parts, from, out);
            out.go_on(run_steps);
            from.go_on(run_steps);
            if (left > run_steps) load_parts<0>(from, parts);
        }
        at = (low + 2 - static_cast<uint32_t>(place.word_address(0))) / 2;
    }

    // Fetches the words that lie there into the cache, but none behind the last one.
    static __device__ __forceinline__ void fetch_words(uint32_t high, uint32_t low, uint32_t last) {
        const uint32_t own = low + half_lane() * (fetched_bytes / half_lanes);
        prefetch(static_cast<uint64_t>(high) << 32 | smaller(own, last));
    }

    // The plane of a turn, all at once: it is next to each other in memory.
    template <uint32_t Step>
    static __device__ __forceinline__ void load_parts(const Plane &from, typename Plane::Part *parts) {
        parts[Step] = from.template load<Step>();
        if constexpr (Step + 1 < run_steps) load_parts<Step + 1>(from, parts);
    }

    // The steps of a turn from number Step on.
    template <uint32_t Step, class Out>
    __device__ __forceinline__ void turn(const RansTable &table, const RansLane &lane, uint32_t &low, uint32_t high,
                                         uint32_t last, const typename Plane::Part *parts, const Plane &from,
                                         Out &out) {
        uint32_t words[lane_states];
        table.look(lane.own_half, states, words);
        lane.refill(states, low, high, last);
        out.template take<Step>(from.merge(parts[Step], words));
        if constexpr (Step + 1 < run_steps) turn<Step + 1>(table, lane, low, high, last, parts, from, out);
    }

    // Step i, in which a half takes no part that does not have it.
    template <class Out>
    __device__ __forceinline__ void step(const RansTable &table, const RansLane &lane, uint32_t i, Out &out) {
        const RansPlace &place = own_place();
        const bool mine = i < place.steps;
        uint32_t words[lane_states], after[lane_states] = {states[0], states[1], states[2], states[3]};
        bool wanted[lane_states];
        table.look(lane.own_half, after, words);
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++) {
            wanted[k] = mine && after[k] < least_state;
            if (mine) states[k] = after[k];
        }
        uint32_t own = at + lane.count(wanted);
        at = from_end_of_half(own);
#pragma unroll
        for (uint32_t i = 1; i <= lane_states; i++) {
            if (!wanted[lane_states - i]) continue;
            own--;
            uint32_t &state = states[lane_states - i];
            state = state << 16 | (own < place.end ? place.words()[own] : 0);
        }
        const uint32_t weight = opaque((place.first + i) * step_weights + half_lane() * lane_states);
        const uint32_t there = mine && weight < place.weights ? smaller(place.weights - weight, lane_states) : 0;
#pragma unroll
        for (uint32_t k = 0; k < lane_states; k++)
            if (k < there) out.put(weight + k, (words[k] & 0xffff) | Plane::rest(plane(), opaque(weight + k)));
        out.end_step(mine);
    }
};

}  // namespace bespoke
