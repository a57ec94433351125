package runtime

import (
	"context"
	"fmt"

	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/runtime/internal/cuda"
)

// MostVectors is the largest number of vectors that a [DeviceMatrix] is multiplied with at once.
const MostVectors = launch.MostVectors

// A DeviceMatrix is a coded tensor in the memory of a GPU, for programs that compute with CUDA. It stays
// compressed: its weights are decoded while they are multiplied, and never reach device memory.
type DeviceMatrix struct {
	Tensor        string
	Rows, Columns int     // the shape of the tensor
	Device        int     // the ordinal of the GPU
	Context       uintptr // a CUcontext: the primary context of the GPU, which libraries over the CUDA runtime use too

	model  *Model
	matrix *cuda.Matrix
}

// DeviceMatrix returns a tensor of two dimensions to multiply with. It needs the decoder cuda, a checkpoint
// that tells the tensor's shape, and a unit with the index tiles: "bespoke compress --index tiles" or "both". A
// unit that is broken is an error, that of [Model.DecodeUnit], here or with the first product.
func (m *Model) DeviceMatrix(name string) (w *DeviceMatrix, err error) {
	err = m.inside(func() error {
		w, err = m.deviceMatrix(name)
		return err
	})
	return w, err
}

// deviceMatrix is DeviceMatrix while the files are open.
func (m *Model) deviceMatrix(name string) (*DeviceMatrix, error) {
	s, err := m.tensor(name)
	if err != nil {
		return nil, err
	}
	u := m.byCoded[s.Unit]
	if m.gpus == nil {
		return nil, m.wrap(fmt.Errorf("no products on a GPU with decoder %v", m.choice))
	}
	shape := u.Tensors[s.First].Shape
	switch {
	case shape == nil:
		return nil, s.Unit.Wrap(fmt.Errorf("tensor %q: the checkpoint does not tell its shape", name))
	case len(shape) != 2:
		return nil, s.Unit.Wrap(fmt.Errorf("tensor %q: shape %v is not that of a matrix", name, shape))
	case !s.Unit.Stream.Index().HasTiles():
		return nil, s.Unit.Wrap(fmt.Errorf("tensor %q: products are decoded by tiles, and the unit has none: compress it with --index tiles or both", name))
	}
	if err := u.cpu.Prepare(); err != nil {
		return nil, err
	}
	rows, columns := int(shape[0]), int(shape[1])
	matrix, err := m.gpus.Matrix(s.Unit, s.From, rows, columns)
	if err != nil {
		return nil, s.Unit.Wrap(fmt.Errorf("tensor %q: %w", name, err))
	}
	return &DeviceMatrix{
		Tensor:  name,
		Rows:    rows,
		Columns: columns,
		Device:  matrix.Device,
		Context: matrix.Context,
		model:   m,
		matrix:  matrix,
	}, nil
}

// Multiply sets y to the products of the matrix with a batch of vectors, 1 to [MostVectors]. In device memory
// of the matrix's context, x is an address of batch × Columns bfloat16 words and y one of batch × Rows float32,
// both one vector after another. x is a multiple of 2 and y of 4; an x that is a multiple of 16 is read faster.
//
// All is queued on the stream, a CUstream of the context or 0 for the default stream: behind what is on it by
// then, and before what comes later. The first product of a matrix is waited for, and checked; its error is
// that of [Model.DecodeUnit] or, where only the index is damaged, the kernel's, and leaves y without meaning.
// Products with a unit that stays in host memory upload it each time, compressed, and return when the last of
// it is in pinned memory; while others use both buffers of the GPU, they wait for one, or for the end of the
// context.
//
// Products of weights with numbers of x are exact, sums are those of float32. Their order, and so their last bits, is
// the same every time where Columns and the tensor's place in the unit are multiples of 256, which is
// also fastest. After Close of the Model it fails with [ErrClosed].
func (w *DeviceMatrix) Multiply(ctx context.Context, x, y uintptr, batch int, stream uintptr) error {
	switch {
	case batch < 1 || batch > MostVectors:
		return fmt.Errorf("runtime: tensor %q: product with %d vectors, want 1 to %d", w.Tensor, batch, MostVectors)
	case x == 0 || x%2 != 0:
		return fmt.Errorf("runtime: tensor %q: x at %#x is no address of bfloat16 words", w.Tensor, x)
	case y == 0 || y%4 != 0:
		return fmt.Errorf("runtime: tensor %q: y at %#x is no address of float32 numbers", w.Tensor, y)
	}
	return w.model.call(ctx, func(ctx context.Context) error { return w.matrix.Multiply(ctx, x, y, batch, stream) })
}
