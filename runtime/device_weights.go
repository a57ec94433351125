package runtime

import (
	"context"
	"fmt"

	"github.com/seed54244801/bespoke/runtime/internal/cuda"
)

// DeviceWeights are the weights of a unit in the memory of a GPU, for programs that compute with CUDA. Its numbers
// are handles of the driver, so that they work with every CUDA library.
//
// The weights may not be decoded yet when [Model.DecodeToDevice] returns. A stream that uses them must wait for
// Ready first. The host does not have to wait: cuStreamWaitEvent(stream, Ready, 0).
type DeviceWeights struct {
	Unit    Unit
	Device  int     // the ordinal of the GPU
	Context uintptr // a CUcontext: the primary context of the GPU, which the CUDA runtime uses too
	Pointer uintptr // a CUdeviceptr: Unit.Elements bfloat16 words, aligned to 256 bytes
	Ready   uintptr // a CUevent, recorded behind the decoding

	model    *Model
	weights  *cuda.Weights
	released bool
}

// Wait waits on the host until the weights are decoded. After Close of the Model it fails with [ErrClosed].
func (w *DeviceWeights) Wait() error { return w.model.inside(w.weights.Wait) }

// Release gives the buffer back for another unit. It must be called once. stream is a CUstream of the weights'
// context, or 0 for the default stream. The buffer is not overwritten before all work is done that is queued on the
// stream by then. The host does not wait for it. Close of the Model releases all buffers when the queued work is
// done. After it, Release fails with [ErrClosed].
func (w *DeviceWeights) Release(stream uintptr) error {
	if w.released {
		return fmt.Errorf("runtime: the weights of unit %q are released already", w.Unit.Name)
	}
	w.released = true
	return w.model.inside(func() error { return w.weights.Release(stream) })
}

// DecodeToDevice queues the decoding of a unit into device memory. Each GPU has two buffers, so that a program can
// compute with one unit while the next one is decoded:
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
// While both buffers are in use, DecodeToDevice waits for one, or for the end of ctx. Other methods that decode use
// the same buffers. If a unit is decoded for the first time, DecodeToDevice waits for it and checks it. The error
// is that of [Model.DecodeUnit]. A unit that stays in host memory is uploaded each time, compressed. DecodeToDevice
// then returns when all of it is in pinned memory. It does not compare sums, whatever [WithChecks] says, because
// the host does not get the weights.
//
// It needs the decoder cuda. It is an error if the weights of the unit do not fit into the memory of the GPU.
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
