package avo

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// begin plans the batch, leaves the function if it has no turns, and loads everything that the turns
// keep in registers and on the stack.
func (d *decoder) begin() {
	job := d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	d.planBatch(job)
	if d.p.SlowPath {
		d.MOVQ(field(job, kernel.OffLongLast), d.window)
		d.MOVQ(d.window, d.longLast)
	}
	d.MOVQ(field(job, kernel.OffTable), d.table)
	d.VMOVDQU(d.c.reverse, d.reverse)
	d.VMOVDQU(d.c.topBits, d.topBits)
	d.Comment("All lanes start to fill the first half of the scratch memory.")
	scratch := d.GP64()
	d.MOVQ(field(job, kernel.OffScratch), scratch)
	d.MOVQ(scratch, d.filling)
	for i := range d.p.Lanes {
		d.LEAQ(operand.Mem{Base: scratch, Disp: int(scratchTop(i))}, d.out[i])
	}
	d.ADDQ(operand.U32(halfSize), scratch)
	d.MOVQ(scratch, d.full)
	for i := range d.p.Lanes {
		d.loadLane(job, i)
	}
	d.MOVL(operand.U32(64-d.p.TableBits), d.shift.As32())
}

// planBatch sets the number of turns, and leaves the function when it is 0.
func (d *decoder) planBatch(job reg.GPVirtual) {
	d.Commentf("How many turns has every lane room for? One yields at most %d symbols and consumes at most", kernel.TurnSymbols)
	d.Commentf("%d bytes. A merge in a turn writes at most %d words from where the turn before ended, the",
		kernel.TurnBytes, kernel.TurnSymbols)
	d.Commentf("last ones of the batch at most %d too many. Negative room means none.", kernel.VectorSymbols-1)
	turns, room := d.GP64(), d.GP64()
	d.MOVL(operand.U32(kernel.BatchTurns), turns.As32())
	for i := range d.p.Lanes {
		d.Commentf("Lane %d: by its elements, then by its bytes of stream.", i)
		d.MOVQ(lane(job, i, kernel.OffLeft), room)
		d.SUBQ(operand.Imm(kernel.VectorSymbols-1), room)
		d.SARQ(operand.Imm(log2(kernel.TurnSymbols)), room)
		d.CMPQ(room, turns)
		d.CMOVQLT(room, turns)
		d.MOVQ(lane(job, i, kernel.OffSrcLast), room)
		d.SUBQ(lane(job, i, kernel.OffSrc), room)
		d.SARQ(operand.Imm(log2(kernel.TurnBytes)), room)
		d.CMPQ(room, turns)
		d.CMOVQLT(room, turns)
	}
	d.XORL(room.As32(), room.As32())
	d.CMPQ(turns, operand.Imm(0))
	d.CMOVQLT(room, turns)
	d.MOVQ(turns, field(job, kernel.OffTurns))
	d.JLE(operand.LabelRef("done"))

	d.LEAQ(field(job, kernel.OffMarks), d.marks)
	d.SHLQ(operand.Imm(log2(int(kernel.MarkSize))), turns)
	d.ADDQ(d.marks, turns)
	d.MOVQ(turns, d.marksLast)
}

// loadLane fills the bit buffer of lane i and sets its first mark, of no symbols.
func (d *decoder) loadLane(job reg.GPVirtual, i int) {
	d.Commentf("Lane %d: where its memory is, the bit buffer, the first mark.", i)
	d.MOVQ(lane(job, i, kernel.OffSignMantissa), d.window)
	d.MOVQ(lane(job, i, kernel.OffDst), d.entry)
	d.MOVQ(d.window, d.sm[i])
	d.SUBQ(d.window, d.entry)
	d.SUBQ(d.window, d.entry)
	d.MOVQ(d.entry, d.dstLess[i])
	d.MOVQ(lane(job, i, kernel.OffSrc), d.window)
	d.MOVQ(lane(job, i, kernel.OffBit), d.entry)
	d.MOVQ(d.window, d.src[i])
	d.fill(i)
	d.MOVQ(d.window, d.mark(i, kernel.OffMarkSrc))
	d.MOVL(d.buf[i].As32(), d.mark(i, kernel.OffMarkBuf))
	d.MOVL(operand.U32(0), d.mark(i, kernel.OffMarkN))
}

// end merges what lies in the scratch memory yet, and moves the lanes.
func (d *decoder) end() {
	for i := range d.p.Lanes {
		d.Commentf("Lane %d: move its source past the bits that were used.", i)
		d.TZCNTQ(d.buf[i], d.entry)
		d.advance(i)
		d.MOVQ(d.entry, d.buf[i])
		if i >= d.p.Lanes-d.p.lag() {
			d.Comment("Merge the half that it filled before it changed halves.")
			d.MOVL(d.mark(i, kernel.OffMarkN), d.entry.As32())
			d.mergeRest(i, d.full, label("full", i, 0))
		}
		d.Comment("Merge what it has in the other half.")
		d.MOVQ(d.filling, d.entry)
		d.ADDQ(operand.U32(scratchTop(i)), d.entry)
		d.SUBQ(d.out[i], d.entry)
		d.mergeRest(i, d.filling, label("rest", i, 0))
	}
	job := d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	for i := range d.p.Lanes {
		d.Commentf("Lane %d: move it by what it yielded.", i)
		d.MOVQ(d.src[i], d.window)
		d.MOVQ(d.window, lane(job, i, kernel.OffSrc))
		d.MOVQ(d.buf[i], lane(job, i, kernel.OffBit))
		d.MOVQ(d.sm[i], d.window)
		d.MOVQ(d.window, d.entry)
		d.SUBQ(lane(job, i, kernel.OffSignMantissa), d.entry)
		d.MOVQ(d.window, lane(job, i, kernel.OffSignMantissa))
		d.SUBQ(d.entry, lane(job, i, kernel.OffLeft))
		d.ADDQ(d.entry, d.entry)
		d.ADDQ(d.entry, lane(job, i, kernel.OffDst))
	}
}

// field is a word of the job.
func field(job reg.GPVirtual, off uintptr) operand.Mem {
	return operand.Mem{Base: job, Disp: int(off)}
}

// lane is a word of lane i of the job.
func lane(job reg.GPVirtual, i int, off uintptr) operand.Mem {
	return field(job, kernel.OffLanes+uintptr(i)*kernel.LaneSize+off)
}

// log2 returns the binary logarithm of n, a power of two.
func log2(n int) uint64 {
	l := uint64(0)
	for ; n > 1; n >>= 1 {
		l++
	}
	if 1<<l < n {
		panic(fmt.Sprintf("avo: %d is no power of two", n))
	}
	return l
}
