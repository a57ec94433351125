package runtime

import (
	"fmt"
	goruntime "runtime"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// DecoderEnv is the environment variable that names the decoder to use if no option does.
const DecoderEnv = "BESPOKE_DECODER"

// The names that [WithDecoder] and BESPOKE_DECODER take.
const (
	Auto    = "auto"
	CUDA    = "cuda"
	AVX512  = "avx512"
	AVX2    = "avx2"
	Generic = "generic"
)

// decoderNames lists the names for messages.
const decoderNames = Auto + ", " + CUDA + ", " + AVX512 + ", " + AVX2 + " or " + Generic

// An Option changes what [Open] does.
type Option func(*options) error

type options struct {
	kernel  *Kernel
	decoder string
	workers int
	checks  Checks // 0 for none
	choice  Choice // made from the other options

	devices      []int // empty for the best one
	deviceMemory int64 // 0 for the free memory
	warn         func(string)
}

// WithKernel decodes with a kernel from a generated package. The kernel must be cut for the code books of the
// checkpoint, or, if that is coded with rANS, for the forms of its tensors.
func WithKernel(k *Kernel) Option {
	return func(o *options) error {
		if k == nil {
			return fmt.Errorf("runtime: kernel is nil")
		}
		if k.ABI != kernel.ABI {
			return fmt.Errorf("runtime: kernel %s was generated for version %d of the contract with its decoders, this runtime has version %d: run go generate",
				k.Name, k.ABI, kernel.ABI)
		}
		if n := len(k.AVX512); n != 0 && n != len(k.Books) {
			return fmt.Errorf("runtime: kernel %s has %d decoders for %d code books", k.Name, n, len(k.Books))
		}
		o.kernel = k
		return nil
	}
}

// WithDecoder forces a decoder: "cuda", "avx512", "avx2" or "generic". The default is "auto": BESPOKE_DECODER names
// the decoder, or else Open chooses one.
func WithDecoder(name string) Option {
	return func(o *options) error {
		if !knownDecoder(name) {
			return fmt.Errorf("runtime: no decoder %q, want %s", name, decoderNames)
		}
		o.decoder = name
		return nil
	}
}

// WithWorkers sets the number of goroutines that decode in one call. It is 1 or more. The default is GOMAXPROCS.
func WithWorkers(n int) Option {
	return func(o *options) error {
		if n < 1 {
			return fmt.Errorf("runtime: %d workers, want at least 1", n)
		}
		o.workers = n
		return nil
	}
}

// Checks says how often [WithChecks] compares the weights of a tensor with its sum.
type Checks int

const (
	// CheckFirst compares the weights of a tensor until they had the right sum once. So decoding the same tensors
	// again and again, as for a model that runs, is no slower. But later changes of the file are not noticed.
	CheckFirst Checks = 1 + iota
	// CheckAlways compares the weights each time.
	CheckAlways
)

// WithChecks compares tensors with the sums that the checkpoint has of them, while they are decoded or read. The
// error is a [*SumError] if the sums differ. Tensors without a sum are not compared: [Model.Sums] counts those
// with one. Neither are parts of a tensor, as decoded by [Model.DecodePart], nor weights that stay in the memory
// of a GPU, as decoded by [Model.DecodeToDevice] or multiplied by a [DeviceMatrix].
func WithChecks(checks Checks) Option {
	return func(o *options) error {
		if checks != CheckFirst && checks != CheckAlways {
			return fmt.Errorf("runtime: checks %d, want CheckFirst or CheckAlways", checks)
		}
		o.checks = checks
		return nil
	}
}

// newOptions applies the options and picks the decoder.
func newOptions(opts []Option) (*options, error) {
	o := &options{decoder: Auto, workers: goruntime.GOMAXPROCS(0)}
	for _, opt := range opts {
		if err := opt(o); err != nil {
			return nil, err
		}
	}
	var err error
	o.choice, err = choose(o)
	return o, err
}

// forced reports whether the decoder was asked for by name. A GPU that nobody asked for has no reason yet.
func (o *options) forced() bool { return o.choice.Reason != "" }

// say passes a message to the function of [WithWarnings], if there is one.
func (o *options) say(message string) {
	if o.warn != nil {
		o.warn(message)
	}
}
