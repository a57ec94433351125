package avo

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// planeConstants are vectors for planes of exponents.
type planeConstants struct {
	signMantissa operand.Mem // the bits of a word that are not coded
}

// jointPlaneConstants are vectors for planes of joint symbols.
type jointPlaneConstants struct {
	mantissa operand.Mem // the bits of a word that are mantissa and not coded
	pair     operand.Mem // factors that shift the second word of a pair behind the first
	first    operand.Mem // of a quad word: the bits of the first 4 weights
	groups   operand.Mem // the first 7 bytes of each quad word
}

func newJointPlaneConstants(ctx *build.Context) (c jointPlaneConstants) {
	c.mantissa = vector(ctx, "jointMantissa", 64, func(i int) byte { return [2]byte{0x3f, 0}[i%2] })
	c.pair = vector(ctx, "jointPair", 64, func(i int) byte { return [4]byte{1, 0, 0x80, 0}[i%4] })
	c.first = vector(ctx, "jointFirst", 64, func(i int) byte { return [8]byte{0xff, 0xff, 0xff, 0x0f}[i%8] })
	c.groups = vector(ctx, "jointGroups", 64, func(i int) byte { return byte(i/7*8+i%7) % 64 })
	return c
}

// plane stores the plane of a step.
func (d *stateEncoder) plane(w [states.Vectors]vec, to operand.Mem) {
	d.Comment("The plane.")
	if d.form == rans.Exponent {
		bits, exchanged := d.ZMM(), d.ZMM()
		d.VPSHLDW(operand.Imm(8), w[1], w[1], exchanged)
		d.VMOVDQA64(w[0], bits)
		d.VPTERNLOGD(operand.Imm(selectFirst), d.c.exponents.signMantissa, exchanged, bits)
		d.VMOVDQU64(bits, to)
		return
	}
	var fields [states.Vectors]vec // 4 fields in the low bits of each quad word; the second two are behind them once more
	for g := range fields {
		f, behind := d.ZMM(), d.ZMM()
		d.VPSRLW(operand.Imm(9), w[g], f)
		d.VPTERNLOGD(operand.Imm(selectSecond), d.c.joint.mantissa, w[g], f)
		d.VPMADDWD(d.c.joint.pair, f, f)
		d.VPSRLQ(operand.Imm(32-14), f, behind)
		d.VPORD(behind, f, f)
		fields[g] = f
	}
	d.VPSLLQ(operand.Imm(28), fields[1], fields[1])
	d.VPTERNLOGD(operand.Imm(selectFirst), d.c.joint.first, fields[1], fields[0])
	d.VPERMB(fields[0], d.groups, fields[0])
	d.VMOVDQU8(fields[0], d.fields, to)
}

// selectSecond is a truth table of VPTERNLOG. Where a bit of the third operand is 1 it takes the second operand, and the
// first elsewhere.
const selectSecond = 0xd8
