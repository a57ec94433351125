package host

import (
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/testenv"
)

func TestMain(m *testing.M) { Main(m) }

// entry is the kernel entry around a body.
func entry(body string) []byte {
	return []byte(`
extern "C" __global__ void decode(const unsigned char *luts, const unsigned char *codes,
    const unsigned char *sign_mantissa, const unsigned *output_positions, const unsigned char *gaps,
    unsigned short *outputs, int n_luts, int n_bytes, int n_elements) {
    (void)luts; (void)codes; (void)sign_mantissa; (void)output_positions; (void)gaps; (void)outputs;
    (void)n_luts; (void)n_bytes; (void)n_elements;
    ` + body + `
}
`)
}

// unit is a stream of two chunks with 600 elements; the kernels here look at sizes alone.
func unit() *codebook.Stream {
	return &codebook.Stream{
		Luts: make([]byte, 512), Encoded: make([]byte, 5000), SignMantissa: make([]byte, 600),
		OutputPositions: make([]byte, 12), Gaps: make([]byte, 640),
	}
}

// TestFindings checks that the mistakes that tests rely on to be found are found.
func TestFindings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"read after a tensor", `outputs[0] = codes[n_bytes];`, "heap-buffer-overflow"},
		{"write after the output", `outputs[n_elements] = 1;`, "heap-buffer-overflow"},
		{"read after dynamic shared memory", `outputs[0] = host_dynamic_shared()[host_dynamic_shared_bytes()];`, "heap-buffer-overflow"},
		{"misaligned word", `outputs[0] = *(const unsigned *)(codes + 1);`, "misaligned address"},
		{"index past a shared array", `__shared__ int a[4]; a[threadIdx.x] = 1; outputs[0] = a[0];`, "out of bounds"},
		{"shift by too much", `outputs[0] = 1u << ((n_bytes & 63) | 32);`, "shift exponent"},
		{"barrier that some threads miss", `if (threadIdx.x != 7) __syncthreads();`, "threads wait at a barrier"},
		{"warp barrier that some lanes miss", `if (threadIdx.x != 7) __syncwarp();`, "threads wait at a barrier"},
		{"shuffle that some lanes miss", `if (threadIdx.x != 7) __shfl_up_sync(~0u, 1, 1);`, "threads wait at a barrier"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(t, entry(c.body)).Launch(Launch{Stream: unit()})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestShuffle(t *testing.T) {
	t.Parallel()
	k := Compile(t, entry(`
    unsigned sum = 1;
    for (unsigned d = 1; d < 32; d *= 2) {
        const unsigned below = __shfl_up_sync(~0u, sum, d);
        if (threadIdx.x % 32 >= d) sum += below;
    }
    if (blockIdx.x == 0) outputs[threadIdx.x] = sum;`))
	for seed := range testenv.Pick[uint64](5, 20) {
		out, err := k.Launch(Launch{Stream: unit(), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range out[:512] {
			if want := uint16(i%32 + 1); w != want {
				t.Fatalf("seed %d: sum of lane %d is %d, want %d", seed, i, w, want)
			}
		}
		for i, w := range out[512:] {
			if w != Untouched {
				t.Fatalf("seed %d: word %d is %#x, want the pattern %#x", seed, 512+i, w, Untouched)
			}
		}
	}
}

func TestVote(t *testing.T) {
	t.Parallel()
	k := Compile(t, entry(`
    const unsigned warp = threadIdx.x / 32;
    unsigned votes = 0;
    for (unsigned lane = 0; lane < 3; lane++) {
        if (__any_sync(~0u, warp % 2 != 0 && threadIdx.x % 32 == lane + warp)) votes |= 1u << lane;
        __syncwarp();
    }
    if (blockIdx.x == 0) outputs[threadIdx.x] = votes;`))
	for seed := range testenv.Pick[uint64](3, 10) {
		out, err := k.Launch(Launch{Stream: unit(), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range out[:512] {
			if want := uint16(i / 32 % 2 * 7); w != want {
				t.Fatalf("seed %d: votes of thread %d are %d, want %d", seed, i, w, want)
			}
		}
	}
}

// TestMissingBarrier checks that a kernel without the barrier it needs goes wrong under some seed, and the same kernel
// with it under none.
func TestMissingBarrier(t *testing.T) {
	t.Parallel()
	body := func(barrier string) []byte {
		return entry(`__shared__ unsigned a[512]; a[threadIdx.x] = threadIdx.x;` + barrier +
			`if (blockIdx.x == 0) outputs[threadIdx.x] = a[511 - threadIdx.x];`)
	}
	for _, c := range []struct {
		name, barrier string
		wrong         bool
	}{
		{"with", "__syncthreads();", false},
		{"without", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := Compile(t, body(c.barrier))
			wrong := false
			for seed := range uint64(5) {
				out, err := k.Launch(Launch{Stream: unit(), Seed: seed})
				if err != nil {
					t.Fatal(err)
				}
				for i := range 512 {
					wrong = wrong || out[i] != uint16(511-i)
				}
			}
			if wrong != c.wrong {
				t.Errorf("went wrong: %v, want %v", wrong, c.wrong)
			}
		})
	}
}
