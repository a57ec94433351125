package runtime

import (
	"context"
	"fmt"

	"github.com/seed54244801/bespoke/runtime/internal/cuda"
)

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

	model    *Model
	weights  *cuda.Weights
	released bool
}

// Wait waits on the host until the weights are there. After Close of the Model it fails with [ErrClosed].
func (w *DeviceWeights) Wait() error { return w.model.inside(w.weights.Wait) }

// Release gives the buffer back for another unit. It is overwritten after all that is queued by then on
// the stream, a CUstream of the weights' context or 0 for the default stream, and without the host
// waiting. It must be called once. Close of the Model releases all buffers, once the GPU has done what is queued, and
// Release fails with [ErrClosed] then.
func (w *DeviceWeights) Release(stream uintptr) error {
	if w.released {
		return fmt.Errorf("runtime: the weights of unit %q are released already", w.Unit.Name)
	}
	w.released = true
	return w.model.inside(func() error { return w.weights.Release(stream) })
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
		if m.gpus == nil {
			return m.wrap(fmt.Errorf("no weights in device memory with decoder %v", m.choice))
		}
		if err := u.cpu.Prepare(); err != nil {
			return err
		}
		weights, err := m.gpus.ToDevice(ctx, u.coded)
		if err != nil {
			return err
		}
		w = &DeviceWeights{
			Unit:    u.public(),
			Device:  weights.Device,
			Context: weights.Context,
			Pointer: weights.Pointer,
			Ready:   weights.Ready,
			model:   m,
			weights: weights,
		}
		return nil
	})
	return w, err
}
