package avo

import (
	"github.com/mmcloughlin/avo/operand"
)

// shift emits the function that copies bits to a place where they start at another bit of a byte.
func (e encoder) shift() {
	const vector = 32
	e.begin("shiftVectors", "func(dst, src *byte, vectors int, shift uint64)",
		"Writes 32 bytes at a time. Each has the high bits of a byte of src and, above them, as many low bits of",
		"the byte before it as shift says. Words are shifted, so masks clear the bits of their other byte.")
	dst, src, i, shift := e.param("dst"), e.param("src"), e.param("vectors"), e.param("shift")
	right, left, high, low := e.XMM(), e.XMM(), e.YMM(), e.YMM()
	mask := e.GP64()
	e.VMOVQ(shift, right)
	e.MOVL(operand.U32(0xff), mask.As32())
	e.SHRXQ(shift, mask, mask)
	e.VMOVQ(mask, low.AsX())
	e.VPBROADCASTB(low.AsX(), low)
	e.VPCMPEQB(high, high, high)
	e.VPXOR(low, high, high)
	e.NEGQ(shift)
	e.ADDQ(operand.Imm(8), shift)
	e.VMOVQ(shift, left)
	e.SHLQ(operand.Imm(log2(vector)), i)
	e.ADDQ(i, dst)
	e.ADDQ(i, src)
	e.NEGQ(i)
	e.JZ(operand.LabelRef("done"))
	e.Label("vector")
	bytes, before := e.YMM(), e.YMM()
	e.VMOVDQU(operand.Mem{Base: src, Index: i, Scale: 1}, bytes)
	e.VMOVDQU(operand.Mem{Base: src, Index: i, Scale: 1, Disp: -1}, before)
	e.VPSRLW(right, bytes, bytes)
	e.VPSLLW(left, before, before)
	e.VPAND(low, bytes, bytes)
	e.VPAND(high, before, before)
	e.VPOR(before, bytes, bytes)
	e.VMOVDQU(bytes, operand.Mem{Base: dst, Index: i, Scale: 1})
	e.ADDQ(operand.Imm(vector), i)
	e.JNZ(operand.LabelRef("vector"))
	e.Label("done")
	e.VZEROUPPER()
	e.RET()
}
