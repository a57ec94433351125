package states

import (
	"unsafe"

	"github.com/seed54244801/bespoke/rans"
)

// A Decoder decodes steps of four blocks side by side, so that none waits for its own last multiplication. A step is 64
// weights, one for each state. A decoder for AVX-512, with VBMI and VBMI2, takes the [Tables] as operands.
// One for AVX2, with BMI2, looks up [ByteTables].
//
// A decoder does as many of the steps of a [Job] as it can without a check in each: while all blocks have [StepWords] words
// for each step and [ReserveWords] more. It counts in Done how many it did, and in Used how many words of each block they
// took. Whatever the words and the states are, a decoder
//
//   - reads only the words of a block, and the bytes of the plane of the steps that it does: [rans.Form.PlaneBytes] for
//     them;
//   - writes only the words of the steps that it does, and the job.
type Decoder func(*Job)

const (
	// Blocks is the number of blocks that are decoded side by side.
	Blocks = 4
	// VectorLanes is the number of lanes in a vector, Vectors that of the vectors of a block.
	VectorLanes = 32
	Vectors     = rans.States / VectorLanes
	// StepWords bounds the words that a step takes from a block. A vector of words, or less, is loaded where the words of a vector of
	// lanes begin, so as many words have to be there behind the last one.
	StepWords    = rans.States
	ReserveWords = VectorLanes
)

// A Job is the arguments and the state of one call of a [Decoder]. Generated assembly addresses the fields by their offsets:
// their order is part of the contract.
type Job struct {
	// States are the states before and after: the low halves, then the high halves.
	States [Blocks][2][rans.States]uint16
	// Tables are the tables of each block. A decoder for blocks of one table reads the first.
	Tables [Blocks]*Tables
	// Words, Plane and Dst are where the next step of each block begins. The decoder does not move them, because they would
	// point behind what they belong to.
	Words [Blocks]*byte
	Plane [Blocks]*byte
	Dst   [Blocks]*uint16
	// Left is the number of words that each block has.
	Left [Blocks]uint64
	// Used is the number of words that each block has used in this call, Done the number of steps.
	Used [Blocks]uint64
	Done uint64
	// Steps is the number of steps to do.
	Steps uint64
	// Stream is not 0 if the decoder is to write around the caches. Each Dst is then the start of a cache line.
	Stream uint64
}

// Offsets of the fields of a Job.
const (
	OffStates = unsafe.Offsetof(Job{}.States)
	OffTables = unsafe.Offsetof(Job{}.Tables)
	OffWords  = unsafe.Offsetof(Job{}.Words)
	OffPlane  = unsafe.Offsetof(Job{}.Plane)
	OffDst    = unsafe.Offsetof(Job{}.Dst)
	OffLeft   = unsafe.Offsetof(Job{}.Left)
	OffUsed   = unsafe.Offsetof(Job{}.Used)
	OffDone   = unsafe.Offsetof(Job{}.Done)
	OffSteps  = unsafe.Offsetof(Job{}.Steps)
	OffStream = unsafe.Offsetof(Job{}.Stream)
)

// Tables are the alias layout of a table as vectors: see [rans.Alias].
type Tables struct {
	Threshold, Donor, Offset, Frequency [rans.Buckets]uint16
	// Symbol is the symbol of each place, where a bfloat16 word has it.
	Symbol [rans.Buckets]uint16
	// Bytes are the same for decoders for AVX2.
	Bytes ByteTables
}

// NewTables returns the tables for a layout.
func NewTables(f rans.Form, a *rans.Alias) *Tables {
	t := &Tables{Threshold: a.Threshold, Donor: a.Donor, Offset: a.Offset, Frequency: a.Frequency, Bytes: newByteTables(f, a)}
	for i, s := range a.Symbol {
		t.Symbol[i] = f.Join(s, 0)
	}
	return t
}
