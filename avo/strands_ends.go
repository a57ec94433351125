package avo

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/lookup"
	"github.com/seed54244801/bespoke/internal/strands"
)

// begin plans the call and leaves the function if the call has no turns. It loads everything that the turns keep in
// registers and on the stack.
func (d *strandDecoder) begin() {
	job := d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	d.planCall(job)
	d.beginStreams(job)
	d.VMOVDQU(d.c.reverse, d.reverse)
	d.VMOVDQU(d.c.topBits, d.topBits)
	d.Comment("All strands start to fill the first half of the scratch memory.")
	scratch := d.GP64()
	d.MOVQ(field(job, strands.OffScratch), scratch)
	d.MOVQ(scratch, d.filling)
	for i := range strands.Count {
		d.LEAQ(operand.Mem{Base: scratch, Disp: int(scratchTop(i))}, d.out[i])
	}
	full := d.GP64()
	d.LEAQ(operand.Mem{Base: scratch, Disp: strands.HalfSize}, full)
	d.MOVQ(full, d.full)
	for i := range strands.Count {
		d.loadStrand(job, scratch, i)
	}
	d.MOVL(operand.U32(64-lookup.TableBits), d.shift.As32())
}

// loadStrand loads the addresses of strand i and fills its bit buffer. The strand begins to fill a half.
func (d *strandDecoder) loadStrand(job, half reg.GPVirtual, i int) {
	d.Commentf("Strand %d: the addresses of its memory, and its bit buffer.", i)
	d.MOVQ(strand(job, i, strands.OffSignMantissa), d.window)
	d.MOVQ(strand(job, i, strands.OffDst), d.entry)
	d.MOVQ(d.window, d.sm[i])
	d.SUBQ(d.window, d.entry)
	d.SUBQ(d.window, d.entry)
	d.MOVQ(d.entry, d.dstLess[i])
	d.MOVQ(operand.I32(0), d.filled[i])
	d.beginStrand(job, i, half)
}

// end merges the symbols that are left in the scratch memory, and moves the strands.
func (d *strandDecoder) end() {
	for i := range strands.Count {
		d.Commentf("Strand %d: move its source past the used bits.", i)
		d.TZCNTQ(d.buf[i], d.entry)
		d.advance(i)
		d.MOVQ(d.entry, d.buf[i])
		if i >= strands.Count-lag {
			d.Comment("Merge the half that it filled before the present one.")
			d.MOVQ(d.filled[i], d.entry)
			d.mergeRest(i, d.full, label("full", i, 0))
		}
		d.MOVQ(d.src[i], d.window)
		d.CMPQ(d.window, d.border[i])
		d.JCS(operand.LabelRef(label("within", i)))
		d.MOVQ(d.filling, d.window)
		d.markBorder(i, d.window, d.spare, func() { d.MOVQ(d.sm[i], d.entry) })
		d.Label(label("within", i))
		d.Comment("Merge the symbols in the half that it fills at present.")
		d.MOVQ(d.filling, d.entry)
		d.ADDQ(operand.U32(scratchTop(i)), d.entry)
		d.SUBQ(d.out[i], d.entry)
		d.mergeRest(i, d.filling, label("rest", i, 0))
	}
	job := d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	for i := range strands.Count {
		d.Commentf("Strand %d: move it past the decoded elements.", i)
		d.MOVQ(d.src[i], d.window)
		d.MOVQ(d.window, strand(job, i, strands.OffSrc))
		d.MOVQ(d.buf[i], strand(job, i, strands.OffBit))
		d.MOVQ(d.sm[i], d.window)
		d.MOVQ(d.window, d.entry)
		d.SUBQ(strand(job, i, strands.OffSignMantissa), d.entry)
		d.MOVQ(d.window, strand(job, i, strands.OffSignMantissa))
		d.SUBQ(d.entry, strand(job, i, strands.OffLeft))
		d.ADDQ(d.entry, d.entry)
		d.ADDQ(d.entry, strand(job, i, strands.OffDst))
		d.endMarks(job, i)
	}
}
