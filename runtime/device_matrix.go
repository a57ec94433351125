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
// compressed: its weights are decoded while they are multiplied, and are not written to device memory.
type DeviceMatrix struct {
	Tensor        string
	Rows, Columns int     // the shape of the tensor
	Device        int     // the ordinal of the GPU
	Context       uintptr // a CUcontext: the primary context of the GPU, which the CUDA runtime uses too

	model  *Model
	matrix *cuda.Matrix
}

// DeviceMatrix returns a tensor of two dimensions to multiply with. It needs the decoder cuda, and a checkpoint
// that has the tensor's shape. With DF11 the unit must have the index tiles, as made by "bespoke compress" with --index
// tiles or --index both. With rANS the columns must be a multiple of 64, and so must the weights of a block if there are
// several, as "bespoke compress" makes them for such columns. For a broken tensor, DeviceMatrix or the first product
// returns the error of [Model.DecodeTensor].
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
	case s.Unit.RANS == nil && !s.Unit.Stream.Index().HasTiles():
		return nil, s.Unit.Wrap(fmt.Errorf("tensor %q: products are decoded by tiles, and the unit has none: compress it with --index tiles or both", name))
	}
	if err := u.cpu.Prepare(); err != nil {
		return nil, err
	}
	rows, columns := int(shape[0]), int(shape[1])
	matrix, err := m.gpus.Matrix(s, rows, columns)
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

// Multiply sets y to the products of the matrix with a batch of vectors. batch is their number, 1 to [MostVectors].
// x is the address of batch × Columns bfloat16 words, and y is the address of batch × Rows float32 numbers. Vectors
// follow one another in both. Both addresses are in device memory of the matrix's context. x must be a multiple of
// 2, and y a multiple of 4. An x that is a multiple of 16 is read faster.
//
// The work is queued on stream, which is a CUstream of the context, or 0 for the default stream. Multiply waits for
// the first product of a matrix and checks it. If that fails, the error is that of [Model.DecodeUnit], or the error
// of the kernel if only the index is damaged. y then has no meaning.
//
// A unit that stays in host memory is uploaded for each product, compressed. Multiply then returns when all of it
// is in pinned memory. While other calls use both buffers of the GPU, it waits for a buffer, or for the end of ctx.
//
// Products of a weight with a number of x are exact. They are added up as float32. The order of the additions, and
// so the last bits of y, are the same every time with rANS, and with DF11 if Columns and the tensor's place in the unit
// are multiples of 256. Columns that are a multiple of 256 are also the fastest case. With rANS the matrix is decoded
// once for each vector, and products whose rows go through several splits take turns on the GPU. After Close of the
// Model, Multiply fails with [ErrClosed].
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
