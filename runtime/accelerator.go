package runtime

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// An accelerator decodes on GPUs. A model that decodes on the CPU, and every model in builds without
// the tag cuda, has none.
type accelerator interface {
	// decode writes a span of one element or more to dst. It reports false where the CPU has to do it: for want of
	// device memory, or to say what is wrong with the stream.
	decode(ctx context.Context, s span, dst []uint16) (done bool, err error)
	// decodeAll is [Model.DecodeUnits].
	decodeAll(ctx context.Context, next func() (string, bool), bound int64, visit func(u Unit, weights []uint16) error) error
	// decodeToDevice is [Model.DecodeToDevice].
	decodeToDevice(ctx context.Context, u *unit) (*DeviceWeights, error)
	// matrix is [Model.DeviceMatrix], for a validated unit that has tiles, given the first element of the tensor
	// in it.
	matrix(u *unit, first, rows, columns int) (*DeviceMatrix, error)
	// decoder is [Model.Decoder], given what Open chose.
	decoder(opened Choice) Choice
	close() error
}

// accelerate opens the GPUs. Where that fails, the CPU decodes, unless the decoder was asked for by name.
func (m *Model) accelerate(o *options) error {
	gpu, why, err := openAccelerator(m, o)
	if err == nil {
		m.gpu = gpu
		m.choice.Reason = joinReasons(m.choice.Reason, why)
		return nil
	}
	if o.forced() {
		return fmt.Errorf("runtime: %s: decoder %s, %s: %w", m.path, CUDA, o.choice.Reason, err)
	}
	reason := joinReasons("cuda is of no use, "+err.Error(), m.choice.Reason)
	m.choice = bestOnCPU()
	m.choice.Reason = reason
	o.say(m.choice.String())
	return nil
}

// forced reports whether the decoder was asked for by name: what nobody asked for has no reason yet.
func (o *options) forced() bool { return o.choice.Reason != "" }

// say hands a message to the program, if it wants any.
func (o *options) say(message string) {
	if o.warn != nil {
		o.warn(message)
	}
}

// bestOnCPU is the choice of the preferred decoder among those that are available and need no GPU, without a reason.
func bestOnCPU() Choice {
	for _, d := range onCPU() {
		if d.Available {
			return Choice{Name: d.Name, free: d.Name == AVX512}
		}
	}
	panic("unreachable: generic is always available")
}

// joinReasons puts what is not empty side by side.
func joinReasons(reasons ...string) string {
	return strings.Join(slices.DeleteFunc(reasons, func(s string) bool { return s == "" }), "; ")
}

// DeviceWeights are the weights of a unit in the memory of a GPU, for programs that compute with CUDA. Its
// numbers are the driver's own handles, so that they fit every CUDA library.
//
// The weights are on their way when [Model.DecodeToDevice] returns. A stream that is to use them waits for
// Ready first, without the host waiting: cuStreamWaitEvent(stream, Ready, 0).
type DeviceWeights struct {
	Unit    Unit
	Device  int     // the ordinal of the GPU
	Context uintptr // a CUcontext: the primary context of the GPU, which libraries over the CUDA runtime use too
	Pointer uintptr // a CUdeviceptr: Unit.Elements bfloat16 words, aligned to 256 bytes
	Ready   uintptr // a CUevent, behind the decoding

	model   *Model
	wait    func() error
	release func(stream uintptr) error
}

// Wait waits on the host until the weights are there. After Close of the Model it fails with [ErrClosed].
func (w *DeviceWeights) Wait() error { return w.model.inside(w.wait) }

// Release gives the buffer back for another unit. It is overwritten after all that is queued by then on
// the stream, a CUstream of the weights' context or 0 for the default stream, and without the host
// waiting. It must be called once. Close of the Model releases all buffers, once the GPU has done what is queued, and
// Release fails with [ErrClosed] then.
func (w *DeviceWeights) Release(stream uintptr) error {
	if w.release == nil {
		return fmt.Errorf("runtime: the weights of unit %q are released already", w.Unit.Name)
	}
	release := w.release
	w.release = nil
	return w.model.inside(func() error { return release(stream) })
}

// DecodeToDevice decodes a unit into device memory and returns as soon as that is queued. Each GPU has two
// buffers, so that one unit can be computed with while the next is decoded:
//
//	next, err := m.DecodeToDevice(ctx, names[0])
//	for i := range names {
//		w := next
//		if i+1 < len(names) {
//			next, err = m.DecodeToDevice(ctx, names[i+1])
//		}
//		// cuStreamWaitEvent(stream, w.Ready, 0), then kernels on stream that read w.Pointer
//		err = w.Release(stream)
//	}
//
// While both buffers are in use it waits for one, or for the end of the context; the other methods that
// decode use the same buffers. A unit that is decoded for the first time is checked, which waits for
// it: its error is that of [Model.DecodeUnit]. A unit that stays in host memory is uploaded each
// time, compressed, and DecodeToDevice returns when the last of it is in pinned memory. Nothing is compared with the
// sums of [WithChecks], as no weights come back.
//
// It needs the decoder cuda. A unit whose weights do not fit the GPU is an error.
func (m *Model) DecodeToDevice(ctx context.Context, name string) (w *DeviceWeights, err error) {
	err = m.call(ctx, func(ctx context.Context) error {
		u, ok := m.byName[name]
		if !ok {
			return m.wrap(fmt.Errorf("no unit %q", name))
		}
		if m.gpu == nil {
			return m.wrap(fmt.Errorf("no weights in device memory with decoder %v", m.choice))
		}
		w, err = m.gpu.decodeToDevice(ctx, u)
		return err
	})
	return w, err
}

// A GPU describes a GPU of this machine, and what package runtime would do with it.
type GPU struct {
	Ordinal    int    `json:"device"`
	Name       string `json:"name"`
	Capability string `json:"compute_capability"` // for example "8.0"
	Memory     int64  `json:"memory"`             // bytes in all
	Free       int64  `json:"free"`               // bytes
	Driver     string `json:"driver"`             // the version of CUDA that the driver knows
	// Kernels decode models that come without their own, and multiply with them: by tiles, by gaps, and products; none
	// where none would run.
	Kernels []string `json:"kernels"`
	Reason  string   `json:"reason"` // why these, or why none
}
