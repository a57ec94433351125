package runtime

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/seed54244801/bespoke/internal/fault"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/product"
	"github.com/seed54244801/bespoke/runtime/internal/rans"
)

// A Matrix is a coded tensor that is multiplied with on the CPU. It stays compressed: its weights are decoded while they are
// multiplied, a few rows at a time, in memory that stays in the caches.
type Matrix struct {
	Tensor string
	// Rows and Columns are the shape of the tensor. Columns is its last dimension, Rows the product of the others.
	Rows, Columns int

	model  *Model
	span   coded.Span
	strips int                                                 // parts that are multiplied at a time, each of some rows
	strip  func(ctx context.Context, i int, p productOf) error // multiplies strip i
}

// A productOf is the vectors and the results of a product: those of row r and vector i are in y[i*Rows+r].
type productOf struct {
	vectors *product.Vectors
	y       []float32
}

// Matrix returns a coded tensor to multiply with. It needs a checkpoint that has the tensor's shape.
func (m *Model) Matrix(name string) (w *Matrix, err error) {
	err = m.inside(func() error {
		w, err = m.matrix(name)
		return err
	})
	return w, err
}

// matrix is Matrix while the files are open.
func (m *Model) matrix(name string) (*Matrix, error) {
	s, err := m.tensor(name)
	if err != nil {
		return nil, err
	}
	u := m.byCoded[s.Unit]
	shape := u.Tensors[s.First].Shape
	switch {
	case shape == nil:
		return nil, s.Unit.Wrap(fmt.Errorf("tensor %q: the checkpoint does not tell its shape", name))
	case len(shape) == 0 || s.Elements() == 0:
		return nil, s.Unit.Wrap(fmt.Errorf("tensor %q: shape %v is not that of a matrix", name, shape))
	}
	if err := u.cpu.Prepare(); err != nil {
		return nil, err
	}
	columns := int(shape[len(shape)-1])
	w := &Matrix{Tensor: name, Rows: s.Elements() / columns, Columns: columns, model: m, span: s}
	if coded, ok := u.cpu.(*rans.Unit); ok {
		if w.strips = coded.Strips(s.First, columns); w.strips > 0 {
			w.strip = func(_ context.Context, i int, p productOf) error {
				return coded.MultiplyStrip(s.First, i, p.vectors, p.y, w.Rows)
			}
			return w, nil
		}
	}
	rows := max(1, stripWeights/columns)
	w.strips = (w.Rows + rows - 1) / rows
	w.strip = func(ctx context.Context, i int, p productOf) error { return w.decoded(ctx, i*rows, rows, p) }
	return w, nil
}

// stripWeights is about the number of weights that are decoded at a time, so that they stay in the second-level cache of a
// core until they are multiplied.
const stripWeights = 1 << 18

// stripMemory holds slices of decoded weights.
var stripMemory sync.Pool

// decoded multiplies n rows, or as many as there are, after it has decoded them.
func (w *Matrix) decoded(ctx context.Context, row, n int, p productOf) error {
	n = min(n, w.Rows-row)
	memory, _ := stripMemory.Get().(*[]uint16)
	if memory == nil || len(*memory) < n*w.Columns {
		words := make([]uint16, n*w.Columns)
		memory = &words
	}
	defer stripMemory.Put(memory)
	words := (*memory)[:n*w.Columns]
	part := w.span.Part(row*w.Columns, len(words))
	if err := w.model.byCoded[w.span.Unit].cpu.Decode(ctx, part, 1, words, nil); err != nil {
		return err
	}
	product.Multiply(words, p.vectors, p.y[row:], w.Rows)
	return nil
}

// Multiply sets y to the products of the matrix with a batch of vectors. x has batch × Columns numbers and y has room for
// batch × Rows; vectors follow one another in both. Several goroutines work on it, as [WithWorkers] says. A broken unit
// gives the error of [Model.DecodeUnit]; then y may hold anything. The sums of [WithChecks] are not compared.
//
// # The order of the sums
//
// A row is cut into groups of 32 columns; what the last group lacks are zeros. There are 16 sums, which begin as zeros. Of
// each group column 2i is added to sum i, then column 2i+1, each with one rounding for product and sum. In the end sum i+8 is
// added to sum i, for i below 8, then i+4, i+2 and i+1. So y has the same bits for every codec, decoder, batch and number of
// workers, and [MultiplyWeights] gives the same for weights that are not coded.
func (w *Matrix) Multiply(ctx context.Context, x, y []float32, batch int) error {
	return w.model.call(ctx, func(ctx context.Context) error {
		if err := checkProduct(len(x), len(y), w.Rows, w.Columns, batch); err != nil {
			return w.span.Unit.Wrap(fmt.Errorf("tensor %q: %w", w.Tensor, err))
		}
		p := productOf{product.Pack(x, batch, w.Columns), y}
		task := coded.NewTask(0, w.strips, w.model.workers, coded.Pieces{Least: 1, Most: 1, Multiple: 1}, nil, func(from, to int) (int, error) {
			err := fault.Guard(func() error { return w.strip(ctx, from, p) })
			if _, gone := errors.AsType[*fault.Error](err); gone {
				err = w.span.Unit.Wrap(err)
			}
			if err != nil {
				return from, err
			}
			return to, nil
		})
		return task.Run(ctx)
	})
}

// MultiplyBF16 is [Matrix.Multiply] for vectors of bfloat16 words.
func (w *Matrix) MultiplyBF16(ctx context.Context, x []uint16, y []float32, batch int) error {
	return w.Multiply(ctx, widen(x), y, batch)
}

// MultiplyWeights is [Matrix.Multiply] for weights of bfloat16 that are not coded, on one core: rows of a number of columns,
// one after another. y gets the same bits.
func MultiplyWeights(weights []uint16, columns int, x, y []float32, batch int) error {
	if columns < 1 || len(weights)%columns != 0 {
		return fmt.Errorf("runtime: %d weights in rows of %d", len(weights), columns)
	}
	rows := len(weights) / columns
	if err := checkProduct(len(x), len(y), rows, columns, batch); err != nil {
		return fmt.Errorf("runtime: %w", err)
	}
	product.Multiply(weights, product.Pack(x, batch, columns), y, rows)
	return nil
}

// checkProduct compares the numbers of elements of a product with its shape.
func checkProduct(x, y, rows, columns, batch int) error {
	switch {
	case batch < 1:
		return fmt.Errorf("product with %d vectors, want 1 or more", batch)
	case x/columns != batch || x%columns != 0:
		return fmt.Errorf("product with %d vectors of %d numbers: x has %d", batch, columns, x)
	case rows > 0 && (y/rows != batch || y%rows != 0) || rows == 0 && y != 0:
		return fmt.Errorf("product with %d vectors, %d results each: y has %d", batch, rows, y)
	}
	return nil
}

// widen returns bfloat16 words as numbers.
func widen(words []uint16) []float32 {
	x := make([]float32, len(words))
	for i, w := range words {
		x[i] = math.Float32frombits(uint32(w) << 16)
	}
	return x
}
