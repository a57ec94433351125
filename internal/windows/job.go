package windows

import (
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
)

// Offsets and sizes in the scratch memory of a Job, in bytes.
const (
	// ScratchGaps has the gap of each window of the block, and then the gap of the next window, a byte each.
	ScratchGaps = 0
	// ScratchPlanes has five vectors of 16-bit lanes for each group: the four parts of its windows, and the first
	// part of the next windows.
	ScratchPlanes = ScratchGaps + BlockWindows + 64
	PlaneGroup    = (Phases + 1) * 64
	// ScratchSteps has the indices that the steps of a phase look up, for each group.
	ScratchSteps = ScratchPlanes + GroupsPerBlock*PlaneGroup
	StepHalf     = (PhaseSteps/4 + PhaseSteps/2) * 64 // of half a phase: a vector for two steps, and a vector for each step with long codes
	StepGroup    = 2 * StepHalf
	// ScratchRows has PhaseSteps symbols of each window for each group and each phase. Places without a symbol hold
	// [NoSymbol].
	ScratchRows = ScratchSteps + GroupsPerBlock*StepGroup
	RowPhase    = LaneWindows * PhaseSteps
	RowGroup    = Phases * RowPhase
	// ScratchPending has the pending symbols. If Job.Pending is negative, the next symbols are written before it.
	ScratchPending = ScratchRows + GroupsPerBlock*RowGroup + 64

	scratchSize = ScratchPending + 2*MergeWords + BlockWindows*RowSymbols + 2*64
)

// A Job is the state of one call of a [Decoder]. Each worker makes one with [NewJob]. A job must not be copied, and
// two goroutines must not use it at once.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Job struct {
	// Tables are the tables of the code book.
	Tables *Tables
	// Scratch is the start of the scratch memory. It is the start of a cache line.
	Scratch *byte
	// Src is the first byte of the next block.
	Src *byte
	// Gaps is the first byte of the gaps of the next block. Each has 5 bits, the most significant first.
	Gaps *byte
	// SignMantissa is the byte, and Dst is the word, of the first symbol that is written to ScratchPending. Merged
	// is the number of words that were merged from there on. The pointers do not move, because they would point
	// past their memory in the end, and Go's garbage collector would report that as an error. If Stream is set, Dst
	// is the start of a cache line.
	SignMantissa *byte
	Dst          *uint16
	Merged       uint64
	// Blocks is the number of blocks to decode.
	Blocks uint64
	// Room is the number of symbols that these blocks may have.
	Room uint64
	// Pending is the number of symbols at ScratchPending that are not merged yet. It is negative if the next
	// symbols are for the caller to merge. The decoder writes these before ScratchPending.
	Pending int64
	// Gap is the gap of the first window of the next block. NextGap is the gap of the window behind the last block,
	// or [NoGap].
	Gap, NextGap uint64
	// Stream is 1 if words are to be written around the caches, because there are more of them than the caches hold.
	Stream uint64
	// Status says why the decoder stopped. The caller sets Resume to go on behind a failed block.
	Status, Resume uint64
	// Failed has a word for each group of a failed block, with a bit for each lane: 1 if its window could not be
	// followed. See [WindowOfLane].
	Failed [GroupsPerBlock]uint32

	scratch []byte
	last    [BlockBytes + codebook.WindowBytes + BlockGaps + 1]byte // 1 byte more, so that Gaps can point behind the block
}

// NewJob returns a job with scratch memory and nothing else.
func NewJob() *Job {
	memory := make([]byte, scratchSize+64)
	skip := -uintptr(unsafe.Pointer(&memory[0])) & 63
	j := &Job{scratch: memory[skip:][:scratchSize]}
	j.Scratch = &j.scratch[0]
	return j
}

// Reset drops the job's references to streams and tables, so that a job in a pool keeps nothing else alive.
func (j *Job) Reset() {
	j.Tables, j.Src, j.Gaps, j.SignMantissa, j.Dst = nil, nil, nil, nil, nil
}

// Last points the job at a copy of the last block of a stream, given its bytes and its gaps. The rest of the block
// is zero. It returns the copy of the bytes.
func (j *Job) Last(encoded, gaps []byte) []byte {
	src, packed := j.last[:BlockBytes+codebook.WindowBytes], j.last[BlockBytes+codebook.WindowBytes:]
	clear(src[copy(src, encoded):])
	clear(packed[copy(packed, gaps):])
	j.Src, j.Gaps = &src[0], &packed[0]
	j.Blocks, j.NextGap = 1, OtherGap
	return src
}

// WindowOfLane returns the number of the window that a lane holds, counted in its group. With this order, the last
// shuffles that turn lanes into rows stay within 128 bits.
func WindowOfLane(lane int) int { return lane>>1&3<<3 | lane>>3<<1 | lane&1 }

// WindowGap returns the gap of a window of the block, or of the window behind the block.
func (j *Job) WindowGap(window int) uint64 { return uint64(j.scratch[ScratchGaps+window]) }

// SetWindowGap sets the gap of a window of the block, or of the window behind the block.
func (j *Job) SetWindowGap(window int, gap uint64) { j.scratch[ScratchGaps+window] = byte(gap) }

// Row returns the symbols of a window of the block, in the form of [lookup.Rotate].
func (j *Job) Row(window int) (row [RowSymbols]byte) {
	for phase := range Phases {
		copy(row[PhaseSteps*phase:], j.row(window, phase))
	}
	return row
}

// SetRow replaces the symbols of a window of the block, in the form of [lookup.Rotate].
func (j *Job) SetRow(window int, row *[RowSymbols]byte) {
	for phase := range Phases {
		copy(j.row(window, phase), row[PhaseSteps*phase:])
	}
}

// row is the part of a row for a phase.
func (j *Job) row(window, phase int) []byte {
	at := ScratchRows + RowGroup*(window/LaneWindows) + RowPhase*phase + PhaseSteps*(window%LaneWindows)
	return j.scratch[at:][:PhaseSteps]
}

// Symbols returns n symbols in the form of [lookup.Rotate], from the given offset from ScratchPending on. It may be
// negative.
func (j *Job) Symbols(first, n int) []byte { return j.scratch[ScratchPending+first:][:n] }

// Offsets of the fields of Job, in bytes, for the generator of the assembly.
const (
	OffTables       = unsafe.Offsetof(Job{}.Tables)
	OffScratch      = unsafe.Offsetof(Job{}.Scratch)
	OffSrc          = unsafe.Offsetof(Job{}.Src)
	OffGaps         = unsafe.Offsetof(Job{}.Gaps)
	OffSignMantissa = unsafe.Offsetof(Job{}.SignMantissa)
	OffDst          = unsafe.Offsetof(Job{}.Dst)
	OffMerged       = unsafe.Offsetof(Job{}.Merged)
	OffBlocks       = unsafe.Offsetof(Job{}.Blocks)
	OffRoom         = unsafe.Offsetof(Job{}.Room)
	OffPending      = unsafe.Offsetof(Job{}.Pending)
	OffGap          = unsafe.Offsetof(Job{}.Gap)
	OffNextGap      = unsafe.Offsetof(Job{}.NextGap)
	OffStream       = unsafe.Offsetof(Job{}.Stream)
	OffStatus       = unsafe.Offsetof(Job{}.Status)
	OffResume       = unsafe.Offsetof(Job{}.Resume)
	OffFailed       = unsafe.Offsetof(Job{}.Failed)
)
