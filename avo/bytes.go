package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// A byteDecoder emits a decoder of states for AVX2: see states.Decoder. The states stay in the job, and the words of each
// block are in its field Used until the end.
type byteDecoder struct {
	stateDecoder
	c byteConstants

	masks                  reg.GPVirtual // the address of the constant expand
	block                  reg.GPVirtual // 8 times its number
	at, next               reg.GPVirtual // of the block: the states, the next words
	planeOffset, dstOffset reg.GPVirtual // of the step
}

// emit writes the whole function.
func (d *byteDecoder) emit(name string) {
	d.Function(name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature(statesPath, "Job"))
	d.overview()
	d.reload()
	d.MOVQ(operand.I32(0), d.field(states.OffDone))
	d.masks = d.GP64()
	d.LEAQ(d.c.expand, d.masks)
	d.planeOffset, d.dstOffset = d.GP64(), d.GP64()
	d.XORQ(d.planeOffset, d.planeOffset)
	d.XORQ(d.dstOffset, d.dstOffset)
	used := func(k int) operand.Mem { return d.field(states.OffUsed + uintptr(8*k)) }
	for k := range states.Blocks {
		words := d.GP64()
		d.MOVQ(d.field(states.OffWords+uintptr(8*k)), words)
		d.MOVQ(words, used(k))
	}
	d.Label("round")
	steps := d.roomFor(func(k int) operand.Op { return used(k) })
	d.TESTQ(steps, steps)
	d.JLE(operand.LabelRef("end"))
	d.ADDQ(steps, d.field(states.OffDone))
	d.Label("step")
	d.block, d.at = d.GP64(), d.GP64()
	d.XORQ(d.block, d.block)
	d.LEAQ(d.field(states.OffStates), d.at)
	d.Label("block")
	d.step()
	d.ADDQ(operand.I32(2*2*rans.States), d.at)
	d.ADDQ(operand.Imm(8), d.block)
	d.CMPQ(d.block, operand.Imm(8*states.Blocks))
	d.JNE(operand.LabelRef("block"))
	d.ADDQ(operand.Imm(uint64(d.form.PlaneBytes(rans.States))), d.planeOffset)
	d.ADDQ(operand.I32(2*rans.States), d.dstOffset)
	d.DECQ(steps)
	d.JNZ(operand.LabelRef("step"))
	d.JMP(operand.LabelRef("round"))
	d.Label("end")
	for k := range states.Blocks {
		words := d.GP64()
		d.MOVQ(used(k), words)
		d.SUBQ(d.field(states.OffWords+uintptr(8*k)), words)
		d.SHRQ(operand.Imm(1), words)
		d.MOVQ(words, used(k))
	}
	d.SFENCE()
	d.VZEROUPPER()
	d.RET()
}

// ofBlock is a word of the job that belongs to the block.
func (d *byteDecoder) ofBlock(off uintptr) operand.Mem {
	m := d.field(off)
	m.Index, m.Scale = d.block, 1
	return m
}

// step decodes the next weights of a block.
func (d *byteDecoder) step() {
	d.next = d.GP64()
	plane, dst := d.GP64(), d.GP64()
	d.tables = d.GP64()
	d.MOVQ(d.ofBlock(states.OffTables), d.tables)
	d.MOVQ(d.ofBlock(states.OffUsed), d.next)
	d.MOVQ(d.ofBlock(states.OffPlane), plane)
	d.MOVQ(d.ofBlock(states.OffDst), dst)
	d.ADDQ(d.planeOffset, plane)
	d.ADDQ(d.dstOffset, dst)
	d.PREFETCHT0(operand.Mem{Base: plane, Disp: prefetchPlane})
	d.PREFETCHT0(operand.Mem{Base: d.next, Disp: prefetchStateWords})
	places := d.places()
	d.MOVQ(d.next, d.ofBlock(states.OffUsed))
	words := d.symbols(places)
	for g := range words {
		for i, w := range words[g] {
			others := d.spread(plane, g, i)
			d.VPAND(d.c.others[d.form], others, others)
			d.VPOR(others, w, w)
		}
	}
	each := func(store func(v, m operand.Op)) {
		for g := range words {
			for i, w := range words[g] {
				store(w, operand.Mem{Base: dst, Disp: 64*g + 32*i})
			}
		}
	}
	d.CMPQ(d.field(states.OffStream), operand.Imm(0))
	d.JEQ(operand.LabelRef("cached"))
	each(d.VMOVNTDQ)
	d.JMP(operand.LabelRef("stored"))
	d.Label("cached")
	each(d.VMOVDQU)
	d.Label("stored")
}
