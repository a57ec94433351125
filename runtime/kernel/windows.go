package kernel

import (
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
)

// A WindowDecoder decodes the codes of 32 windows side by side, a window being 8 bytes of the stream whose first code
// starts where its gap says. It needs AVX-512 with VBMI and VBMI2. It holds its tables in vector registers: what
// they are is told by [WindowTables].
//
// # What it promises
//
// Decode works on the blocks of a [WindowJob], one after the other. It follows the codes of each window from its gap on
// and sees whether they lead to the gap of the next one. Where they do in all windows of a block, it appends their
// symbols to those that are pending, and merges what is pending with sign_mantissa bytes, [WindowMerge] words
// at a time. It stops
//
//   - at [BlockFailed], where some windows of a block could not be followed: the codes are too long for the tables, or
//     there is no such code, or they don't lead to the next gap. Their numbers are in Failed. Once their rows
//     hold the symbols, Decode goes on behind them if Resume is set;
//   - at [BlockOverflow], where a block has more symbols than there is room for: none of them is merged;
//   - at [BlockDone].
//
// The symbols of the last block stay pending then: a call without blocks merges them, but for the last few.
//
// Whatever the stream and its gaps hold, Decode
//
//   - reads only [BlockBytes] of stream for a block and 8 more, [BlockGaps] bytes of gaps for a block and, but for a
//     last block with NextGap, one more, and the sign_mantissa byte of each word that it writes,
//   - writes only words whose symbols it has decoded, the job, and its scratch memory.
type WindowDecoder func(*WindowJob)

const (
	// LaneWindows is the number of windows that a vector of 16-bit lanes holds, GroupsPerBlock that of the vectors
	// which are worked on in turn, so that none waits for its lookups.
	LaneWindows    = 32
	GroupsPerBlock = 4

	// BlockWindows is the number of windows of a block, BlockBytes that of their bytes, BlockGaps that of the bytes
	// of their gaps. A chunk is ChunkBlocks blocks.
	BlockWindows = LaneWindows * GroupsPerBlock
	BlockBytes   = BlockWindows * codebook.WindowBytes
	BlockGaps    = BlockWindows * codebook.GapBits / 8
	ChunkBlocks  = codebook.ChunkBytes / BlockBytes

	// Phases is the number of parts of a window, of 16 bits, after each of which all lanes wait for each other, and
	// PhaseSteps that of the lookups in each: codes of 2 bits or more need no more.
	Phases     = 4
	PhaseSteps = 8

	// RowSymbols bounds the symbols of a window.
	RowSymbols = Phases * PhaseSteps

	// WindowMerge is the number of words that one merge writes: two cache lines.
	WindowMerge = 64

	// NoGap is a NextGap that says: look it up. Other values that no gap has, such as OtherGap, are what no window leads to.
	NoGap    = 0xff
	OtherGap = 0xfe
)

// Why Decode stopped.
const (
	BlockDone     = iota // all blocks are decoded
	BlockFailed          // there are windows to be decoded by other means
	BlockOverflow        // more symbols than there is room for
)

// Places in the scratch memory of a WindowJob, in bytes.
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

	windowScratch = ScratchPending + 2*WindowMerge + BlockWindows*RowSymbols + 2*64
)

// A WindowJob is the state of one call of a [WindowDecoder]. Make one with [NewWindowJob] for each worker; it must not be
// copied or used by two goroutines at once.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type WindowJob struct {
	// Tables are those of the book, for decoders that take every book.
	Tables *WindowTables
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

// NewWindowJob returns a job with scratch memory and nothing else.
func NewWindowJob() *WindowJob {
	memory := make([]byte, windowScratch+64)
	skip := -uintptr(unsafe.Pointer(&memory[0])) & 63
	j := &WindowJob{scratch: memory[skip:][:windowScratch]}
	j.Scratch = &j.scratch[0]
	return j
}

// Reset drops the job's references to streams and tables, so that a kept job keeps nothing else alive.
func (j *WindowJob) Reset() {
	j.Tables, j.Src, j.Gaps, j.SignMantissa, j.Dst = nil, nil, nil, nil, nil
}

// Last points the job at a copy of the last block of a stream, of which the bytes and the gaps are given, and returns the
// copy of the bytes. What the stream lacks is zero.
func (j *WindowJob) Last(encoded, gaps []byte) []byte {
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
func (j *WindowJob) WindowGap(window int) uint64 { return uint64(j.scratch[ScratchGaps+window]) }

// SetWindowGap sets the gap of a window of the block, or that of the next one.
func (j *WindowJob) SetWindowGap(window int, gap uint64) { j.scratch[ScratchGaps+window] = byte(gap) }

// Row returns the symbols of a window of the block, in the form of [Rotate].
func (j *WindowJob) Row(window int) (row [RowSymbols]byte) {
	for phase := range Phases {
		copy(row[PhaseSteps*phase:], j.row(window, phase))
	}
	return row
}

// SetRow replaces the symbols of a window of the block, in the form of [Rotate].
func (j *WindowJob) SetRow(window int, row *[RowSymbols]byte) {
	for phase := range Phases {
		copy(j.row(window, phase), row[PhaseSteps*phase:])
	}
}

// row is the part of a row for a phase.
func (j *WindowJob) row(window, phase int) []byte {
	at := ScratchRows + RowGroup*(window/LaneWindows) + RowPhase*phase + PhaseSteps*(window%LaneWindows)
	return j.scratch[at:][:PhaseSteps]
}

// Symbols returns n symbols, in the form of [Rotate], from that on which is first behind ScratchPending, or before it.
func (j *WindowJob) Symbols(first, n int) []byte { return j.scratch[ScratchPending+first:][:n] }

// Offsets of the fields of WindowJob, in bytes, for the generator of the assembly.
const (
	OffWindowTables       = unsafe.Offsetof(WindowJob{}.Tables)
	OffWindowScratch      = unsafe.Offsetof(WindowJob{}.Scratch)
	OffWindowSrc          = unsafe.Offsetof(WindowJob{}.Src)
	OffWindowGaps         = unsafe.Offsetof(WindowJob{}.Gaps)
	OffWindowSignMantissa = unsafe.Offsetof(WindowJob{}.SignMantissa)
	OffWindowDst          = unsafe.Offsetof(WindowJob{}.Dst)
	OffWindowMerged       = unsafe.Offsetof(WindowJob{}.Merged)
	OffWindowBlocks       = unsafe.Offsetof(WindowJob{}.Blocks)
	OffWindowRoom         = unsafe.Offsetof(WindowJob{}.Room)
	OffWindowPending      = unsafe.Offsetof(WindowJob{}.Pending)
	OffWindowGap          = unsafe.Offsetof(WindowJob{}.Gap)
	OffWindowNextGap      = unsafe.Offsetof(WindowJob{}.NextGap)
	OffWindowStream       = unsafe.Offsetof(WindowJob{}.Stream)
	OffWindowStatus       = unsafe.Offsetof(WindowJob{}.Status)
	OffWindowResume       = unsafe.Offsetof(WindowJob{}.Resume)
	OffWindowFailed       = unsafe.Offsetof(WindowJob{}.Failed)
)
