package kernel

import "unsafe"

const (
	// MaxLanes is the largest number of lanes of a [Decoder].
	MaxLanes = 8

	// Slack is the number of elements that a lane must still have for Decode to move it: one round
	// of lookups (at most 32 symbols) and the 31 words by which the last vector store may run
	// ahead.
	Slack = RoundSymbols + VectorSymbols - 1

	// SrcSlack is the number of bytes that must lie between Lane.Src and Lane.SrcLast for Decode to
	// move the lane: what one round consumes at most.
	SrcSlack = RoundBytes

	// RoundSymbols bounds the symbols that one round of lookups yields in one lane.
	RoundSymbols = 32

	// RoundBytes bounds the bytes by which one round moves Lane.Src: five lookups and one code of
	// 32 bits take at most 12.
	RoundBytes = 16

	// BatchRounds is the number of rounds between two merges with sign_mantissa.
	BatchRounds = 32

	// VectorSymbols is the number of weights that one step of the merge writes.
	VectorSymbols = 32

	// LaneScratch is the scratch memory of one lane in bytes: the symbols of a batch, and room
	// below them for the last 8-byte store and the last vector load.
	LaneScratch = BatchRounds*RoundSymbols + 256

	// scratchAlign is a power of two not below the scratch memory of all lanes. Memory with this
	// alignment lies in one 64 KiB page, which lets decoders move a scratch pointer by adding to
	// its low 16 bits alone.
	scratchAlign = 16 << 10
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

// A Job is the state of one call of Decode. Make one with [NewJob] for each worker; it must not be
// copied or used by two goroutines at once.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Job struct {
	// Table is the first entry of a [Table] with the decoder's TableBits and MaxSymbols.
	Table *uint64
	// LongLast is the last entry of the [Long] list, nil where the decoder has no slow path.
	LongLast *uint64
	// Scratch is the start of the decoder's working memory: LaneScratch bytes a lane.
	Scratch *byte
	// Lanes are the runs to decode; a decoder with n lanes uses, and needs, the first n of them.
	Lanes [MaxLanes]Lane

	scratch []byte
}

// NewJob returns a job with scratch memory and nothing else.
func NewJob() *Job {
	j := &Job{scratch: make([]byte, 2*scratchAlign)}
	skip := -uintptr(unsafe.Pointer(&j.scratch[0])) & (scratchAlign - 1)
	j.Scratch = &j.scratch[skip]
	return j
}

// Reset drops the job's references to streams and tables, so that a kept job keeps nothing else
// alive.
func (j *Job) Reset() {
	j.Table, j.LongLast = nil, nil
	j.Lanes = [MaxLanes]Lane{}
}

// Offsets of the fields of Job and Lane, in bytes, for the generator of the assembly.
const (
	OffTable    = unsafe.Offsetof(Job{}.Table)
	OffLongLast = unsafe.Offsetof(Job{}.LongLast)
	OffScratch  = unsafe.Offsetof(Job{}.Scratch)
	OffLanes    = unsafe.Offsetof(Job{}.Lanes)
	LaneSize    = unsafe.Sizeof(Lane{})

	OffSrc          = unsafe.Offsetof(Lane{}.Src)
	OffSrcLast      = unsafe.Offsetof(Lane{}.SrcLast)
	OffBit          = unsafe.Offsetof(Lane{}.Bit)
	OffSignMantissa = unsafe.Offsetof(Lane{}.SignMantissa)
	OffDst          = unsafe.Offsetof(Lane{}.Dst)
	OffLeft         = unsafe.Offsetof(Lane{}.Left)
)
