// The words of CUDA that the kernels use, for the compilers that read them: nvcc and NVRTC know them;
// clang, which compiles CUDA without any toolkit or header, gets them here; a host compiler gets them
// from a header that runs the threads of a block as fibers and defines BESPOKE_HOST.
#pragma once

#if defined(__clang__) && defined(__CUDA__) && !defined(__global__)
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define BESPOKE_WITHOUT_HEADERS
#endif

namespace bespoke {

// Fixed-width types of our own: the published kernel declares them too, as no header is at hand.
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;

constexpr uint32_t warp_threads = 32;

__device__ __forceinline__ uint32_t thread_index() {
#ifdef BESPOKE_WITHOUT_HEADERS
    return __nvvm_read_ptx_sreg_tid_x();
#else
    return threadIdx.x;
#endif
}

__device__ __forceinline__ uint32_t block_index() {
#ifdef BESPOKE_WITHOUT_HEADERS
    return __nvvm_read_ptx_sreg_ctaid_x();
#else
    return blockIdx.x;
#endif
}

__device__ __forceinline__ uint32_t grid_blocks() {
#ifdef BESPOKE_WITHOUT_HEADERS
    return __nvvm_read_ptx_sreg_nctaid_x();
#else
    return gridDim.x;
#endif
}

// Waits for all threads of the block; what they wrote is visible to all afterwards.
__device__ __forceinline__ void block_barrier() {
    __syncthreads();
}

// Adds to sum the sum of the lane that lies delta below in the warp; the lowest lanes keep theirs.
__device__ __forceinline__ uint32_t add_lane_below(uint32_t sum, uint32_t delta) {
#ifdef __CUDA_ARCH__
    asm volatile(
        "{\n\t.reg .pred inside;\n\t.reg .u32 below;\n\t"
        "shfl.sync.up.b32 below|inside, %0, %1, 0, -1;\n\t"
        "@inside add.u32 %0, %0, below;\n\t}"
        : "+r"(sum)
        : "r"(delta));
    return sum;
#else
    const uint32_t below = __shfl_up_sync(0xffffffffu, sum, delta);
    return thread_index() % warp_threads >= delta ? sum + below : sum;
#endif
}

// The sum over the lanes of the warp up to this one.
__device__ __forceinline__ uint32_t sum_up_to_lane(uint32_t value) {
#ifdef __CUDA_ARCH__
    asm volatile(
        "{\n\t.reg .pred inside;\n\t.reg .u32 below;\n\t"
        "shfl.sync.up.b32 below|inside, %0, 1, 0, -1;\n\t@inside add.u32 %0, %0, below;\n\t"
        "shfl.sync.up.b32 below|inside, %0, 2, 0, -1;\n\t@inside add.u32 %0, %0, below;\n\t"
        "shfl.sync.up.b32 below|inside, %0, 4, 0, -1;\n\t@inside add.u32 %0, %0, below;\n\t"
        "shfl.sync.up.b32 below|inside, %0, 8, 0, -1;\n\t@inside add.u32 %0, %0, below;\n\t"
        "shfl.sync.up.b32 below|inside, %0, 16, 0, -1;\n\t@inside add.u32 %0, %0, below;\n\t}"
        : "+r"(value));
#else
    for (uint32_t delta = 1; delta < warp_threads; delta *= 2) value = add_lane_below(value, delta);
#endif
    return value;
}

// The value of the last lane of the warp.
__device__ __forceinline__ uint32_t from_last_lane(uint32_t value) {
#ifdef BESPOKE_WITHOUT_HEADERS
    return __nvvm_shfl_sync_idx_i32(0xffffffffu, value, warp_threads - 1, warp_threads - 1);
#else
    return __shfl_sync(0xffffffffu, value, warp_threads - 1);
#endif
}

// Waits for all lanes of the warp; what they wrote is visible to all afterwards.
__device__ __forceinline__ void warp_barrier() {
#ifdef BESPOKE_WITHOUT_HEADERS
    __nvvm_bar_warp_sync(0xffffffffu);
#else
    __syncwarp();
#endif
}

// Whether any lane of the warp came with true.
__device__ __forceinline__ bool warp_any(bool mine) {
#ifdef BESPOKE_WITHOUT_HEADERS
    return __nvvm_vote_any_sync(0xffffffffu, mine);
#else
    return __any_sync(0xffffffffu, mine) != 0;
#endif
}

// Waits for all threads of the block and says whether any of them came with true; `votes` has a word for each warp.
template <uint32_t Threads>
__device__ __forceinline__ bool block_any(bool mine, uint32_t *votes) {
    const bool any = warp_any(mine);
    votes[thread_index() / warp_threads] = any;
    block_barrier();
    return warp_any(votes[thread_index() % (Threads / warp_threads)] != 0);
}

// Atomic for the threads of a block or of the grid; no order with other memory is asked for.
__device__ __forceinline__ void atomic_or(uint32_t *p, uint32_t value) {
#if defined(BESPOKE_WITHOUT_HEADERS) || defined(BESPOKE_HOST)
    __atomic_fetch_or(p, value, __ATOMIC_RELAXED);
#else
    atomicOr(p, value);
#endif
}

// What was there before it is added.
__device__ __forceinline__ uint32_t atomic_add(uint32_t *p, uint32_t value) {
#if defined(BESPOKE_WITHOUT_HEADERS) || defined(BESPOKE_HOST)
    return __atomic_fetch_add(p, value, __ATOMIC_RELAXED);
#else
    return atomicAdd(p, value);
#endif
}

__device__ __forceinline__ void atomic_add(float *p, float value) {
#ifdef __CUDA_ARCH__
    [[maybe_unused]] float before;
    asm volatile("atom.global.add.f32 %0, [%1], %2;" : "=f"(before) : "l"(p), "f"(value) : "memory");
#else
    *p += value;
#endif
}

// Stores value where there is 0.
__device__ __forceinline__ void atomic_set(uint64_t *p, uint64_t value) {
#if defined(BESPOKE_WITHOUT_HEADERS) || defined(BESPOKE_HOST)
    uint64_t none = 0;
    __atomic_compare_exchange_n(p, &none, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
#else
    atomicCAS(p, 0ull, value);
#endif
}

// The value, of which compilers know nothing: what is computed from it is not computed ahead, on the
// way to it, together with what others need.
__device__ __forceinline__ uint32_t opaque(uint32_t value) {
#ifdef __CUDA_ARCH__
    asm volatile("" : "+r"(value));
#endif
    return value;
}

template <class T>
__device__ __forceinline__ T *opaque(T *p) {
#ifdef __CUDA_ARCH__
    asm volatile("" : "+l"(p));
#endif
    return p;
}

// Marks for whoever counts the instructions of a kernel's straight path (see package internal/cuda/sass): code
// that chunks of trained weights do not reach, code that one warp of a block runs, and where what a warp does once for
// all its tiles is behind it. Other builds have nothing in their place.
#if defined(__CUDA_ARCH__) && defined(BESPOKE_MARKS)
__device__ __forceinline__ void mark_rare() { asm volatile("pmevent 0;"); }
__device__ __forceinline__ void mark_one_warp() { asm volatile("pmevent 1;"); }
__device__ __forceinline__ void mark_start() { asm volatile("pmevent 2;"); }
#else
__device__ __forceinline__ void mark_rare() {}
__device__ __forceinline__ void mark_one_warp() {}
__device__ __forceinline__ void mark_start() {}
#endif

// The condition, which holds nearly always: compilers lay the code out for that.
__device__ __forceinline__ bool likely(bool condition) {
    return __builtin_expect(condition, true);
}

// Says that the loop whose body begins here is rare or long: assemblers that copy it gain nothing.
__device__ __forceinline__ void keep_loop() {
#ifdef __CUDA_ARCH__
    asm volatile(".pragma \"nounroll\";");
#endif
}

// The upper word of high:low, shifted left by the five low bits of count, whatever lies above them.
__device__ __forceinline__ uint32_t funnel_left(uint32_t high, uint32_t low, uint32_t count) {
#ifdef __CUDA_ARCH__
    uint32_t word;
    asm("shf.l.wrap.b32 %0, %1, %2, %3;" : "=r"(word) : "r"(low), "r"(high), "r"(count));
    return word;
#else
    return static_cast<uint32_t>((static_cast<uint64_t>(high) << 32 | low) << count % 32 >> 32);
#endif
}

// The lower word of high:low, shifted right in the same way.
__device__ __forceinline__ uint32_t funnel_right(uint32_t high, uint32_t low, uint32_t count) {
#ifdef __CUDA_ARCH__
    uint32_t word;
    asm("shf.r.wrap.b32 %0, %1, %2, %3;" : "=r"(word) : "r"(low), "r"(high), "r"(count));
    return word;
#else
    return static_cast<uint32_t>((static_cast<uint64_t>(high) << 32 | low) >> count % 32);
#endif
}

// The number high:low, shifted right; nothing is left of it from a count of 64 on.
struct Halves {
    uint32_t high, low;
};

__device__ __forceinline__ Halves shift_right(uint32_t high, uint32_t low, uint32_t count) {
    uint64_t bits = static_cast<uint64_t>(high) << 32 | low;
#ifdef __CUDA_ARCH__
    asm("shr.b64 %0, %0, %1;" : "+l"(bits) : "r"(count));
#else
    bits = count < 64 ? bits >> count : 0;
#endif
    return {static_cast<uint32_t>(bits >> 32), static_cast<uint32_t>(bits)};
}

// Four of the eight bytes of high:low: each hexadecimal digit of Choice, the lowest for the lowest
// byte, is the number of one of them.
template <uint32_t Choice>
__device__ __forceinline__ uint32_t permute(uint32_t low, uint32_t high) {
#ifdef __CUDA_ARCH__
    uint32_t word;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(word) : "r"(low), "r"(high), "n"(Choice));
    return word;
#else
    const uint64_t bytes = static_cast<uint64_t>(high) << 32 | low;
    uint32_t word = 0;
    for (uint32_t i = 0; i < 4; i++)
        word |= static_cast<uint32_t>(bytes >> 8 * (Choice >> 4 * i & 7) & 0xff) << 8 * i;
    return word;
#endif
}

// The same of one word, whose byte 4 and all above it are zero.
template <uint32_t Choice>
__device__ __forceinline__ uint32_t permute(uint32_t word) {
#ifdef __CUDA_ARCH__
    uint32_t permuted;
    asm("prmt.b32 %0, %1, 0, %2;" : "=r"(permuted) : "r"(word), "n"(Choice));
    return permuted;
#else
    return permute<Choice>(word, 0);
#endif
}

// The bits of a where mask has ones, those of b elsewhere.
__device__ __forceinline__ uint32_t select(uint32_t a, uint32_t b, uint32_t mask) {
#ifdef __CUDA_ARCH__
    uint32_t word;
    asm("lop3.b32 %0, %1, %2, %3, 0xe4;" : "=r"(word) : "r"(a), "r"(b), "r"(mask));
    return word;
#else
    return (a & mask) | (b & ~mask);
#endif
}

// The float with these bits, and the other way round.
__device__ __forceinline__ float float_of(uint32_t bits) {
    union {
        uint32_t word;
        float number;
    } both = {bits};
    return both.number;
}

__device__ __forceinline__ uint32_t bits_of(float number) {
    union {
        float number;
        uint32_t word;
    } both = {number};
    return both.word;
}

// The sum over all lanes of the warp, the same in all of them.
__device__ __forceinline__ float sum_of_lanes(float value) {
#ifdef __CUDA_ARCH__
    asm volatile(
        "{\n\t.reg .f32 other;\n\t"
        "shfl.sync.bfly.b32 other, %0, 1, 31, -1;\n\tadd.f32 %0, %0, other;\n\t"
        "shfl.sync.bfly.b32 other, %0, 2, 31, -1;\n\tadd.f32 %0, %0, other;\n\t"
        "shfl.sync.bfly.b32 other, %0, 4, 31, -1;\n\tadd.f32 %0, %0, other;\n\t"
        "shfl.sync.bfly.b32 other, %0, 8, 31, -1;\n\tadd.f32 %0, %0, other;\n\t"
        "shfl.sync.bfly.b32 other, %0, 16, 31, -1;\n\tadd.f32 %0, %0, other;\n\t}"
        : "+f"(value));
#else
    for (uint32_t mask = 1; mask < warp_threads; mask *= 2)
        value += float_of(__shfl_xor_sync(0xffffffffu, bits_of(value), mask));
#endif
    return value;
}

// The sum and the product of the two floats that have these bits.
__device__ __forceinline__ float add_product(float sum, uint32_t a, uint32_t b) {
#ifdef __CUDA_ARCH__
    asm("fma.rn.f32 %0, %1, %2, %0;" : "+f"(sum) : "r"(a), "r"(b));
    return sum;
#else
    return sum + float_of(a) * float_of(b);
#endif
}

// A word of big-endian bytes.
__device__ __forceinline__ uint32_t big_endian(uint32_t word) {
    return permute<0x0123>(word);
}

// The dynamic shared memory of the block, aligned to 16 bytes.
__device__ __forceinline__ uint32_t *dynamic_shared() {
#ifdef BESPOKE_HOST
    return reinterpret_cast<uint32_t *>(host_dynamic_shared());
#else
    extern __shared__ __attribute__((aligned(16))) uint32_t dynamic_memory[];
    return dynamic_memory;
#endif
}

// Two and four words that are read and written at once.
struct __attribute__((aligned(8))) Words2 {
    uint32_t words[2];
};

struct __attribute__((aligned(16))) Words4 {
    uint32_t words[4];
};

// A place in shared memory. Its address has 32 bits there; compilers reckon with 64 where they see a pointer.
struct SharedPlace {
#ifdef __CUDA_ARCH__
    uint32_t address;
#else
    uint64_t address;
#endif

    __device__ __forceinline__ explicit SharedPlace(const void *p) {
#ifdef BESPOKE_WITHOUT_HEADERS
        address = static_cast<uint32_t>(
            reinterpret_cast<uint64_t>((const __attribute__((address_space(3))) void *)p));
#elif defined(__CUDA_ARCH__)
        asm("{\n\t.reg .u64 inside;\n\tcvta.to.shared.u64 inside, %1;\n\tcvt.u32.u64 %0, inside;\n\t}"
            : "=r"(address)
            : "l"(p));
#else
        address = reinterpret_cast<uint64_t>(p);
#endif
    }

    // The place so many bytes behind this one, and that with those of the bits turned over in its address that Mask
    // has.
    __device__ __forceinline__ SharedPlace behind(uint32_t bytes) const {
        SharedPlace place = *this;
        place.address += bytes;
        return place;
    }

    template <uint32_t Mask>
    __device__ __forceinline__ SharedPlace crossed(uint32_t bits) const {
        SharedPlace place = *this;
#ifdef __CUDA_ARCH__
        asm("lop3.b32 %0, %1, %2, %3, 0x78;" : "=r"(place.address) : "r"(address), "r"(bits), "n"(Mask));
#else
        place.address ^= bits & Mask;
#endif
        return place;
    }

    // The place of word i from this one on.
    __device__ __forceinline__ SharedPlace word(uint32_t i) const {
        SharedPlace place = *this;
#ifdef __CUDA_ARCH__
        asm("mad.lo.u32 %0, %1, 4, %2;" : "=r"(place.address) : "r"(i), "r"(address));
#else
        place.address += 4 * i;
#endif
        return place;
    }

    // The word at this place, or so many bytes behind it.
    template <uint32_t Bytes = 0>
    __device__ __forceinline__ uint32_t load() const {
#ifdef __CUDA_ARCH__
        uint32_t word;
        asm volatile("ld.shared.u32 %0, [%1+%2];" : "=r"(word) : "r"(address), "n"(Bytes));
        return word;
#else
        return *reinterpret_cast<const uint32_t *>(address + Bytes);
#endif
    }

    __device__ __forceinline__ void store(uint32_t word) const {
#ifdef __CUDA_ARCH__
        asm volatile("st.shared.u32 [%0], %1;" : : "r"(address), "r"(word) : "memory");
#else
        *reinterpret_cast<uint32_t *>(address) = word;
#endif
    }

    template <uint32_t Bytes = 0>
    __device__ __forceinline__ void store(const Words4 &words) const {
#ifdef __CUDA_ARCH__
        asm volatile("st.shared.v4.u32 [%0+%1], {%2, %3, %4, %5};"
                     :
                     : "r"(address), "n"(Bytes), "r"(words.words[0]), "r"(words.words[1]), "r"(words.words[2]),
                       "r"(words.words[3])
                     : "memory");
#else
        *reinterpret_cast<Words4 *>(address + Bytes) = words;
#endif
    }

    // Atomic for the threads of the block, as are atomic_add and atomic_or.
    template <uint32_t Bytes = 0>
    __device__ __forceinline__ void add(uint32_t value) const {
#ifdef __CUDA_ARCH__
        asm volatile("atom.shared.add.u32 _, [%0+%1], %2;" : : "r"(address), "n"(Bytes), "r"(value) : "memory");
#else
        atomic_add(reinterpret_cast<uint32_t *>(address + Bytes), value);
#endif
    }

    template <uint32_t Bytes = 0>
    __device__ __forceinline__ void set_bits(uint32_t bits) const {
#ifdef __CUDA_ARCH__
        asm volatile("atom.shared.or.b32 _, [%0+%1], %2;" : : "r"(address), "n"(Bytes), "r"(bits) : "memory");
#else
        atomic_or(reinterpret_cast<uint32_t *>(address + Bytes), bits);
#endif
    }
};

// The same pointer, into shared memory, of which compilers know nothing: where they do, they keep it in two registers
// for a way that is hardly ever gone.
template <class T>
__device__ __forceinline__ T *opaque_shared(T *p) {
#ifdef __CUDA_ARCH__
    uint64_t pointer;
    asm volatile("{\n\t.reg .u64 wide;\n\tcvt.u64.u32 wide, %1;\n\tcvta.shared.u64 %0, wide;\n\t}"
                 : "=l"(pointer)
                 : "r"(SharedPlace(p).address));
    return reinterpret_cast<T *>(pointer);
#else
    return p;
#endif
}

// The lower half of an address.
__device__ __forceinline__ uint32_t address_low(const void *p) {
    return static_cast<uint32_t>(reinterpret_cast<uint64_t>(p));
}

// Whether p may be read or written in units of `bytes`, a power of two.
__device__ __forceinline__ bool is_aligned(const void *p, uint32_t bytes) {
    return address_low(p) % bytes == 0;
}

__device__ __forceinline__ uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

// Zeros that compilers do not know for such: where nothing is fetched, registers are written there and not on the way
// that goes on to fetch.
__device__ __forceinline__ Words2 no_words2() {
    const uint32_t zero = opaque(0);
    return {{zero, zero}};
}

__device__ __forceinline__ Words4 no_words4() {
    const uint32_t zero = opaque(0);
    return {{zero, zero, zero, zero}};
}

// The address of global memory as instructions for nothing else want it.
__device__ __forceinline__ uint64_t global_address(const void *p) {
#ifdef BESPOKE_WITHOUT_HEADERS
    return reinterpret_cast<uint64_t>((const __attribute__((address_space(1))) void *)p);
#else
    return reinterpret_cast<uint64_t>(p);
#endif
}

// Where i is less than n, stores the words so many bytes behind `to`, without a branch; past the cache of the
// multiprocessor, which keeps what is read again.
template <uint32_t Bytes = 0>
__device__ __forceinline__ void store_below(uint32_t i, uint32_t n, Words4 *to, const Words4 &words) {
#ifdef __CUDA_ARCH__
    asm volatile(
        "{\n\t.reg .pred below;\n\t"
        "setp.lt.u32 below, %0, %1;\n\t"
        "@below st.global.cg.v4.u32 [%2+%3], {%4, %5, %6, %7};\n\t}"
        :
        : "r"(i), "r"(n), "l"(global_address(to)), "n"(Bytes), "r"(words.words[0]), "r"(words.words[1]),
          "r"(words.words[2]), "r"(words.words[3])
        : "memory");
#else
    if (i < n) *reinterpret_cast<Words4 *>(reinterpret_cast<uint8_t *>(to) + Bytes) = words;
#endif
}

// A word of global memory that all warps of a block load at once: past the cache in which all but the first few would
// wait for its line, and with them whatever else is loaded.
__device__ __forceinline__ uint32_t load_common(const uint32_t *from) {
#ifdef __CUDA_ARCH__
    uint32_t word;
    asm volatile("ld.global.cg.u32 %0, [%1];" : "=r"(word) : "l"(global_address(from)));
    return word;
#else
    return *from;
#endif
}

// Two or four words of global memory that nobody writes, so many bytes behind `from`, by one load; of a struct
// compilers may make others.
template <uint32_t Bytes = 0>
__device__ __forceinline__ Words2 load_constant(const Words2 *from) {
#ifdef __CUDA_ARCH__
    uint32_t a, b;
    asm volatile("ld.global.v2.u32 {%0, %1}, [%2+%3];"
                 : "=r"(a), "=r"(b)
                 : "l"(global_address(from)), "n"(Bytes));
    return {{a, b}};
#else
    return *reinterpret_cast<const Words2 *>(reinterpret_cast<const uint8_t *>(from) + Bytes);
#endif
}

template <uint32_t Bytes = 0>
__device__ __forceinline__ Words4 load_constant(const Words4 *from) {
#ifdef __CUDA_ARCH__
    uint32_t a, b, c, d;
    asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4+%5];"
                 : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
                 : "l"(global_address(from)), "n"(Bytes));
    return {{a, b, c, d}};
#else
    return *reinterpret_cast<const Words4 *>(reinterpret_cast<const uint8_t *>(from) + Bytes);
#endif
}

// Two words of global memory that nobody else reads, and four that nobody reads soon, so many bytes behind an address:
// past the cache of the multiprocessor, where they would only be in the way.
template <uint32_t Bytes = 0>
__device__ __forceinline__ Words2 load_once(const Words2 *from) {
#ifdef __CUDA_ARCH__
    uint32_t a, b;
    asm volatile("ld.global.cg.v2.u32 {%0, %1}, [%2+%3];"
                 : "=r"(a), "=r"(b)
                 : "l"(global_address(from)), "n"(Bytes));
    return {{a, b}};
#else
    return *reinterpret_cast<const Words2 *>(reinterpret_cast<const uint8_t *>(from) + Bytes);
#endif
}

template <uint32_t Bytes = 0>
__device__ __forceinline__ void store_once(Words4 *to, const Words4 &words) {
#ifdef __CUDA_ARCH__
    asm volatile("st.global.cg.v4.u32 [%0+%1], {%2, %3, %4, %5};"
                 :
                 : "l"(global_address(to)), "n"(Bytes), "r"(words.words[0]), "r"(words.words[1]), "r"(words.words[2]),
                   "r"(words.words[3])
                 : "memory");
#else
    *reinterpret_cast<Words4 *>(reinterpret_cast<uint8_t *>(to) + Bytes) = words;
#endif
}

// Word by word, from which compilers make one load and one store; of a whole struct some make more.
__device__ __forceinline__ void copy(Words4 &to, const Words4 &from) {
    const uint32_t a = from.words[0], b = from.words[1], c = from.words[2], d = from.words[3];
    to.words[0] = a, to.words[1] = b, to.words[2] = c, to.words[3] = d;
}

}  // namespace bespoke
