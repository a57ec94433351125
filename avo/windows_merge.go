package avo

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/windows"
)

// The distances of prefetches, in bytes. A prefetch beyond a buffer does nothing.
const (
	prefetchWindows      = 2048
	prefetchSignMantissa = 2048
	prefetchWords        = 2048
)

// squeeze appends the symbols of a block to the pending ones, without the free places between them, and counts them.
func (d *windowDecoder) squeeze() {
	d.Comment("Press the symbols of the rows together: the four phases of a window side by side, then without",
		"the symbol that is none.")
	row, out, first, src := d.GP64(), d.GP64(), d.GP64(), d.GP64()
	groups, eighths := d.GP64(), d.GP64()
	none := d.ZMM()
	d.VPTERNLOGD(operand.Imm(ternaryOnes), none, none, none)
	d.LEAQ(d.at(windows.ScratchPending), first)
	d.ADDQ(d.field(windows.OffPending), first)
	d.MOVQ(first, out)
	d.LEAQ(d.at(windows.ScratchRows), row)
	d.MOVQ(d.field(windows.OffSrc), src)
	d.MOVL(operand.U32(windows.GroupsPerBlock), groups.As32())
	d.Label("group")
	d.MOVL(operand.U32(4), eighths.As32())
	d.Label("windows")
	d.PREFETCHT0(operand.Mem{Base: src, Disp: prefetchWindows})
	d.ADDQ(operand.Imm(64), src)
	for _, v := range d.rows(operand.Mem{Base: row}) {
		k, n := d.K(), d.GP64()
		d.VPCMPUB(operand.Imm(notEqual), none, v, k)
		d.VPCOMPRESSB_Z(v, k, v)
		d.KMOVQ(k, n)
		d.POPCNTQ(n, n)
		d.VMOVDQU64(v, operand.Mem{Base: out})
		d.ADDQ(n, out)
	}
	d.ADDQ(operand.Imm(64), row)
	d.DECQ(eighths)
	d.JNZ(operand.LabelRef("windows"))
	d.ADDQ(operand.I32(windows.RowGroup-windows.RowPhase), row)
	d.DECQ(groups)
	d.JNZ(operand.LabelRef("group"))

	d.Comment("Is there room for them?")
	n := d.GP64()
	d.MOVQ(out, n)
	d.SUBQ(first, n)
	d.CMPQ(d.field(windows.OffRoom), n)
	d.JCS(operand.LabelRef("overflow"))
	d.SUBQ(n, d.field(windows.OffRoom))
	d.ADDQ(n, d.field(windows.OffPending))
}

// rows loads the rows of 8 windows, two in each vector, the first at the lowest bytes. The order of
// windows.WindowOfLane makes rows that are side by side here belong to windows that follow one another.
func (d *windowDecoder) rows(at operand.Mem) [4]vec {
	var p, q, s, z [4]vec
	for i := range p {
		p[i] = d.load(at.Offset(windows.RowPhase * i))
	}
	for i := range q {
		q[i] = d.ZMM()
	}
	d.VPUNPCKLQDQ(p[1], p[0], q[0]) // the even windows' first two phases
	d.VPUNPCKLQDQ(p[3], p[2], q[1])
	d.VPUNPCKHQDQ(p[1], p[0], q[2]) // the odd windows'
	d.VPUNPCKHQDQ(p[3], p[2], q[3])
	for i := range s {
		s[i] = d.ZMM()
		d.VSHUFI32X4(operand.Imm(evenOrOdd(i%2)), q[i/2*2+1], q[i/2*2], s[i])
	}
	for i := range z {
		z[i] = d.ZMM()
		d.VSHUFI32X4(operand.Imm(evenOrOdd(i/2)), s[2+i%2], s[i%2], z[i])
	}
	return z
}

// evenOrOdd is the operand of VSHUFI32X4 that takes quarters 0 and 2, or 1 and 3, of both vectors.
func evenOrOdd(odd int) uint64 { return []uint64{0x88, 0xdd}[odd] }

// A merger is the values that merges of pending symbols keep in registers.
type merger struct {
	low, high, words vec
	from, sm, dst    reg.GPVirtual
	left             reg.GPVirtual // the number of merges that there are symbols for
}

// merger loads a merger.
func (d *windowDecoder) merger() merger {
	m := merger{
		low: d.load(d.c.low), high: d.load(d.c.high), words: d.load(d.c.words),
		from: d.GP64(), sm: d.GP64(), dst: d.GP64(), left: d.GP64(),
	}
	d.LEAQ(d.at(windows.ScratchPending), m.from)
	merged := d.GP64()
	d.MOVQ(d.field(windows.OffMerged), merged)
	d.MOVQ(d.field(windows.OffSignMantissa), m.sm)
	d.ADDQ(merged, m.sm)
	d.MOVQ(d.field(windows.OffDst), m.dst)
	d.LEAQ(operand.Mem{Base: m.dst, Index: merged, Scale: 2}, m.dst)
	d.MOVQ(d.field(windows.OffPending), m.left)
	d.SARQ(operand.Imm(log2(windows.MergeWords)), m.left)
	return m
}

// merge merges the first pending symbols. It puts each byte into both halves of a word, and takes each bit from the
// symbol or from the sign_mantissa byte. Words go around the caches, or through them in code behind the end of the
// function. The number tells the merges of a function apart.
func (d *windowDecoder) merge(m *merger, number int) {
	var lines [2]vec
	for i, half := range []vec{m.low, m.high} {
		symbols, others := d.ZMM(), d.ZMM()
		d.VPERMB(operand.Mem{Base: m.from}, half, symbols)
		d.VPERMB(operand.Mem{Base: m.sm}, half, others)
		d.VPTERNLOGD(operand.Imm(selectFirst), m.words, others, symbols)
		lines[i] = symbols
	}
	cached, stored := label("cached", number), label("stored", number)
	d.CMPQ(d.field(windows.OffStream), operand.Imm(0))
	d.JEQ(operand.LabelRef(cached))
	for i, v := range lines {
		d.VMOVNTDQ(v, operand.Mem{Base: m.dst, Disp: 64 * i})
	}
	d.Label(stored)
	d.aside = append(d.aside, func() {
		d.Label(cached)
		for i, v := range lines {
			to := operand.Mem{Base: m.dst, Disp: 64 * i}
			d.VMOVDQU64(v, to)
			d.PREFETCHT0(to.Offset(prefetchWords))
		}
		d.JMP(operand.LabelRef(stored))
	})
	d.PREFETCHT0(operand.Mem{Base: m.sm, Disp: prefetchSignMantissa})
	d.ADDQ(operand.Imm(windows.MergeWords), m.from)
	d.ADDQ(operand.Imm(windows.MergeWords), m.sm)
	d.ADDQ(operand.I32(2*windows.MergeWords), m.dst)
}

// drain merges pending symbols while there are enough for a merge, and moves the others to the front.
func (d *windowDecoder) drain(m *merger) {
	d.Comment("Merge what is left to merge.")
	d.TESTQ(m.left, m.left)
	d.JLE(operand.LabelRef("merged"))
	d.Label("merge")
	d.merge(m, 0)
	d.DECQ(m.left)
	d.JNZ(operand.LabelRef("merge"))
	d.Label("merged")
	rest := d.load(operand.Mem{Base: m.from})
	d.VMOVDQU64(rest, d.at(windows.ScratchPending))
	d.SUBQ(d.scratch, m.from)
	d.SUBQ(operand.I32(windows.ScratchPending), m.from)
	d.ADDQ(m.from, d.field(windows.OffMerged))
	d.SUBQ(m.from, d.field(windows.OffPending))
}

// selectFirst is a truth table of VPTERNLOG. Where a bit of the third operand is 1 it takes the first operand, and
// elsewhere the second one. Operands are in the manufacturer's order.
const selectFirst = 0xe4
