package lanes

import (
	"math"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
)

const (
	// MaxLanes is the largest number of lanes of a decoder.
	MaxLanes = 5

	// VectorSymbols is the number of weights that one step of the merge writes.
	VectorSymbols = 32

	// TurnBytes bounds the bytes by which one turn moves Lane.Src.
	TurnBytes = 96

	// BatchTurns is the largest number of turns of one call of Decode.
	BatchTurns = 256

	// BatchMarks is the largest number of marks that a lane leaves in one call: enough for chunks of gaps,
	// which have [codebook.ChunkBytes], and of tiles, each element of which takes a bit at least.
	BatchMarks = BatchTurns*TurnBytes/min(codebook.ChunkBytes, codebook.ChunkElements/8) + 1

	// SrcSlack is the number of bytes that must lie between Lane.Src and Lane.SrcLast for Decode to
	// move the lane: what one turn consumes at most.
	SrcSlack = TurnBytes

	// HalfScratch is half of the scratch memory of a lane, in bytes: the symbols of one
	// turn, and room below them for the last 8-byte store.
	HalfScratch = 256

	// HalfSymbols is what the lanes fill in one half of the scratch memory, in bytes.
	// Behind them is a mark for each lane: where it was when it began to fill the half.
	HalfSymbols = MaxLanes * HalfScratch

	// HalfSize is the size of half of the scratch memory.
	HalfSize = HalfSymbols + MaxLanes*int(MarkSize)

	// sinkTurns is about the number of turns of a batch with an idle lane.
	sinkTurns = 64

	// scratchSize is enough for the scratch memory. Aligned to this power of two, it lies in one 64 KiB
	// page, which lets decoders move a scratch pointer by adding to its low 16 bits alone.
	scratchSize = 4 << 10
)

// A Lane is one run of codes inside a [Job]: Left elements, the first of which starts at bit Bit of
// *Src. Decode moves Src, Bit, SignMantissa, Dst and Left forward together.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Lane struct {
	// Src is the byte of the stream that holds the next code's first bit. It never passes SrcLast.
	Src *byte
	// SrcLast is the last place where 8 bytes can be loaded: 8 bytes before the end of the stream.
	SrcLast *byte
	// Bit is the offset of the next code inside *Src, counted from the most significant bit: 0 to 7,
	// or more where Src cannot go on because it is SrcLast.
	Bit uint64
	// SignMantissa is the next of the Left bytes to merge.
	SignMantissa *byte
	// Dst is the next of the Left words to write.
	Dst *uint16
	// Left counts the elements that are not written yet.
	Left uint64
	// Marked counts the marks that the lane left in the call.
	Marked uint64
}

// A Mark is told a border and, when its lane has come there, says where the lane was before, by at most a
// turn: which element was next, and that its code began in the byte at Src, as many bits behind its most
// significant one as Buf has zeros below its lowest 1.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Mark struct {
	Src     uint64 // an address, to be compared with those of the stream
	Buf     uint64
	Element uint64 // the address of its sign_mantissa byte
	// Border is the address of a byte of the stream, TurnBytes or more behind that of the mark before, or
	// [NoBorder].
	Border uint64
}

// NoBorder is a border that no lane comes to.
const NoBorder = math.MaxUint64

// A Job is the state of one call of Decode. Make one with [NewJob] for each worker; it must not be
// copied or used by two goroutines at once.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Job struct {
	// Table is the first entry of a [lookup.Table] with the decoder's TableBits and MaxSymbols.
	Table *uint64
	// LongLast is the last entry of the [lookup.Long] list.
	LongLast *uint64
	// Scratch is the start of the decoder's working memory.
	Scratch *byte
	// Turns bounds the turns of the call; the decoder puts their number in its place. That is 0 when
	// some lane had no room for one.
	Turns uint64
	// Lanes are the runs to decode; a decoder with n lanes uses, and needs, the first n of them.
	Lanes [MaxLanes]Lane
	// Marks[i] are the marks of lane i, for the borders that it may come to in the call, and behind them one
	// with a border that it won't.
	Marks [MaxLanes][BatchMarks + 1]Mark

	scratch []byte // scratchSize bytes from Scratch on
	sink    [sinkTurns * HalfScratch / 2]uint16
}

// NewJob returns a job with scratch memory and nothing else.
func NewJob() *Job {
	memory := make([]byte, 2*scratchSize)
	skip := -uintptr(unsafe.Pointer(&memory[0])) & (scratchSize - 1)
	j := &Job{scratch: memory[skip:][:scratchSize]}
	j.Scratch = &j.scratch[0]
	for i := range j.Marks {
		j.Marks[i][0].Border = NoBorder
	}
	return j
}

// Idle gives lane i, for which there is no run, something to do, as no lane can be left out: it decodes what lane like
// decodes, to memory that nobody looks at, and leaves no marks.
func (j *Job) Idle(i, like int) {
	l := &j.Lanes[i]
	*l = j.Lanes[like]
	l.Dst = &j.sink[0]
	l.Left = min(l.Left, uint64(len(j.sink)))
	j.Marks[i][0].Border = NoBorder
}

// Reset drops the job's references to streams and tables, so that a kept job keeps nothing else
// alive.
func (j *Job) Reset() {
	j.Table, j.LongLast = nil, nil
	j.Lanes = [MaxLanes]Lane{}
}

// Offsets of the fields of Job, Lane and Mark, in bytes, for the generator of the assembly.
const (
	OffTable    = unsafe.Offsetof(Job{}.Table)
	OffLongLast = unsafe.Offsetof(Job{}.LongLast)
	OffScratch  = unsafe.Offsetof(Job{}.Scratch)
	OffTurns    = unsafe.Offsetof(Job{}.Turns)
	OffLanes    = unsafe.Offsetof(Job{}.Lanes)
	OffMarks    = unsafe.Offsetof(Job{}.Marks)
	LaneSize    = unsafe.Sizeof(Lane{})
	MarkSize    = unsafe.Sizeof(Mark{})
	LaneMarks   = unsafe.Sizeof(Job{}.Marks[0]) // from the marks of one lane to those of the next

	OffSrc          = unsafe.Offsetof(Lane{}.Src)
	OffSrcLast      = unsafe.Offsetof(Lane{}.SrcLast)
	OffBit          = unsafe.Offsetof(Lane{}.Bit)
	OffSignMantissa = unsafe.Offsetof(Lane{}.SignMantissa)
	OffDst          = unsafe.Offsetof(Lane{}.Dst)
	OffLeft         = unsafe.Offsetof(Lane{}.Left)
	OffMarked       = unsafe.Offsetof(Lane{}.Marked)

	OffMarkSrc     = unsafe.Offsetof(Mark{}.Src)
	OffMarkBuf     = unsafe.Offsetof(Mark{}.Buf)
	OffMarkElement = unsafe.Offsetof(Mark{}.Element)
	OffMarkBorder  = unsafe.Offsetof(Mark{}.Border)
)
