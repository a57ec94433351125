package avo

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/lanes"
)

// begin plans the batch, leaves the function if it has no turns, and loads everything that the turns
// keep in registers and on the stack.
func (d *laneDecoder) begin() {
	job := d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	d.planBatch(job)
	d.beginStreams(job)
	d.VMOVDQU(d.c.reverse, d.reverse)
	d.VMOVDQU(d.c.topBits, d.topBits)
	d.Comment("All lanes start to fill the first half of the scratch memory.")
	scratch := d.GP64()
	d.MOVQ(field(job, lanes.OffScratch), scratch)
	d.MOVQ(scratch, d.filling)
	for i := range d.p.Lanes {
		d.LEAQ(operand.Mem{Base: scratch, Disp: int(scratchTop(i))}, d.out[i])
	}
	full := d.GP64()
	d.LEAQ(operand.Mem{Base: scratch, Disp: lanes.HalfSize}, full)
	d.MOVQ(full, d.full)
	for i := range d.p.Lanes {
		d.loadLane(job, scratch, i)
	}
	d.MOVL(operand.U32(64-d.p.TableBits), d.shift.As32())
}

// loadLane fills the bit buffer of lane i, which begins to fill a half.
func (d *laneDecoder) loadLane(job, half reg.GPVirtual, i int) {
	d.Commentf("Lane %d: where its memory is, the bit buffer.", i)
	d.MOVQ(lane(job, i, lanes.OffSignMantissa), d.window)
	d.MOVQ(lane(job, i, lanes.OffDst), d.entry)
	d.MOVQ(d.window, d.sm[i])
	d.SUBQ(d.window, d.entry)
	d.SUBQ(d.window, d.entry)
	d.MOVQ(d.entry, d.dstLess[i])
	d.MOVQ(operand.I32(0), d.filled[i])
	d.beginLane(job, i, half)
}

// end merges what lies in the scratch memory yet, and moves the lanes.
func (d *laneDecoder) end() {
	for i := range d.p.Lanes {
		d.Commentf("Lane %d: move its source past the bits that were used.", i)
		d.TZCNTQ(d.buf[i], d.entry)
		d.advance(i)
		d.MOVQ(d.entry, d.buf[i])
		if i >= d.p.Lanes-d.p.lag() {
			d.Comment("Merge the half that it filled before it changed halves.")
			d.MOVQ(d.filled[i], d.entry)
			d.mergeRest(i, d.full, label("full", i, 0))
		}
		d.MOVQ(d.src[i], d.window)
		d.CMPQ(d.window, d.border[i])
		d.JCS(operand.LabelRef(label("within", i)))
		d.MOVQ(d.filling, d.window)
		d.markBorder(i, d.window, d.spare, func() { d.MOVQ(d.sm[i], d.entry) })
		d.Label(label("within", i))
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
		d.MOVQ(d.window, lane(job, i, lanes.OffSrc))
		d.MOVQ(d.buf[i], lane(job, i, lanes.OffBit))
		d.MOVQ(d.sm[i], d.window)
		d.MOVQ(d.window, d.entry)
		d.SUBQ(lane(job, i, lanes.OffSignMantissa), d.entry)
		d.MOVQ(d.window, lane(job, i, lanes.OffSignMantissa))
		d.SUBQ(d.entry, lane(job, i, lanes.OffLeft))
		d.ADDQ(d.entry, d.entry)
		d.ADDQ(d.entry, lane(job, i, lanes.OffDst))
		d.endMarks(job, i)
	}
}
