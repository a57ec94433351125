package states

import (
	"unsafe"

	"github.com/seed54244801/bespoke/internal/product"
)

// A Multiplier decodes steps of four blocks as a [Decoder] does, and multiplies the weights with a vector instead of storing
// them. A row of a matrix is a whole number of steps, and a block a whole number of rows.
//
// The order of the sums is that of package product: a step is two groups of columns.
type Multiplier func(*ProductJob)

// A ProductJob is the arguments and the state of one call of a [Multiplier]. Dst and Stream of the [Job] are not used.
type ProductJob struct {
	Job
	// X is the vector, as in a [product.Job].
	X *float32
	// RowSteps is the number of steps of a row, at least 1.
	RowSteps uint64
	// RowLeft is the number of steps of the present row that are left, 1 to RowSteps, before and after. The sums of the
	// steps before are in Sums.
	RowLeft uint64
	Sums    [Blocks][product.Sums]float32
	// Y is where the products of the rows of a block begin, Row the number of those that are finished, before and after.
	Y   [Blocks]*float32
	Row uint64
}

// Offsets of the fields of a ProductJob.
const (
	OffX        = unsafe.Offsetof(ProductJob{}.X)
	OffRowSteps = unsafe.Offsetof(ProductJob{}.RowSteps)
	OffRowLeft  = unsafe.Offsetof(ProductJob{}.RowLeft)
	OffSums     = unsafe.Offsetof(ProductJob{}.Sums)
	OffY        = unsafe.Offsetof(ProductJob{}.Y)
	OffRow      = unsafe.Offsetof(ProductJob{}.Row)
)
