package avo

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// prefetchSymbols is how far ahead of the merge its memory is fetched, in weights: about what a batch
// yields, so that the lane's next merge finds its lines in the cache. The hardware does not foresee
// these writes, as the lanes take turns.
const prefetchSymbols = 19 * kernel.BatchRounds

// mergeLanes joins the symbols of a batch with their sign_mantissa bytes into words, and moves the
// lanes forward.
func (d *decoder) mergeLanes() {
	d.MOVQ(operand.U32(0), d.still)
	for i := range d.p.Lanes {
		d.Commentf("Lane %d: save the bit offset, count the symbols of the batch.", i)
		d.TZCNTQ(d.buf[i], d.entry)
		d.MOVQ(d.entry, d.lane(i, kernel.OffBit))
		d.mergeLane(i)
	}
}

// mergeLane merges the symbols of lane i. The last step may write up to 31 words too many;
// planBatch has left room for them, and the next batch writes them anew.
func (d *decoder) mergeLane(i int) {
	label := func(name string) string { return fmt.Sprintf("%s%d", name, i) }
	top, n, index, sm, dst := d.GP64(), d.out[i], d.GP64(), d.GP64(), d.GP64()
	d.scratchTop(i, top)
	d.NEGQ(n)
	d.ADDQ(top, n)
	d.JZ(operand.LabelRef(label("empty")))
	d.MOVQ(d.lane(i, kernel.OffSignMantissa), sm)
	d.MOVQ(d.lane(i, kernel.OffDst), dst)
	d.XORL(index.As32(), index.As32())

	d.Label(label("merge"))
	d.mergeVector(
		operand.Mem{Base: top, Disp: -(kernel.VectorSymbols - 1)},
		operand.Mem{Base: sm, Index: index, Scale: 1},
		operand.Mem{Base: dst, Index: index, Scale: 2},
	)
	d.Comment("Fetch what the next batch will merge. (A prefetch beyond the buffer does nothing.)")
	d.PREFETCHT0(operand.Mem{Base: dst, Index: index, Scale: 2, Disp: 2 * prefetchSymbols})
	d.PREFETCHT0(operand.Mem{Base: sm, Index: index, Scale: 1, Disp: prefetchSymbols})
	d.SUBQ(operand.Imm(kernel.VectorSymbols), top)
	d.ADDQ(operand.Imm(kernel.VectorSymbols), index)
	d.CMPQ(index, n)
	d.JLT(operand.LabelRef(label("merge")))

	d.Comment("Move the lane by what it yielded.")
	d.ADDQ(n, d.lane(i, kernel.OffSignMantissa))
	d.SUBQ(n, d.lane(i, kernel.OffLeft))
	d.ADDQ(n, n)
	d.ADDQ(n, d.lane(i, kernel.OffDst))
	d.JMP(operand.LabelRef(label("merged")))
	d.Label(label("empty"))
	d.MOVQ(operand.U32(1), d.still)
	d.Label(label("merged"))
}

// mergeVector merges 32 weights: symbols points at the last of them, as they lie in memory in
// reverse.
func (d *decoder) mergeVector(symbols, sm, dst operand.Mem) {
	e, m, t, lo, hi := d.YMM(), d.YMM(), d.YMM(), d.YMM(), d.YMM()
	d.Comment("Symbols in order; both operands with quadwords 0, 2, 1, 3, which the unpacking undoes.")
	d.VPERMQ(operand.Imm(0x27), symbols, e)
	d.VPERMQ(operand.Imm(0xd8), sm, m)
	d.VPSHUFB(d.reverse, e, e)
	d.Comment("Swap the top bits of the two bytes: the sign goes up, the exponent's low bit goes down.")
	d.VPXOR(e, m, t)
	d.VPAND(d.topBits, t, t)
	d.VPXOR(t, e, e)
	d.VPXOR(t, m, m)
	d.VPUNPCKLBW(e, m, lo)
	d.VPUNPCKHBW(e, m, hi)
	d.VMOVDQU(lo, dst)
	dst.Disp += kernel.VectorSymbols
	d.VMOVDQU(hi, dst)
}
