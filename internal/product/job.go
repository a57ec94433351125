package product

import "unsafe"

const (
	// Group is the number of columns that are multiplied at a time, Sums that of the sums of a row.
	Group = 32
	Sums  = Group / 2
)

// A Job is the arguments of a kernel that multiplies rows of weights with a fixed number of vectors. Generated assembly
// addresses the fields by their offsets.
type Job struct {
	// W is the first row. Rows follow one another.
	W *uint16
	// X is the first vector: for each group of columns the 16 even ones, then the 16 odd ones. Y is where its results go.
	X, Y *float32
	// XStride and YStride are the distances, in bytes, from a vector to the next, and from its results to those of the next.
	XStride, YStride uint64
	// Rows is the number of rows, RowBytes the size of one.
	Rows, RowBytes uint64
	// Groups is the number of whole groups in a row. Tail has a bit for each column of the last group if that is not whole,
	// and is else 0.
	Groups, Tail uint64
}

// Offsets of the fields of a Job.
const (
	OffW        = unsafe.Offsetof(Job{}.W)
	OffX        = unsafe.Offsetof(Job{}.X)
	OffY        = unsafe.Offsetof(Job{}.Y)
	OffXStride  = unsafe.Offsetof(Job{}.XStride)
	OffYStride  = unsafe.Offsetof(Job{}.YStride)
	OffRows     = unsafe.Offsetof(Job{}.Rows)
	OffRowBytes = unsafe.Offsetof(Job{}.RowBytes)
	OffGroups   = unsafe.Offsetof(Job{}.Groups)
	OffTail     = unsafe.Offsetof(Job{}.Tail)
)

// A Kernel multiplies all rows of a job. It reads only the rows and the vectors, the last group of a vector as if it were
// whole, and writes only the results.
type Kernel func(*Job)

// Batches are the numbers of vectors that there are kernels for, the largest first. RowsAtOnce is how many rows the kernel
// of each works on side by side. The kernels for AVX2 take whole groups only: the Tail of their jobs is 0, Groups is not.
var (
	Batches        = []int{4, 2, 1}
	RowsAtOnce     = []int{6, 4, 4}
	BatchesAVX2    = []int{2, 1}
	RowsAtOnceAVX2 = []int{3, 4}
)
