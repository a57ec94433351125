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

// available are the kernels that the CPU can run.
var available = kernels()

// Multiply multiplies the rows of weights w with all vectors. Their results go to y: those of vector i begin at y[i*stride].
func Multiply(w []uint16, v *Vectors, y []float32, stride int) { multiply(available, w, v, y, stride) }

// multiply is Multiply with given kernels, or nil for portable Go.
func multiply(kernels []product.Kernel, w []uint16, v *Vectors, y []float32, stride int) {
	if len(w) == 0 || v.n == 0 {
		return
	}
	rows := len(w) / v.cols
	if kernels == nil {
		for i := range v.n {
			for r := range rows {
				y[i*stride+r] = row(w[r*v.cols:(r+1)*v.cols], v.Vector(i))
			}
		}
		return
	}
	_ = y[(v.n-1)*stride+rows-1]
	// With many vectors, rows are read again and again: a few of them from the first-level cache.
	few := rows
	if v.n > product.Batches[0] {
		few = max(1, tileBytes/(2*v.cols)/tileRows) * tileRows
	}
	for r := 0; r < rows; r += few {
		job := product.Job{
			W:       &w[r*v.cols],
			XStride: uint64(4 * v.stride()), YStride: uint64(4 * stride),
			Rows: uint64(min(few, rows-r)), RowBytes: uint64(2 * v.cols),
			Groups: uint64(v.cols / product.Group), Tail: 1<<(v.cols%product.Group) - 1,
		}
		for i := 0; i < v.n; {
			k := 0
			for product.Batches[k] > v.n-i {
				k++
			}
			job.X, job.Y = &v.packed[i*v.stride()], &y[i*stride+r]
			kernels[k](&job)
			i += product.Batches[k]
		}
	}
}

const (
	// tileBytes is about the size of rows that are multiplied with many vectors. Their number is a multiple of tileRows,
	// which all kernels divide.
	tileBytes = 24 << 10
	tileRows  = 12
)
