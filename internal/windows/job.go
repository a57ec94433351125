package windows

import (
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
)

// Places in the scratch memory of a Job, in bytes.
const (
	// ScratchGaps holds the gap of each window of the block and, behind them, that of the next window, a byte each.
	ScratchGaps = 0
	// ScratchPlanes holds, for each group, five vectors of 16-bit lanes: the four parts of its windows, and
	// the first part of the next windows.
	ScratchPlanes = ScratchGaps + BlockWindows + 64
	PlaneGroup    = (Phases + 1) * 64
	// ScratchSteps holds what the steps of a phase look up in a group, until its end.
	ScratchSteps = ScratchPlanes + GroupsPerBlock*PlaneGroup
	StepHalf     = (PhaseSteps/4 + PhaseSteps/2) * 64 // of half a phase: two steps in a vector, and those of long codes
	StepGroup    = 2 * StepHalf
	// ScratchRows holds, for each group and each phase, PhaseSteps symbols of each window, with [NoSymbol] where
	// there are fewer.
	ScratchRows = ScratchSteps + GroupsPerBlock*StepGroup
	RowPhase    = LaneWindows * PhaseSteps
	RowGroup    = Phases * RowPhase
	// ScratchPending holds the pending symbols. Where there are fewer than none, the first symbols lie before it.
	ScratchPending = ScratchRows + GroupsPerBlock*RowGroup + 64

	scratchSize = ScratchPending + 2*MergeWords + BlockWindows*RowSymbols + 2*64
)

// A Job is the state of one call of a [Decoder]. Make one with [NewJob] for each worker; it must not be
// copied or used by two goroutines at once.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Job struct {
	// Tables are those of the book, for decoders that take every book.
	Tables *Tables
	// Scratch is the start of the decoder's working memory, at a cache line.
	Scratch *byte
	// Src is the first byte of the next block.
	Src *byte
	// Gaps is where the gaps of the next block start: gaps of 5 bits, the most significant first.
	Gaps *byte
	// SignMantissa is the byte, Dst the word of the first symbol that comes to ScratchPending, Merged the number of words
	// that were merged from there on: pointers that moved would point past their memory at its end, which the collector
	// of Go takes for an error. Where Stream is set Dst is the start of a cache line.
	SignMantissa *byte
	Dst          *uint16
	Merged       uint64
	// Blocks is the number of blocks to decode.
	Blocks uint64
	// Room is the number of symbols that they may have.
	Room uint64
	// Pending is the number of symbols at ScratchPending that are not merged yet. Less than none are pending where the
	// first symbols are left to the caller, which finds them before ScratchPending.
	Pending int64
	// Gap is that of the first window of the next block, NextGap that of the window behind the last block, or [NoGap].
	Gap, NextGap uint64
	// Stream is 1 if words are to be written around the caches: more of them than the caches hold.
	Stream uint64
	// Status says why Decode stopped. Resume is set to go on behind a failed block.
	Status, Resume uint64
	// Failed has a bit for each lane of each group of a block that could not be followed: see [WindowOfLane].
	Failed [GroupsPerBlock]uint32

	scratch []byte
	last    [BlockBytes + codebook.WindowBytes + BlockGaps + 1]byte // 1 for Gaps to point to behind the block
}

// NewJob returns a job with scratch memory and nothing else.
func NewJob() *Job {
	memory := make([]byte, scratchSize+64)
	skip := -uintptr(unsafe.Pointer(&memory[0])) & 63
	j := &Job{scratch: memory[skip:][:scratchSize]}
	j.Scratch = &j.scratch[0]
	return j
}

// Reset drops the job's references to streams and tables, so that a kept job keeps nothing else alive.
func (j *Job) Reset() {
	j.Tables, j.Src, j.Gaps, j.SignMantissa, j.Dst = nil, nil, nil, nil, nil
}

// Last points the job at a copy of the last block of a stream, of which the bytes and the gaps are given, and returns the
// copy of the bytes. What the stream lacks is zero.
func (j *Job) Last(encoded, gaps []byte) []byte {
	src, packed := j.last[:BlockBytes+codebook.WindowBytes], j.last[BlockBytes+codebook.WindowBytes:]
	clear(src[copy(src, encoded):])
	clear(packed[copy(packed, gaps):])
	j.Src, j.Gaps = &src[0], &packed[0]
	j.Blocks, j.NextGap = 1, OtherGap
	return src
}

// WindowOfLane returns the window of a group that a lane of its vectors holds. The order lets the last steps of
// the way from lanes to rows, which are stored, be done within 128 bits.
func WindowOfLane(lane int) int { return lane>>1&3<<3 | lane>>3<<1 | lane&1 }

// WindowGap returns the gap of a window of the block, which may be that behind the last.
func (j *Job) WindowGap(window int) uint64 { return uint64(j.scratch[ScratchGaps+window]) }

// SetWindowGap sets the gap of a window of the block, or that of the next one.
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

// Symbols returns n symbols, in the form of [lookup.Rotate], from that on which is first behind ScratchPending, or before it.
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
