package avo

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// How far ahead of a merge its sign_mantissa bytes are fetched, and ahead of a refill the stream, in
// bytes: the hardware does not foresee these accesses well, as many streams of them are interleaved. A
// prefetch beyond a buffer does nothing.
const (
	prefetchAhead  = 512
	prefetchStream = 192
)

// drain appends the symbols in the full slots of lane i to its pending ones.
func (d *avx512) drain(i int) {
	d.Commentf("Lane %d: drain the slots of the turn before.", i)
	packed, flags := d.pack(operand.Mem{Base: d.full, Disp: slotsOf(i)})
	d.MOVQ(d.out[i], d.window)
	for v := range packed {
		d.KMOVQ(flags[v], d.entry)
		d.POPCNTQ(d.entry, d.entry)
		d.VMOVDQU64(packed[v], operand.Mem{Base: d.window})
		d.ADDQ(d.entry, d.window)
	}
	d.MOVQ(d.window, d.out[i])
}

// pack presses together the symbols in the slots of a turn of a lane, a vector for each 8 slots, and
// returns the flags that tell their numbers.
func (d *avx512) pack(slots operand.Mem) (packed []reg.VecVirtual, flags []reg.OpmaskVirtual) {
	for range kernel.TurnSlots / 8 {
		v, k := d.ZMM(), d.K()
		d.VMOVDQU64(slots, v)
		d.VPSHUFBITQMB(d.flags, v, k)
		d.VPCOMPRESSB_Z(v, k, v)
		packed, flags = append(packed, v), append(flags, k)
		slots.Disp += 64
	}
	return packed, flags
}

// merge merges the first pending symbols of lane i if there are enough, which is usual.
func (d *avx512) merge(when string, i int) {
	merge, merged := label(when+"merge", i), label(when+"merged", i)
	n, first := kernel.MergeSymbols, pendingOf(i)
	d.Commentf("Lane %d: merge %d words.", i, n)
	d.Label(merge)
	d.MOVQ(d.symbols, d.window)
	d.MOVQ(d.out[i], d.spare)
	d.SUBQ(d.window, d.spare)
	d.CMPQ(d.spare, operand.U32(first+n))
	d.JCS(operand.LabelRef(merged))
	d.MOVQ(d.sm[i], d.entry)
	lines := d.mergeLines(operand.Mem{Base: d.window, Disp: first}, operand.Mem{Base: d.entry})
	d.toFront(operand.Mem{Base: d.window, Disp: first})
	d.MOVQ(d.dstLess[i], d.window)
	d.LEAQ(operand.Mem{Base: d.window, Index: d.entry, Scale: 2}, d.window)
	d.store(merge, lines, d.window)
	for ahead := 0; ahead < n; ahead += 64 {
		d.PREFETCHT0(operand.Mem{Base: d.entry, Disp: prefetchAhead + ahead})
	}
	d.ADDQ(operand.U32(n), d.entry)
	d.MOVQ(d.entry, d.sm[i])
	d.SUBQ(operand.I32(n), d.out[i])
	d.Comment("Hardly ever: as many again are pending.")
	d.CMPQ(d.spare, operand.U32(first+2*n))
	d.JCC(operand.LabelRef(merge))
	d.Label(merged)
}

// mergeLines merges symbols with the bytes at sm to whole cache lines of words.
func (d *avx512) mergeLines(symbols, sm operand.Mem) []reg.VecVirtual {
	var lines, others []reg.VecVirtual
	d.Comment("Each byte twice: the one half of a word will be the symbol's, the other one the other's.")
	for v := range kernel.MergeSymbols / kernel.VectorSymbols {
		half := []reg.VecVirtual{d.low, d.high}[v%2]
		e, m := d.ZMM(), d.ZMM()
		d.VPERMB(symbols.Offset(64*(v/2)), half, e)
		d.VPERMB(sm.Offset(64*(v/2)), half, m)
		lines, others = append(lines, e), append(others, m)
	}
	d.Comment("Of the symbol take the top bit of the low byte and the other bits of the high one.")
	for v := range lines {
		d.VPTERNLOGD(operand.Imm(selectFirst), d.words, others[v], lines[v])
	}
	return lines
}

// selectFirst is the truth table of VPTERNLOG that takes the first operand, in the order of the
// manufacturer, where the third one is 1 and the second one elsewhere.
const selectFirst = 0xe4

// store writes lines to dst: around the caches or, out of the way, through them.
func (d *avx512) store(name string, lines []reg.VecVirtual, dst reg.GPVirtual) {
	cached, stored := "cached_"+name, "stored_"+name
	d.CMPQ(d.stream, operand.Imm(0))
	d.JEQ(operand.LabelRef(cached))
	for v := range lines {
		d.VMOVNTDQ(lines[v], operand.Mem{Base: dst, Disp: v * kernel.LineSize})
	}
	d.Label(stored)
	d.aside = append(d.aside, func() {
		d.Label(cached)
		for v := range lines {
			d.VMOVDQU64(lines[v], operand.Mem{Base: dst, Disp: v * kernel.LineSize})
			d.PREFETCHT0(operand.Mem{Base: dst, Disp: prefetchAhead + v*kernel.LineSize})
		}
		d.JMP(operand.LabelRef(stored))
	})
}

// toFront moves the pending symbols behind those of a merge to the front: at most those of a turn, and
// those that were too few for a merge before it.
func (d *avx512) toFront(symbols operand.Mem) {
	d.Comment("Move the other pending symbols to the front.")
	var rest []reg.VecVirtual
	for at := kernel.MergeSymbols; at < kernel.MergeSymbols+d.p.Form.TurnSymbols(); at += 64 {
		v := d.ZMM()
		d.VMOVDQU64(symbols.Offset(at), v)
		rest = append(rest, v)
	}
	for i, v := range rest {
		d.VMOVDQU64(v, symbols.Offset(64*i))
	}
}
