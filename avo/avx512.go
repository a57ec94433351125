package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// avx512 emits a program of form Slots. The fields are the register plan: what stays in a register
// through the turns, and what lies on the stack because registers are short.
type avx512 struct {
	streams
	c constants

	filling reg.GPVirtual // the half of the slots that this turn fills
	full    reg.GPVirtual // the other half
	spare   reg.GPVirtual

	sm      []operand.Mem // the next sign_mantissa byte of each lane
	dstLess []operand.Mem // where its word goes, less twice where that byte is
	out     []operand.Mem // the end of its pending symbols
	symbols operand.Mem   // the pending symbols of lane 0
	stream  operand.Mem   // not 0: store around the caches

	low, high, words, flags reg.VecVirtual
	aside                   []func() // what is rare, and stands behind the hot loop
}

func newAVX512(ctx *build.Context, p *Program, c constants) *avx512 {
	return &avx512{streams: newStreams(ctx, p), c: c}
}

// emit writes the whole function.
func (d *avx512) emit() {
	d.Function(d.p.Name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature())
	d.overview()
	d.planRegisters()
	d.begin()
	d.Label("turn")
	d.turn()
	d.end()
	d.Label("done")
	d.VZEROUPPER()
	d.RET()
	for _, rare := range d.aside {
		rare()
	}
	if d.p.SlowPath {
		for slot := range d.p.turnLookups() {
			for i := 0; i < d.p.Lanes && d.refills(slot); i++ {
				d.slowPath(label("", slot, i), i, func() { d.storeLong(i, slot) })
			}
		}
	}
}

// overview says what the function does, for those who meet the assembly first.
func (d *avx512) overview() {
	p := d.p
	d.Commentf("Decodes %d runs of codes, the lanes of the job, side by side. A lane keeps the next bits of its", p.Lanes)
	d.Commentf("stream at the top of a register, above a marker bit, and is refilled after %d lookups by the", p.lookups())
	d.Commentf("top %d bits. An entry of the table holds up to %d symbols: byte 0 the bits that they take,", p.TableBits, p.MaxSymbols)
	d.Comment("from byte 2 on the symbols, each rotated right by one bit, in byte 7 a flag for each byte that",
		"is one.")
	d.Commentf("A turn is %d lookups in each lane, whose entries go to as many slots. Between them the slots of", p.turnLookups())
	d.Comment("the turn before are drained: their symbols, pressed together, join those that are pending.")
	d.Commentf("Where %d are pending, they are merged with as many sign_mantissa bytes.", kernel.MergeSymbols)
	d.Comment("How many turns there is room for is known before the first: no load or store can leave its",
		"buffer, whatever the streams hold.")
}

func (d *avx512) planRegisters() {
	d.planStreams()
	d.filling, d.full, d.spare = d.GP64(), d.GP64(), d.GP64()
	for range d.p.Lanes {
		d.sm = append(d.sm, d.AllocLocal(8))
		d.dstLess = append(d.dstLess, d.AllocLocal(8))
		d.out = append(d.out, d.AllocLocal(8))
	}
	d.symbols, d.stream = d.AllocLocal(8), d.AllocLocal(8)
	d.low, d.high, d.words, d.flags = d.ZMM(), d.ZMM(), d.ZMM(), d.ZMM()
}

// turn is the hot loop. The drains and merges lie evenly between the lookups.
func (d *avx512) turn() {
	d.Comment("The next turn: swap the halves of the slots.")
	d.XCHGQ(d.filling, d.full)
	slots, done := d.p.turnLookups(), 0
	for slot := range slots {
		d.Commentf("Lookup %d of %d in every lane.", slot+1, slots)
		if slot == 0 {
			d.Comment("Index, load, store, shift out the bits.")
		}
		for i := range d.p.Lanes {
			d.lookup(i, slot)
			if d.refills(slot) {
				d.refill(label("", slot, i), i)
			}
			if slot == slots-1 {
				d.changeHalves(i)
			}
			// Each lane has its share of the turn, but for the last slots: its merge in the middle, its drain at
			// the end.
			for at := 2 * min(d.p.Lanes, (slot*d.p.Lanes+i+1)/(slots-1)); done < at; done++ {
				if m := done / 2; done%2 == 0 {
					d.merge("", m)
				} else {
					d.drain(m)
				}
			}
		}
	}
	d.DECQ(d.turns)
	d.JNZ(operand.LabelRef("turn"))
}

// refills reports whether the lanes are refilled after a slot.
func (d *avx512) refills(slot int) bool {
	return slot%d.p.lookups() == d.p.lookups()-1
}

// lookup decodes one table entry in lane i.
func (d *avx512) lookup(i, slot int) {
	d.look(i)
	d.MOVQ(d.entry, operand.Mem{Base: d.filling, Disp: slotsOf(i) + 8*slot})
	d.consume(i)
}

// storeLong is the end of the slow path: it puts the symbol, if there is one, in the slot of the
// lookup that found nothing.
func (d *avx512) storeLong(i, slot int) {
	d.MOVBQZX(d.window.As8(), d.window)
	d.SHLQ(operand.Imm(16), d.window)
	d.BTSQ(operand.Imm(58), d.window)
	d.CMPQ(d.buf[i], operand.Imm(1))
	d.Comment("Carry means length 0: the slot is to stay empty.")
	d.SBBQ(d.buf[i], d.buf[i])
	d.ANDNQ(d.window, d.buf[i], d.window)
	d.MOVQ(d.window, operand.Mem{Base: d.filling, Disp: slotsOf(i) + 8*slot})
}

// changeHalves notes where lane i, whose refill has left its source in window, begins to fill the other
// half, and marks the border if it came past one.
func (d *avx512) changeHalves(i int) {
	d.Commentf("Note how far lane %d is: the source, the bits used of its first byte. Is it past its border?", i)
	d.note(d.full, i)
	d.PREFETCHT0(operand.Mem{Base: d.window, Disp: prefetchStream})
	border, marked := label("border", i), label("marked", i)
	d.CMPQ(d.window, d.border[i])
	d.JCC(operand.LabelRef(border))
	d.Label(marked)
	d.aside = append(d.aside, func() {
		d.Label(border)
		d.markBorder(i, d.filling, d.spare, func() {
			d.pending(i)
			d.ADDQ(d.sm[i], d.entry)
		})
		d.JMP(operand.LabelRef(marked))
	})
}

// slotsOf is the place of the slots of lane i in their half.
func slotsOf(i int) int { return i * 8 * kernel.TurnSlots }

// pendingOf is the place of the pending symbols of lane i behind those of lane 0.
func pendingOf(i int) int { return i * kernel.PendingScratch }
