package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// A multiplier emits a function that decodes weights and multiplies them in registers: see states.Multiplier.
type multiplier struct {
	stateDecoder
	upper operand.Mem // the upper halves of double words
	x     reg.GPVirtual
	sums  [states.Blocks]vec
}

// upperHalves declares the constant that multipliers share.
func upperHalves(ctx *build.Context) operand.Mem {
	return vector(ctx, "upperHalves", 64, func(i int) byte { return [4]byte{0, 0, 0xff, 0xff}[i%4] })
}

// stepFloats is the size of the part of a vector that a step is multiplied with, in bytes.
const stepFloats = 4 * rans.States

// emit writes the whole function.
func (d *multiplier) emit(name string) {
	d.Function(name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature(statesPath, "ProductJob"))
	d.overview()
	d.begin()
	d.Comment("The present row: how far it is, and its sums.")
	left := d.GP64()
	d.x = d.GP64()
	d.MOVQ(d.field(states.OffRowSteps), d.x)
	d.MOVQ(d.field(states.OffRowLeft), left)
	d.SUBQ(left, d.x)
	d.SHLQ(operand.Imm(log2(stepFloats)), d.x)
	d.ADDQ(d.field(states.OffX), d.x)
	for k := range d.sums {
		d.sums[k] = d.load(d.sumsOf(k))
	}
	d.rounds("product", func() {
		for k := range states.Blocks {
			for g, words := range d.step(k) {
				multiplyAdd(d.Context, words, d.upper, operand.Mem{Base: d.x, Disp: stepFloats / states.Vectors * g}, d.sums[k])
			}
		}
		d.ADDQ(operand.I32(stepFloats), d.x)
		d.DECQ(left)
		d.JNZ(operand.LabelRef("inside"))
		d.row(left)
		d.Label("inside")
	})
	d.end()
	d.MOVQ(left, d.field(states.OffRowLeft))
	for k, sums := range d.sums {
		d.VMOVUPS(sums, d.sumsOf(k))
	}
	d.VZEROUPPER()
	d.RET()
}

// sumsOf is where the job has the sums of a block.
func (d *multiplier) sumsOf(k int) operand.Mem { return d.field(states.OffSums + uintptr(64*k)) }

// row ends a row of each block.
func (d *multiplier) row(left reg.GPVirtual) {
	d.Comment("The end of a row.")
	d.reload()
	number, y := d.GP64(), d.GP64()
	d.MOVQ(d.field(states.OffRow), number)
	for k, sums := range d.sums {
		addSums(d.Context, sums)
		d.MOVQ(d.field(states.OffY+uintptr(8*k)), y)
		d.VMOVSS(sums.AsX(), operand.Mem{Base: y, Index: number, Scale: 4})
		d.VPXORD(sums, sums, sums)
	}
	d.INCQ(d.field(states.OffRow))
	d.MOVQ(d.field(states.OffX), d.x)
	d.MOVQ(d.field(states.OffRowSteps), left)
}

// multiplyAdd adds the products of 32 weights with a part of a vector to sums: those of the even weights first.
func multiplyAdd(ctx *build.Context, words vec, upper, x operand.Mem, sums vec) {
	even := ctx.ZMM()
	ctx.VPSLLD(operand.Imm(16), words, even)
	ctx.VFMADD231PS(x, even, sums)
	odd := ctx.ZMM()
	ctx.VPANDD(upper, words, odd)
	ctx.VFMADD231PS(x.Offset(64), odd, sums)
}

// addSums adds the sums of a vector, half to half. The result is in all of its elements.
func addSums(ctx *build.Context, sums vec) {
	other := ctx.ZMM()
	ctx.VSHUFF64X2(operand.Imm(0x4e), sums, sums, other)
	ctx.VADDPS(other, sums, sums)
	ctx.VSHUFF64X2(operand.Imm(0xb1), sums, sums, other)
	ctx.VADDPS(other, sums, sums)
	ctx.VPERMILPS(operand.Imm(0x4e), sums, other)
	ctx.VADDPS(other, sums, sums)
	ctx.VPERMILPS(operand.Imm(0xb1), sums, other)
	ctx.VADDPS(other, sums, sums)
}
