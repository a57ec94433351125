package avo

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// begin plans the batch, leaves the function if it has no turns, and loads everything that the turns
// keep in registers and on the stack.
func (d *avx512) begin() {
	job := d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	d.planBatch(job)
	d.beginStreams(job)
	d.VMOVDQU64(d.c.low, d.low)
	d.VMOVDQU64(d.c.high, d.high)
	d.VMOVDQU64(d.c.words, d.words)
	d.VMOVDQU64(d.c.flags, d.flags)
	d.MOVQ(field(job, kernel.OffStream), d.window)
	d.MOVQ(d.window, d.stream)
	d.Comment("The first turn fills the second half of the slots, and drains the first, which is empty.")
	d.MOVQ(field(job, kernel.OffScratch), d.filling)
	d.LEAQ(operand.Mem{Base: d.filling, Disp: kernel.HalfSize}, d.full)
	none := d.ZMM()
	d.VPXORD(none, none, none)
	for at := 0; at < slotsOf(d.p.Lanes); at += 64 {
		d.VMOVDQU64(none, operand.Mem{Base: d.filling, Disp: at})
	}
	if d.p.turnLookups() < kernel.TurnSlots {
		d.Comment("The last slots of the other half stay empty.")
		for i := range d.p.Lanes {
			d.VMOVDQU64(none, operand.Mem{Base: d.full, Disp: slotsOf(i+1) - 64})
		}
	}
	symbols := d.GP64()
	d.LEAQ(operand.Mem{Base: d.filling, Disp: kernel.OffPendingSymbols}, symbols)
	d.MOVQ(symbols, d.symbols)
	for i := range d.p.Lanes {
		d.Commentf("Lane %d: where its memory is, its pending symbols, the bit buffer.", i)
		d.MOVQ(lane(job, i, kernel.OffSignMantissa), d.window)
		d.MOVQ(lane(job, i, kernel.OffDst), d.entry)
		d.MOVQ(d.window, d.sm[i])
		d.SUBQ(d.window, d.entry)
		d.SUBQ(d.window, d.entry)
		d.MOVQ(d.entry, d.dstLess[i])
		d.MOVQ(lane(job, i, kernel.OffPending), d.window)
		d.LEAQ(operand.Mem{Base: symbols, Index: d.window, Scale: 1, Disp: pendingOf(i)}, d.window)
		d.MOVQ(d.window, d.out[i])
		d.beginLane(job, i, d.full)
	}
	d.MOVL(operand.U32(64-d.p.TableBits), d.shift.As32())
}

// end drains the slots of the last turn, and moves the lanes. Pending symbols stay for the next batch.
func (d *avx512) end() {
	d.XCHGQ(d.filling, d.full)
	for i := range d.p.Lanes {
		d.merge("last", i)
		d.drain(i)
	}
	job := d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	for i := range d.p.Lanes {
		d.Commentf("Lane %d: move it past the bits that were used, by the words that were written.", i)
		d.TZCNTQ(d.buf[i], d.entry)
		d.advance(i)
		d.MOVQ(d.window, lane(job, i, kernel.OffSrc))
		d.MOVQ(d.entry, lane(job, i, kernel.OffBit))
		d.pending(i)
		d.MOVQ(d.entry, lane(job, i, kernel.OffPending))
		d.MOVQ(d.sm[i], d.window)
		d.MOVQ(d.window, d.entry)
		d.SUBQ(lane(job, i, kernel.OffSignMantissa), d.entry)
		d.MOVQ(d.window, lane(job, i, kernel.OffSignMantissa))
		d.SUBQ(d.entry, lane(job, i, kernel.OffLeft))
		d.ADDQ(d.entry, d.entry)
		d.ADDQ(d.entry, lane(job, i, kernel.OffDst))
		d.endMarks(job, i)
	}
	d.Comment("Stores around the caches are ordered with no others.")
	d.SFENCE()
}

// pending loads the number of the pending symbols of lane i to entry.
func (d *avx512) pending(i int) {
	d.MOVQ(d.out[i], d.entry)
	d.SUBQ(d.symbols, d.entry)
	if i > 0 {
		d.SUBQ(operand.U32(uint32(pendingOf(i))), d.entry)
	}
}
