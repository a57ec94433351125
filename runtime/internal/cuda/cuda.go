package cuda

import (
	"context"

	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// A Config says what to open GPUs for, and what package runtime does for them.
type Config struct {
	// Kernel is what a generated package brings, nil for the kernels that take any code book.
	Kernel *Kernel
	// Units are all of the model, in its order.
	Units []*coded.Unit
	// Devices are the ordinals of the GPUs to use, none for the best.
	Devices []int
	// Memory bounds the bytes that are used on each GPU; 0 stands for what is free.
	Memory int64
	// Forced says that nothing but GPUs may decode, except for want of memory.
	Forced bool
	// Say takes messages about what goes otherwise than planned.
	Say func(message string)
	// OnCPU decodes a span on the CPU, and checks it. Fallback is the name of the decoder that does, for messages.
	OnCPU    func(ctx context.Context, s coded.Span, dst []uint16) error
	Fallback string
}

// A Kernel is a CUDA source, compiled.
type Kernel struct {
	Name        string
	PTX, Fatbin string // "" for none
	Launches    []launch.Launch
}

// GPUs decode the units of one model. All methods may be called from several goroutines at once, but for Close, which is
// the last.
type GPUs interface {
	// Decode writes a span of one element or more to dst, and checks it. It reports false where the CPU has to do it:
	// for want of device memory, or because no kernel decodes the unit.
	Decode(ctx context.Context, s coded.Span, dst []uint16, check *coded.Check) (done bool, err error)
	// ToDevice decodes a unit, whose stream is valid, into device memory.
	ToDevice(ctx context.Context, u *coded.Unit) (*Weights, error)
	// Matrix returns a part of a unit to multiply with: a unit that has tiles and whose stream is valid.
	Matrix(u *coded.Unit, first, rows, columns int) (*Matrix, error)
	// Slots is the number of units that can be decoded at once.
	Slots() int
	// State reports whether any GPU still works, and notes what went otherwise than planned.
	State() (working bool, notes []string)
	// Close releases all memory, once the GPUs have done what is queued.
	Close() error
}

// Weights are those of a unit in device memory; see runtime.DeviceWeights for the meaning of the handles.
type Weights struct {
	Device  int
	Context uintptr
	Pointer uintptr
	Ready   uintptr

	Wait    func() error
	Release func(stream uintptr) error
}

// A Matrix is a part of a unit in the memory of a GPU, compressed; see runtime.DeviceMatrix.
type Matrix struct {
	Device  int
	Context uintptr

	Multiply func(ctx context.Context, x, y uintptr, batch int, stream uintptr) error
}

// A Description is that of a GPU of this machine; see runtime.GPU.
type Description struct {
	Ordinal    int
	Name       string
	Capability string
	Memory     int64
	Free       int64
	Driver     string
	Kernels    []string
	Reason     string
}
