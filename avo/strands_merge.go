package avo

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed54244801/bespoke/internal/lanes"
)

// How far ahead of a merge its memory is fetched, in weights: the hardware does not foresee these
// accesses well, as many streams of them are interleaved. A prefetch beyond a buffer does nothing.
const (
	prefetchDst = 256
	prefetchSM  = 256
)

// laneConstants are the vectors that all decoders of lanes in a file share.
type laneConstants struct {
	reverse operand.Mem // for VPSHUFB: reverses the bytes of each 8
	topBits operand.Mem // the highest bit of each byte
}

func newLaneConstants(ctx *build.Context) laneConstants {
	return laneConstants{
		reverse: vector(ctx, "reverse", 32, func(i int) byte { return byte(i&8 | 7 - i&7) }),
		topBits: vector(ctx, "topBits", 32, func(int) byte { return 0x80 }),
	}
}

// mergeInTurn merges vector v of lane m in a round of the turn, and moves the lane after the last
// vector.
func (d *laneDecoder) mergeInTurn(round, m, v int) {
	d.Commentf("Lane %d: merge vector %d of %d.", m, v+1, d.p.mergeVectors())
	half := d.full
	if m > round { // it changes halves later in the turn: what it fills is d.full
		half = d.filling
	}
	d.MOVQ(half, d.window)
	d.MOVQ(d.sm[m], d.entry)
	symbols := operand.Mem{Base: d.window, Disp: int(scratchTop(m)) - (v+1)*lanes.VectorSymbols + 1}
	sm := operand.Mem{Base: d.entry, Disp: v * lanes.VectorSymbols}
	dst := operand.Mem{Base: d.window, Index: d.entry, Scale: 2, Disp: 2 * v * lanes.VectorSymbols}
	d.mergeVector(symbols, sm, dst, func() { d.MOVQ(d.dstLess[m], d.window) })
	dst.Disp += 2 * prefetchDst
	d.PREFETCHT0(dst)
	if v%2 == 0 {
		sm.Disp += prefetchSM
		d.PREFETCHT0(sm)
	}
	if v == d.p.mergeVectors()-1 {
		d.ADDQ(d.filled[m], d.entry)
		d.MOVQ(d.entry, d.sm[m])
	}
}

// mergeRest merges as many symbols of lane i as entry says, from a half of its scratch memory, and
// moves the lane. It may write up to 31 words too many.
func (d *laneDecoder) mergeRest(i int, half operand.Mem, name string) {
	top, sm, dst := d.GP64(), d.GP64(), d.GP64()
	d.TESTQ(d.entry, d.entry)
	d.JZ(operand.LabelRef(name + "_done"))
	d.MOVQ(half, top)
	d.ADDQ(operand.U32(scratchTop(i)-lanes.VectorSymbols+1), top)
	d.MOVQ(d.sm[i], sm)
	d.MOVQ(d.dstLess[i], dst)
	d.ADDQ(sm, d.entry)
	d.MOVQ(d.entry, d.sm[i])
	d.Label(name)
	d.mergeVector(operand.Mem{Base: top}, operand.Mem{Base: sm}, operand.Mem{Base: dst, Index: sm, Scale: 2}, func() {})
	d.SUBQ(operand.Imm(lanes.VectorSymbols), top)
	d.ADDQ(operand.Imm(lanes.VectorSymbols), sm)
	d.CMPQ(sm, d.entry)
	d.JCS(operand.LabelRef(name))
	d.Label(name + "_done")
}

// mergeVector merges 32 weights: symbols points at the last of them, as they lie in memory in
// reverse. Between loads and stores it calls loaded.
func (d *laneDecoder) mergeVector(symbols, sm, dst operand.Mem, loaded func()) {
	e, m, t, lo, hi := d.YMM(), d.YMM(), d.YMM(), d.YMM(), d.YMM()
	d.Comment("Symbols in order; both operands with quadwords 0, 2, 1, 3, which the unpacking undoes.")
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
	dst.Disp += lanes.VectorSymbols
	d.VMOVDQU(hi, dst)
}
