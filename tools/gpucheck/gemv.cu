// A plain matrix-vector product with bfloat16 weights, to time decoders against: one row to a block.
// The columns are a multiple of eight times the threads of a block.
#if defined(__clang__) && defined(__CUDA__) && !defined(__global__)
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define THREAD __nvvm_read_ptx_sreg_tid_x()
#define ROW __nvvm_read_ptx_sreg_ctaid_x()
#else
#define THREAD threadIdx.x
#define ROW blockIdx.x
#endif

// Eight weights, two to a word.
struct alignas(16) Eight {
    unsigned words[4];
};

struct alignas(16) Four {
    float values[4];
};

constexpr unsigned threads = 256;

// The float whose upper half is given, the rest being zeros.
static inline __device__ float widen(unsigned bits) {
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

extern "C" __global__ void __launch_bounds__(256)
gemv(const Eight *matrix, const Four *vector, float *product, const unsigned columns) {
    __shared__ float sums[threads];
    const Eight *row = matrix + static_cast<unsigned long long>(ROW) * (columns / 8);
    float sum = 0;
#pragma unroll 4
    for (unsigned i = THREAD; i < columns / 8; i += threads) {
        const Eight eight = row[i];
        const Four x[2] = {vector[2 * i], vector[2 * i + 1]};
        for (unsigned j = 0; j < 4; j++) {
            sum += widen(eight.words[j] << 16) * x[j / 2].values[2 * j % 4];
            sum += widen(eight.words[j] & 0xffff0000) * x[j / 2].values[2 * j % 4 + 1];
        }
    }
    sums[THREAD] = sum;
    for (unsigned n = threads / 2; n > 0; n /= 2) {
        __syncthreads();
        if (THREAD < n) sums[THREAD] += sums[THREAD + n];
    }
    if (THREAD == 0) product[ROW] = sums[0];
}
