package states

import "unsafe"

// A Multiplier decodes steps of four blocks as a [Decoder] does, and multiplies the weights with a vector instead of storing
// them. A row of a matrix is a whole number of steps, and a block a whole number of rows.
//
// # The order of the sums
//
// A row has 16 sums. Of each 32 columns, column 2i is added to sum i first, then column 2i+1 to the same sum: with one
// rounding for product and sum (FMA). At the end of the row sum i+8 is added to sum i, then i+4, i+2 and i+1. [Multiply]
// does the same with weights that are not coded, so both give the same bits.
type Multiplier func(*ProductJob)

// Sums is the number of sums of a row.
const Sums = 16

// A ProductJob is the arguments and the state of one call of a [Multiplier]. Dst and Stream of the [Job] are not used.
type ProductJob struct {
	Job
	// X is the vector: for each 32 columns the 16 even ones, then the 16 odd ones.
	X *float32
	// RowSteps is the number of steps of a row, at least 1.
	RowSteps uint64
	// RowLeft is the number of steps of the present row that are left, 1 to RowSteps, before and after. The sums of the
	// steps before are in Sums.
	RowLeft uint64
	Sums    [Blocks][Sums]float32
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

// A PlainJob is the arguments of a kernel that multiplies rows of weights that are not coded.
type PlainJob struct {
	W        *uint16
	X        *float32 // as in a [ProductJob]
	Y        *float32
	Rows     uint64
	RowSteps uint64 // at least 1
}

// Offsets of the fields of a PlainJob.
const (
	OffPlainW        = unsafe.Offsetof(PlainJob{}.W)
	OffPlainX        = unsafe.Offsetof(PlainJob{}.X)
	OffPlainY        = unsafe.Offsetof(PlainJob{}.Y)
	OffPlainRows     = unsafe.Offsetof(PlainJob{}.Rows)
	OffPlainRowSteps = unsafe.Offsetof(PlainJob{}.RowSteps)
)
