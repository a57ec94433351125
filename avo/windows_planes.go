package avo

import (
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed54244801/bespoke/internal/windows"
)

// gaps unpacks the gaps of a block. It then sets the gap of the first window and that of the window behind the block.
func (d *windowDecoder) gaps() {
	d.Commentf("Unpack the gaps: %d of 5 bits to a byte each. The first and the last are known by other ways, too.", windows.BlockWindows)
	packed, gap, next := d.GP64(), d.GP64(), d.GP64()
	d.MOVQ(d.field(windows.OffGaps), packed)
	half := windows.BlockGaps / 2
	d.MOVQ(operand.U64(1<<half-1), gap)
	bytes := d.K()
	d.KMOVQ(gap, bytes)
	spread, fields := d.ZMM(), d.ZMM()
	d.VMOVDQU64(d.c.spread, spread)
	d.VMOVDQU64(d.c.fields, fields)
	for i := range 2 {
		v := d.ZMM()
		d.VMOVDQU8_Z(operand.Mem{Base: packed, Disp: half * i}, bytes, v)
		d.VPERMB(v, spread, v)
		d.VPMULTISHIFTQB(v, fields, v)
		d.VPANDQ(d.c.gapBits, v, v)
		d.VMOVDQU64(v, d.at(windows.ScratchGaps+64*i))
	}
	d.MOVQ(d.field(windows.OffGap), gap)
	d.MOVB(gap.As8(), d.at(windows.ScratchGaps))
	d.MOVQ(d.field(windows.OffNextGap), next)
	d.CMPQ(d.field(windows.OffBlocks), operand.Imm(1))
	d.JNE(operand.LabelRef("inside"))
	d.CMPQ(next, operand.U32(windows.NoGap))
	d.JNE(operand.LabelRef("told"))
	d.Label("inside")
	d.MOVBQZX(operand.Mem{Base: packed, Disp: windows.BlockGaps}, next)
	d.SHRQ(operand.Imm(8-5), next)
	d.Label("told")
	d.MOVB(next.As8(), d.at(windows.ScratchGaps+windows.BlockWindows))
}

// planes turns the windows of a block into vectors of 16-bit parts. There is a plane for each of the four parts,
// and one for the first part of the next window.
func (d *windowDecoder) planes() {
	d.Comment("Turn the windows of each group to planes: the same part of all of them in one vector.")
	src, to, left := d.GP64(), d.GP64(), d.GP64()
	d.MOVQ(d.field(windows.OffSrc), src)
	d.LEAQ(d.at(windows.ScratchPlanes), to)
	d.MOVL(operand.U32(windows.GroupsPerBlock), left.As32())
	dwords := d.load(d.c.dwords)
	d.Label("planes")
	var v, pairs [4]vec
	for r := range v {
		v[r] = d.ZMM()
		d.VMOVDQU64(operand.Mem{Base: src, Disp: 64 * r}, v[r])
		d.VPSHUFB(dwords, v[r], v[r])
	}
	for i := range pairs {
		pairs[i] = d.interleave(i, d.VPUNPCKLDQ, d.VPUNPCKHDQ, v[i/2*2], v[i/2*2+1])
	}
	for k := range windows.Phases {
		plane := d.interleave(k, d.VPUNPCKLQDQ, d.VPUNPCKHQDQ, pairs[k/2], pairs[2+k/2])
		d.VMOVDQU64(plane, operand.Mem{Base: to, Disp: 64 * k})
	}
	for r := range v {
		v[r] = d.ZMM()
		d.VMOVDQU64(operand.Mem{Base: src, Disp: 64*r + 8}, v[r])
		d.VPSHUFB(d.c.firsts[r], v[r], v[r])
	}
	d.VPTERNLOGD(operand.Imm(ternaryOr), v[2], v[1], v[0])
	d.VPORD(v[3], v[0], v[0])
	d.VMOVDQU64(v[0], operand.Mem{Base: to, Disp: 64 * windows.Phases})
	d.ADDQ(operand.I32(64*4), src)
	d.ADDQ(operand.I32(windows.PlaneGroup), to)
	d.DECQ(left)
	d.JNZ(operand.LabelRef("planes"))
}

// interleave interleaves the elements of a and b within 128 bits. It uses the instruction low if i is even, and
// else high.
func (d *windowDecoder) interleave(i int, low, high func(...operand.Op), a, b vec) vec {
	v := d.ZMM()
	if i%2 == 0 {
		low(b, a, v)
	} else {
		high(b, a, v)
	}
	return v
}

// Truth tables of VPTERNLOG. Operands are in the manufacturer's order.
const (
	ternaryOnes = 0xff // all ones
	ternaryOr   = 0xfe // the or of all three operands
)
