package kernel

import "unsafe"

const (
	// MaxLanes is the largest number of lanes of a [Decoder].
	MaxLanes = 8

	// VectorSymbols is the number of weights that one step of the merge writes.
	VectorSymbols = 32

	// TurnSymbols bounds the symbols that one turn yields in one lane. It is also the most words
	// that one merge writes, however few of them are good.
	TurnSymbols = 128

	// TurnBytes bounds the bytes by which one turn moves Lane.Src.
	TurnBytes = 128

	// BatchTurns is the largest number of turns of one call of Decode.
	BatchTurns = 64

	// Slack is the number of elements that a lane must still have for Decode to move it: those of
	// one turn, and the words by which the last vector store may run ahead. A merge in the middle
	// of a turn begins no later than the turn did, so that its TurnSymbols words are within.
	Slack = TurnSymbols + VectorSymbols - 1

	// SrcSlack is the number of bytes that must lie between Lane.Src and Lane.SrcLast for Decode to
	// move the lane: what one turn consumes at most.
	SrcSlack = TurnBytes

	// HalfScratch is half of the scratch memory of a lane in bytes: the symbols of one turn, and
	// room below them for the last 8-byte store.
	HalfScratch = 2 * TurnSymbols

	// scratchSize is the scratch memory of all lanes. Aligned to this power of two, it lies in one
	// 64 KiB page, which lets decoders move a scratch pointer by adding to its low 16 bits alone.
	scratchSize = MaxLanes * 2 * HalfScratch
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
	// Left counts the elements that are not decoded yet.
	Left uint64
}

// A Mark says how far a lane was in the middle of a batch. After the N symbols since the mark before
// it, the next code begins in the byte at Src, as many bits behind its most significant one as Buf
// has zeros below its lowest 1.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Mark struct {
	Src uint64 // an address, to be compared with those of the stream
	Buf uint32
	N   uint32
}

// A Job is the state of one call of Decode. Make one with [NewJob] for each worker; it must not be
// copied or used by two goroutines at once.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Job struct {
	// Table is the first entry of a [Table] with the decoder's TableBits and MaxSymbols.
	Table *uint64
	// LongLast is the last entry of the [Long] list, nil where the decoder has no slow path.
	LongLast *uint64
	// Scratch is the start of the decoder's working memory: two halves of HalfScratch bytes, of
	// which each lane has its own part.
	Scratch *byte
	// Turns is the number of turns of the call: 0 when some lane had no room for one.
	Turns uint64
	// Lanes are the runs to decode; a decoder with n lanes uses, and needs, the first n of them.
	Lanes [MaxLanes]Lane
	// Marks follow the lanes through the call if it had turns: Marks[i][0] is where lane i began,
	// Marks[i][t] lies inside turn t.
	Marks [MaxLanes][BatchTurns + 1]Mark

	scratch []byte
	sink    [(BatchTurns + 1) * TurnSymbols]uint16
}

// NewJob returns a job with scratch memory and nothing else.
func NewJob() *Job {
	j := &Job{scratch: make([]byte, 2*scratchSize)}
	skip := -uintptr(unsafe.Pointer(&j.scratch[0])) & (scratchSize - 1)
	j.Scratch = &j.scratch[skip]
	return j
}

// Idle gives lane i, for which there is no run, the codes of lane like to decode: all lanes of a job
// run or none. The words go to memory that nobody looks at.
func (j *Job) Idle(i, like int) {
	j.Lanes[i] = j.Lanes[like]
	j.Lanes[i].Dst = &j.sink[0]
	j.Lanes[i].Left = min(j.Lanes[i].Left, uint64(len(j.sink)))
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
	LaneMarks   = unsafe.Sizeof(Job{}.Marks[0])

	OffSrc          = unsafe.Offsetof(Lane{}.Src)
	OffSrcLast      = unsafe.Offsetof(Lane{}.SrcLast)
	OffBit          = unsafe.Offsetof(Lane{}.Bit)
	OffSignMantissa = unsafe.Offsetof(Lane{}.SignMantissa)
	OffDst          = unsafe.Offsetof(Lane{}.Dst)
	OffLeft         = unsafe.Offsetof(Lane{}.Left)

	OffMarkSrc = unsafe.Offsetof(Mark{}.Src)
	OffMarkBuf = unsafe.Offsetof(Mark{}.Buf)
	OffMarkN   = unsafe.Offsetof(Mark{}.N)
)
