package product

import (
	"unsafe"

	"github.com/seed54244801/bespoke/internal/product"
)

// Vectors are vectors as kernels read them.
type Vectors struct {
	n, cols int
	packed  []float32 // one vector after another: for each group of columns the even ones, then the odd ones
}

// Pack packs n vectors of cols numbers each, which follow one another in x.
func Pack(x []float32, n, cols int) *Vectors {
	v := &Vectors{n: n, cols: cols}
	v.packed = alignedFloats(n * v.stride())
	for i := range n {
		to := v.packed[i*v.stride():]
		for c, value := range x[i*cols : (i+1)*cols] {
			to[c/product.Group*product.Group+c%2*product.Sums+c%product.Group/2] = value
		}
	}
	return v
}

// Len returns the number of vectors.
func (v *Vectors) Len() int { return v.n }

// Cols returns the number of numbers in a vector.
func (v *Vectors) Cols() int { return v.cols }

// Vector returns vector i as kernels read it.
func (v *Vectors) Vector(i int) []float32 { return v.packed[i*v.stride() : (i+1)*v.stride()] }

// stride returns the number of floats from one vector to the next: that of whole groups.
func (v *Vectors) stride() int { return (v.cols + product.Group - 1) / product.Group * product.Group }

// alignedFloats returns zeros that begin with a cache line.
func alignedFloats(n int) []float32 {
	const line = 64 / 4
	f := make([]float32, n+line-1)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(f)))/4) & (line - 1)
	return f[skip : skip+n : skip+n]
}

// A family is kernels for CPUs with the same instructions: one for each of some numbers of vectors, the largest first.
type family struct {
	name    string
	batches []int
	kernels []product.Kernel
	whole   bool // the kernels take whole groups only
}

// best is the fastest family that the CPU can run, nil if there is none.
var best = func() *family {
	if all := families(); len(all) > 0 {
		return &all[0]
	}
	return nil
}()

// Multiply multiplies the rows of weights w with all vectors. Their results go to y: those of vector i begin at y[i*stride].
func Multiply(w []uint16, v *Vectors, y []float32, stride int) { best.multiply(w, v, y, stride) }

// multiply is Multiply with the kernels of a family. That of nil is portable Go.
func (f *family) multiply(w []uint16, v *Vectors, y []float32, stride int) {
	switch {
	case len(w) == 0 || v.n == 0:
	case f == nil:
		for i := range v.n {
			for r := range len(w) / v.cols {
				y[i*stride+r] = row(w[r*v.cols:(r+1)*v.cols], v.Vector(i))
			}
		}
	case f.whole && v.cols%product.Group != 0:
		f.padded(w, v, y, stride)
	default:
		f.rows(w, v.cols, v, y, stride)
	}
}

// padded multiplies rows that are no whole groups: a row after the other, with zeros behind it.
func (f *family) padded(w []uint16, v *Vectors, y []float32, stride int) {
	row := make([]uint16, v.stride())
	for r := range len(w) / v.cols {
		copy(row, w[r*v.cols:(r+1)*v.cols])
		f.rows(row, len(row), v, y[r:], stride)
	}
}

const (
	// tileBytes is about the size of rows that are multiplied with many vectors. Their number is a multiple of tileRows,
	// which all kernels divide.
	tileBytes = 24 << 10
	tileRows  = 12
)

// rows multiplies rows of a number of columns.
func (f *family) rows(w []uint16, cols int, v *Vectors, y []float32, stride int) {
	rows := len(w) / cols
	_ = y[(v.n-1)*stride+rows-1]
	// With many vectors, rows are read again and again: a few of them from the first-level cache.
	few := rows
	if v.n > f.batches[0] {
		few = max(1, tileBytes/(2*cols)/tileRows) * tileRows
	}
	for r := 0; r < rows; r += few {
		job := product.Job{
			W:       &w[r*cols],
			XStride: uint64(4 * v.stride()), YStride: uint64(4 * stride),
			Rows: uint64(min(few, rows-r)), RowBytes: uint64(2 * cols),
			Groups: uint64(cols / product.Group), Tail: 1<<(cols%product.Group) - 1,
		}
		for i := 0; i < v.n; {
			k := 0
			for f.batches[k] > v.n-i {
				k++
			}
			job.X, job.Y = &v.packed[i*v.stride()], &y[i*stride+r]
			f.kernels[k](&job)
			i += f.batches[k]
		}
	}
}
