package avo

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// split emits the function that splits weights into exponents and sign_mantissa bytes, 32 at a time.
func (e encoder) split() {
	const vector = 32
	e.begin("splitVectors", "func(weights *byte, exponents *uint64, signMantissa *byte, vectors int)",
		"Splits 32 weights at a time. One index is used for all three arguments. It counts from minus the number",
		"of weights up to 0, from the ends of their memory.")
	weights, exponents, sm, i := e.param("weights"), e.param("exponents"), e.param("signMantissa"), e.param("vectors")
	e.SHLQ(operand.Imm(log2(vector)), i)
	e.LEAQ(operand.Mem{Base: weights, Index: i, Scale: 2}, weights)
	e.ADDQ(i, exponents)
	e.ADDQ(i, sm)
	e.NEGQ(i)
	e.JZ(operand.LabelRef("done"))
	mantissa, low := e.YMM(), e.YMM()
	e.Comment("The low 7 and the low 8 bits of each word.")
	e.VPCMPEQW(low, low, low)
	e.VPSRLW(operand.Imm(9), low, mantissa)
	e.VPSRLW(operand.Imm(8), low, low)
	e.Label("vector")
	var exponent, rest [2]reg.VecVirtual
	for half := range 2 {
		w, sign := e.YMM(), e.YMM()
		exponent[half], rest[half] = e.YMM(), e.YMM()
		e.VMOVDQU(operand.Mem{Base: weights, Index: i, Scale: 2, Disp: 32 * half}, w)
		e.VPSRLW(operand.Imm(7), w, exponent[half])
		e.VPAND(low, exponent[half], exponent[half])
		e.VPSRLW(operand.Imm(15), w, sign)
		e.VPSLLW(operand.Imm(7), sign, sign)
		e.VPAND(mantissa, w, rest[half])
		e.VPOR(sign, rest[half], rest[half])
	}
	e.Comment("Words to bytes; packing leaves the quadwords in the order 0, 2, 1, 3.")
	for _, out := range []struct {
		words [2]reg.VecVirtual
		to    reg.GPVirtual
	}{{exponent, exponents}, {rest, sm}} {
		e.VPACKUSWB(out.words[1], out.words[0], out.words[0])
		e.VPERMQ(operand.Imm(0xd8), out.words[0], out.words[0])
		e.VMOVDQU(out.words[0], operand.Mem{Base: out.to, Index: i, Scale: 1})
	}
	e.ADDQ(operand.Imm(vector), i)
	e.JNZ(operand.LabelRef("vector"))
	e.VZEROUPPER()
	e.Label("done")
	e.RET()
}
