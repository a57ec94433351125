package runtime

import (
	"fmt"
	goruntime "runtime"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// DecoderEnv is the environment variable that names the decoder to use where no option does.
const DecoderEnv = "BESPOKE_DECODER"

// The names that [WithDecoder] and BESPOKE_DECODER take.
const (
	Auto    = "auto"
	CUDA    = "cuda"
	AVX512  = "avx512"
	AVX2    = "avx2"
	Generic = "generic"
)

// decoderNames lists them for messages.
const decoderNames = Auto + ", " + CUDA + ", " + AVX512 + ", " + AVX2 + " or " + Generic

// An Option changes what [Open] does.
type Option func(*options) error

type options struct {
	kernel  *Kernel
	decoder string
	workers int
	checks  Checks // 0 for none
	choice  Choice // follows from the others

	devices      []int // none: the best
	deviceMemory int64 // 0: what is free
	warn         func(string)
}

// WithKernel decodes with a kernel from a generated package. It must have been cut for the code
// books of the checkpoint.
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

// WithDecoder forces a decoder: "cuda", "avx512", "avx2" or "generic". "auto", the default, leaves the
// choice to BESPOKE_DECODER and then to Open.
func WithDecoder(name string) Option {
	return func(o *options) error {
		if !knownDecoder(name) {
			return fmt.Errorf("runtime: no decoder %q, want %s", name, decoderNames)
		}
		o.decoder = name
		return nil
	}
}

// WithWorkers sets the number of goroutines that decode side by side in one call, 1 or more. The
// default is GOMAXPROCS.
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
	// CheckFirst compares them until they had their sum once. What is decoded again and again, as the layers of a model
	// that runs, is then no slower for it; but what is changed in the file behind the first time is not noticed.
	CheckFirst Checks = 1 + iota
	// CheckAlways compares them each time.
	CheckAlways
)

// WithChecks compares tensors, as they are decoded or read, with the sums that the checkpoint has of them, and
// fails with a [*SumError] where they differ. A tensor without a sum passes: [Model.Sums] counts them. What is not
// decoded as a whole cannot be compared: a part of a tensor by [Model.DecodePart]; and what stays in the memory of a
// GPU, by [Model.DecodeToDevice] or [Model.DeviceMatrix], is not.
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

// forced reports whether the decoder was asked for by name: what nobody asked for has no reason yet.
func (o *options) forced() bool { return o.choice.Reason != "" }

// say hands a message to the program, if it wants any.
func (o *options) say(message string) {
	if o.warn != nil {
		o.warn(message)
	}
}
