package cuda

import (
	"context"

	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// A Config says which GPUs to open and for which units. Its functions are those of package runtime that GPUs call.
type Config struct {
	// Kernel is the kernel of a generated package, or nil for the kernels that are cut for no model.
	Kernel *Kernel
	// Units are all units of the model, in its order, and all of one codec.
	Units []*coded.Unit
	// Devices are the ordinals of the GPUs to use. If there are none, Open chooses.
	Devices []int
	// Memory bounds the bytes that are used on each GPU. 0 stands for the free memory.
	Memory int64
	// Forced says that the CPU may decode only if device memory is short.
	Forced bool
	// Say takes messages about deviations from the plan.
	Say func(message string)
	// OnCPU decodes a span on the CPU, and checks it. Fallback is the name of its decoder, for messages.
	OnCPU    func(ctx context.Context, s coded.Span, dst []uint16) error
	Fallback string
	// Splits computes splits of a number of steps for the tensors of a unit coded with rANS, whose streams are valid.
	Splits func(ctx context.Context, u *coded.Unit, steps int) ([]*rans.Splits, error)
}

// A Kernel is a compiled CUDA source.
type Kernel struct {
	Name        string
	PTX, Fatbin string // "" if it was not compiled to this form
	Launches    []launch.Launch
}

// GPUs decode the units of one model. All methods may be called from several goroutines at once, except Close. It
// must be the last call.
type GPUs interface {
	// Decode writes a span of one element or more to dst, and checks it. It reports false if the CPU has to decode
	// it: because device memory is short, no kernel decodes the unit, or the driver fails.
	Decode(ctx context.Context, s coded.Span, dst []uint16, check *coded.Check) (done bool, err error)
	// ToDevice decodes a unit into device memory. Its stream must be valid.
	ToDevice(ctx context.Context, u *coded.Unit) (*Weights, error)
	// Matrix returns a tensor to multiply with, the span. Its unit must have tiles with DF11, and a valid stream.
	Matrix(s coded.Span, rows, columns int) (*Matrix, error)
	// Slots is the number of units that can be decoded at once.
	Slots() int
	// State reports whether any GPU still works, and returns the deviations from the plan.
	State() (working bool, notes []string)
	// Close releases all memory when the queued work is done.
	Close() error
}

// Weights are the weights of a unit in device memory. See runtime.DeviceWeights for the meaning of the handles.
type Weights struct {
	Device  int
	Context uintptr
	Pointer uintptr
	Ready   uintptr

	Wait    func() error
	Release func(stream uintptr) error
}

// A Matrix is a compressed part of a unit in the memory of a GPU. See runtime.DeviceMatrix.
type Matrix struct {
	Device  int
	Context uintptr

	Multiply func(ctx context.Context, x, y uintptr, batch int, stream uintptr) error
}

// A Description describes a GPU of this machine. See runtime.GPU.
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
