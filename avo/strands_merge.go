package avo

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed54244801/bespoke/internal/strands"
)

// The distance of prefetches ahead of a merge, in weights. The hardware does not foresee these accesses well,
// because those of several strands are interleaved. A prefetch beyond a buffer does nothing.
const (
	prefetchDst = 256
	prefetchSM  = 256
)

// strandConstants are vectors that all decoders of strands in a file share.
type strandConstants struct {
	reverse operand.Mem // for VPSHUFB: reverses the bytes of each 8
	topBits operand.Mem // the highest bit of each byte
}

func newStrandConstants(ctx *build.Context) strandConstants {
	return strandConstants{
		reverse: vector(ctx, "reverse", 32, func(i int) byte { return byte(i&8 | 7 - i&7) }),
		topBits: vector(ctx, "topBits", 32, func(int) byte { return 0x80 }),
	}
}

// mergeInTurn merges vector v of strand m in a round of the turn. After the last vector it moves the strand.
func (d *strandDecoder) mergeInTurn(round, m, v int) {
	d.Commentf("Strand %d: merge vector %d of %d.", m, v+1, mergeVectors)
	half := d.full
	if m > round { // it changes halves later in the turn, so the half that it filled last is the other one
		half = d.filling
	}
	d.MOVQ(half, d.window)
	d.MOVQ(d.sm[m], d.entry)
	symbols := operand.Mem{Base: d.window, Disp: int(scratchTop(m)) - (v+1)*strands.VectorSymbols + 1}
	sm := operand.Mem{Base: d.entry, Disp: v * strands.VectorSymbols}
	dst := operand.Mem{Base: d.window, Index: d.entry, Scale: 2, Disp: 2 * v * strands.VectorSymbols}
	d.mergeVector(symbols, sm, dst, func() { d.MOVQ(d.dstLess[m], d.window) })
	dst.Disp += 2 * prefetchDst
	d.PREFETCHT0(dst)
	if v%2 == 0 {
		sm.Disp += prefetchSM
		d.PREFETCHT0(sm)
	}
	if v == mergeVectors-1 {
		d.ADDQ(d.filled[m], d.entry)
		d.MOVQ(d.entry, d.sm[m])
	}
}

// mergeRest merges symbols of strand i from a half of its scratch memory, and moves the strand. The register entry
// holds their number. It may write up to 31 words too many.
func (d *strandDecoder) mergeRest(i int, half operand.Mem, name string) {
	top, sm, dst := d.GP64(), d.GP64(), d.GP64()
	d.TESTQ(d.entry, d.entry)
	d.JZ(operand.LabelRef(name + "_done"))
	d.MOVQ(half, top)
	d.ADDQ(operand.U32(scratchTop(i)-strands.VectorSymbols+1), top)
	d.MOVQ(d.sm[i], sm)
	d.MOVQ(d.dstLess[i], dst)
	d.ADDQ(sm, d.entry)
	d.MOVQ(d.entry, d.sm[i])
	d.Label(name)
	d.mergeVector(operand.Mem{Base: top}, operand.Mem{Base: sm}, operand.Mem{Base: dst, Index: sm, Scale: 2}, func() {})
	d.SUBQ(operand.Imm(strands.VectorSymbols), top)
	d.ADDQ(operand.Imm(strands.VectorSymbols), sm)
	d.CMPQ(sm, d.entry)
	d.JCS(operand.LabelRef(name))
	d.Label(name + "_done")
}

// mergeVector merges 32 weights. Their symbols lie in memory in reverse order, so symbols is the place of the last
// one. Between loads and stores it calls loaded.
func (d *strandDecoder) mergeVector(symbols, sm, dst operand.Mem, loaded func()) {
	e, m, t, lo, hi := d.YMM(), d.YMM(), d.YMM(), d.YMM(), d.YMM()
	d.Comment("Put the symbols in order. Both operands get quadwords 0, 2, 1, 3: unpacking restores the order.")
	d.VPERMQ(operand.Imm(0x27), symbols, e)
	d.VPERMQ(operand.Imm(0xd8), sm, m)
	loaded()
	d.VPSHUFB(d.reverse, e, e)
	d.Comment("Swap the top bits of the two bytes: the sign goes up, the exponent's low bit goes down.")
	d.VPXOR(e, m, t)
	d.VPAND(d.topBits, t, t)
	d.VPXOR(t, e, e)
	d.VPXOR(t, m, m)
	d.VPUNPCKLBW(e, m, lo)
	d.VPUNPCKHBW(e, m, hi)
	d.VMOVDQU(lo, dst)
	dst.Disp += strands.VectorSymbols
	d.VMOVDQU(hi, dst)
}
