package strands

import (
	"math"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
)

const (
	// Count is the number of strands. Each takes two general registers.
	Count = 5

	// VectorSymbols is the number of weights in a vector of the merge.
	VectorSymbols = 32

	// TurnBytes bounds the bytes by which one turn moves Strand.Src.
	TurnBytes = 96

	// CallTurns is the largest number of turns of one call of the decoder.
	CallTurns = 256

	// CallMarks is the largest number of marks that a strand leaves in one call. It is enough for chunks of a stream
	// with gaps, which have [codebook.ChunkBytes] bytes. It is also enough for chunks of a stream with tiles alone,
	// whose elements have codes of 1 bit or more.
	CallMarks = CallTurns*TurnBytes/min(codebook.ChunkBytes, codebook.ChunkElements/8) + 1

	// SrcSlack is the number of bytes between Strand.Src and Strand.SrcLast that is always enough for a turn.
	SrcSlack = TurnBytes

	// HalfScratch is the size of half of a strand's scratch memory, in bytes. It has room for the symbols of one turn
	// and, below them, for the last store of 8 bytes.
	HalfScratch = 256

	// HalfSymbols is the size of the first halves of all strands together, in bytes. Behind them is a mark for each
	// strand, which says where the strand was when it began to fill the half. The second halves are laid out the
	// same.
	HalfSymbols = Count * HalfScratch

	// HalfSize is the size of half of the scratch memory, in bytes.
	HalfSize = HalfSymbols + Count*int(MarkSize)

	// sinkTurns is about the number of turns of a call with an idle strand.
	sinkTurns = 64

	// scratchSize is enough for the scratch memory. The memory is aligned to this power of two, so it lies in one
	// page of 64 KiB. The decoder therefore moves a scratch pointer by adding to its low 16 bits alone.
	scratchSize = 4 << 10
)

// A Strand is a sequence of codes in a [Job]. It has Left elements, and the code of the first begins at bit Bit of
// *Src. The decoder moves Src, Bit, SignMantissa, Dst and Left forward together.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Strand struct {
	// Src is the byte of the stream that holds the next code's first bit. It never passes SrcLast.
	Src *byte
	// SrcLast is the last place where 8 bytes can be loaded: 8 bytes before the end of the stream.
	SrcLast *byte
	// Bit is the offset of the next code in *Src, counted from the most significant bit. It is 0 to 7, or more if Src
	// has come to SrcLast.
	Bit uint64
	// SignMantissa is the next of the Left bytes to merge.
	SignMantissa *byte
	// Dst is the next of the Left words to write.
	Dst *uint16
	// Left counts the elements that are not written yet.
	Left uint64
	// Marked counts the marks that the strand left in the call.
	Marked uint64
}

// A Mark is given a border. When its strand comes to the border, the mark is set to a place where the strand was
// before, at most a turn earlier. The next element there is the one of Element. Its code begins in the byte at Src.
// The number of bits before it in that byte is the number of zeros below the lowest 1 of Buf.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Mark struct {
	Src     uint64 // an address, to be compared with those of the stream
	Buf     uint64
	Element uint64 // the address of the element's sign_mantissa byte
	// Border is the address of a byte of the stream, or [NoBorder]. It is at least TurnBytes behind the border of the
	// previous mark.
	Border uint64
}

// NoBorder is a border that no strand comes to.
const NoBorder = math.MaxUint64

// A Job is the state of one call of the decoder. Each worker makes one with [NewJob]. A job must not be copied, and
// two goroutines must not use it at once.
//
// Generated assembly addresses the fields by their offsets: their order is part of the contract.
type Job struct {
	// Table is the table of the code book.
	Table *lookup.Table
	// LongLast is the last entry of the list of [lookup.Long].
	LongLast *uint64
	// Scratch is the start of the scratch memory.
	Scratch *byte
	// Turns bounds the turns of the call. The decoder replaces it with the number of turns that it made, which is 0
	// if some strand had no room for one.
	Turns uint64
	// Strands are decoded side by side. The decoder needs all of them: see [Job.Idle].
	Strands [Count]Strand
	// Marks[i] are the marks of strand i, in the order of their borders: those that the strand may come to in the
	// call, and then one that it cannot come to.
	Marks [Count][CallMarks + 1]Mark

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

// Idle gives strand i something to do if there is nothing to decode for it, because the decoder always needs all
// strands. The strand decodes what strand like decodes, to memory that nobody reads. It leaves no marks.
func (j *Job) Idle(i, like int) {
	l := &j.Strands[i]
	*l = j.Strands[like]
	l.Dst = &j.sink[0]
	l.Left = min(l.Left, uint64(len(j.sink)))
	j.Marks[i][0].Border = NoBorder
}

// Reset drops the job's references to streams and tables, so that a job in a pool keeps nothing else alive.
func (j *Job) Reset() {
	j.Table, j.LongLast = nil, nil
	j.Strands = [Count]Strand{}
}

// Offsets of the fields of Job, Strand and Mark, in bytes, for the generator of the assembly.
const (
	OffTable    = unsafe.Offsetof(Job{}.Table)
	OffLongLast = unsafe.Offsetof(Job{}.LongLast)
	OffScratch  = unsafe.Offsetof(Job{}.Scratch)
	OffTurns    = unsafe.Offsetof(Job{}.Turns)
	OffStrands  = unsafe.Offsetof(Job{}.Strands)
	OffMarks    = unsafe.Offsetof(Job{}.Marks)
	StrandSize  = unsafe.Sizeof(Strand{})
	MarkSize    = unsafe.Sizeof(Mark{})
	StrandMarks = unsafe.Sizeof(Job{}.Marks[0]) // the marks of one strand

	OffSrc          = unsafe.Offsetof(Strand{}.Src)
	OffSrcLast      = unsafe.Offsetof(Strand{}.SrcLast)
	OffBit          = unsafe.Offsetof(Strand{}.Bit)
	OffSignMantissa = unsafe.Offsetof(Strand{}.SignMantissa)
	OffDst          = unsafe.Offsetof(Strand{}.Dst)
	OffLeft         = unsafe.Offsetof(Strand{}.Left)
	OffMarked       = unsafe.Offsetof(Strand{}.Marked)

	OffMarkSrc     = unsafe.Offsetof(Mark{}.Src)
	OffMarkBuf     = unsafe.Offsetof(Mark{}.Buf)
	OffMarkElement = unsafe.Offsetof(Mark{}.Element)
	OffMarkBorder  = unsafe.Offsetof(Mark{}.Border)
)
