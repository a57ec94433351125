package kernel

import (
	"math"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
)

const (
	// MaxLanes is the largest number of lanes of a [Decoder].
	MaxLanes = 8

	// VectorSymbols is the number of weights that one step of the merge writes.
	VectorSymbols = 32

	// LineSize is a cache line in bytes, the words of one such step.
	LineSize = 2 * VectorSymbols

	// MergeSymbols is the number of weights that one merge of form [Slots] writes.
	MergeSymbols = 4 * VectorSymbols

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

	// HalfScratch is half of the scratch memory of a lane with form Bytes, in bytes: the symbols of one
	// turn, and room below them for the last 8-byte store.
	HalfScratch = 256

	// TurnSlots is the number of slots of a lane with form Slots in one half of the scratch memory: those
	// of one turn. A turn may leave the last few unused.
	TurnSlots = 32

	// HalfSymbols is what the lanes fill in one half of the scratch memory, in bytes: symbols or slots.
	// Behind them is a mark for each lane: where it was when it began to fill the half.
	HalfSymbols = MaxLanes * max(HalfScratch, TurnSlots*8)

	// HalfSize is the size of half of the scratch memory.
	HalfSize = HalfSymbols + MaxLanes*int(MarkSize)

	// PendingScratch is the room for the pending symbols of a lane with form Slots, in bytes: those that
	// are too few for a merge, those of a turn, and the vector store of the last ones. They lie behind
	// both halves.
	PendingScratch = 384

	// OffPendingSymbols is the distance of the pending symbols of lane 0 from Job.Scratch.
	OffPendingSymbols = 2 * HalfSize

	// sinkTurns is about the number of turns of a batch with an idle lane of form Bytes.
	sinkTurns = 64

	// scratchSize is enough for the scratch memory. Aligned to this power of two, it lies in one 64 KiB
	// page, which lets decoders move a scratch pointer by adding to its low 16 bits alone.
	scratchSize = 8 << 10
)

// A Lane is one run of codes inside a [Job]: Left elements, the first of which starts at bit Bit of
// *Src. Decode moves Src, Bit, SignMantissa, Dst, Left and Pending forward together.
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
	// Dst is the next of the Left words to write. Where decoders write around the caches, it is the start
	// of a cache line.
	Dst *uint16
	// Left counts the elements that are not written yet.
	Left uint64
	// Pending counts those of them that are decoded: their symbols wait in the job's scratch memory.
	// It is 0 with form [Bytes].
	Pending uint64
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
	// Table is the first entry of a [Table] or [SlotTable] with the decoder's TableBits and MaxSymbols.
	Table *uint64
	// LongLast is the last entry of the [Long] list, nil where the decoder has no slow path.
	LongLast *uint64
	// Scratch is the start of the decoder's working memory.
	Scratch *byte
	// Stream is 1 if decoders of form [Slots] shall write around the caches: for more words than the
	// caches hold.
	Stream uint64
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

// Pending returns the symbols, in the form of [Rotate], that lane i has decoded for its next words, and
// what lies behind them.
func (j *Job) Pending(i int) []byte {
	return j.scratch[OffPendingSymbols+i*PendingScratch:]
}

// Idle gives lane i, for which there is no run, the codes of lane like to decode: all lanes of a job run or
// none. It leaves no marks. With form [Slots] both write the same words. With form [Bytes] one writes words that mean nothing
// where the other may have been, so those of lane i go to memory that nobody looks at.
func (j *Job) Idle(f Form, i, like int) {
	l := &j.Lanes[i]
	*l = j.Lanes[like]
	if f == Bytes {
		l.Dst = &j.sink[0]
		l.Left = min(l.Left, uint64(len(j.sink)))
	}
	copy(j.Pending(i)[:l.Pending], j.Pending(like))
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
	OffStream   = unsafe.Offsetof(Job{}.Stream)
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
	OffPending      = unsafe.Offsetof(Lane{}.Pending)
	OffMarked       = unsafe.Offsetof(Lane{}.Marked)

	OffMarkSrc     = unsafe.Offsetof(Mark{}.Src)
	OffMarkBuf     = unsafe.Offsetof(Mark{}.Buf)
	OffMarkElement = unsafe.Offsetof(Mark{}.Element)
	OffMarkBorder  = unsafe.Offsetof(Mark{}.Border)
)
