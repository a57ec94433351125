package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/lanes"
)

// laneDecoder emits a decoder of lanes. The fields are the register plan: what stays in a register
// through the turns, and what lies on the stack because registers are short.
type laneDecoder struct {
	streams
	c laneConstants

	out   []reg.GPVirtual
	spare reg.GPVirtual

	sm      []operand.Mem // the next sign_mantissa byte of each lane
	dstLess []operand.Mem // where its word goes, less twice where that byte is
	filled  []operand.Mem // the number of symbols in the half that it filled last
	filling operand.Mem   // the half of the scratch memory that lanes fill from this turn on
	full    operand.Mem   // the other half
	aside   []func()      // what is rare, and stands behind the hot loop

	reverse, topBits reg.VecVirtual
}

func newLaneDecoder(ctx *build.Context, p *Lanes, c laneConstants) *laneDecoder {
	return &laneDecoder{streams: newStreams(ctx, p), c: c}
}

// emit writes the whole function.
func (d *laneDecoder) emit() {
	d.Function(d.p.Name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature(lanesPath, "Job"))
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
	for round := range d.p.Lanes {
		for i := range d.p.Lanes {
			d.slowPath(label("", round, i), i, func() { d.storeLong(i) })
		}
	}
}

// overview says what the function does, for those who meet the assembly first.
func (d *laneDecoder) overview() {
	p := d.p
	d.Commentf("Decodes %d runs of codes, the lanes of the job, side by side. A lane keeps the next bits of its", p.Lanes)
	d.Comment("stream at the top of a register, above a marker bit. A round is, in each lane,")
	d.Commentf("%d lookups by the top %d bits and a refill. An entry of the table holds up to %d symbols:", p.lookups(), p.TableBits, p.MaxSymbols)
	d.Comment("byte 0 the bits that they take, bytes 1 and 2 minus their number, bytes 7 down to 3 the",
		"symbols, each rotated right by one bit. Symbols go to scratch memory, from its top downward.")
	d.Commentf("A turn is %d rounds. In round i lane i changes over to its other half of the scratch memory,", p.Lanes)
	d.Commentf("and lane i-%d has the half that it filled merged with its sign_mantissa bytes, between the", p.lag())
	d.Commentf("lookups: always %d words, of which the next merge overwrites those that are too many.", p.mergeVectors()*lanes.VectorSymbols)
	d.Comment("How many turns there is room for is known before the first: no load or store can leave its",
		"buffer, whatever the streams hold.")
}

func (d *laneDecoder) planRegisters() {
	d.planStreams()
	d.spare = d.GP64()
	for range d.p.Lanes {
		d.out = append(d.out, d.GP64())
		d.sm = append(d.sm, d.AllocLocal(8))
		d.dstLess = append(d.dstLess, d.AllocLocal(8))
		d.filled = append(d.filled, d.AllocLocal(8))
	}
	d.filling, d.full = d.AllocLocal(8), d.AllocLocal(8)
	d.reverse, d.topBits = d.YMM(), d.YMM()
}

// turn is the hot loop: as many rounds as there are lanes.
func (d *laneDecoder) turn() {
	n, rows := d.p.Lanes, d.p.lookups()
	d.Comment("The next turn: swap the halves of the scratch memory.")
	d.MOVQ(d.filling, d.window)
	d.MOVQ(d.full, d.entry)
	d.MOVQ(d.window, d.full)
	d.MOVQ(d.entry, d.filling)
	for round := range n {
		merged := (round - d.p.lag() + n) % n
		d.Commentf("Round %d of %d: lane %d changes halves, lane %d is merged.", round+1, n, round, merged)
		vectors := 0
		for row := range rows {
			for end := (row + 1) * d.p.mergeVectors() / rows; vectors < end; vectors++ {
				d.mergeInTurn(round, merged, vectors)
			}
			d.Commentf("Lookup %d of %d in every lane.", row+1, rows)
			if round == 0 && row == 0 {
				d.Comment("Index, load, store (the next store overwrites the bytes that are no symbols),",
					"move down by the number of symbols, shift out their bits.")
			}
			for i := range n {
				d.lookup(i)
				if row == d.p.refillRow(i) {
					d.refill(label("", round, i), i)
					if i == round {
						d.changeHalves(i)
					}
				}
			}
		}
	}
	d.DECQ(d.turns)
	d.JNZ(operand.LabelRef("turn"))
}

// changeHalves lets lane i, whose refill has left its source in window, fill the other half of its scratch
// memory, and marks the border if it came past one.
func (d *laneDecoder) changeHalves(i int) {
	d.Commentf("Lane %d changes halves. Note how far it is: the number of symbols, the source, the bits used of", i)
	d.Comment("its first byte. Is it past its border?")
	d.MOVQ(d.full, d.entry)
	d.ADDQ(operand.U32(scratchTop(i)), d.entry)
	d.SUBQ(d.out[i], d.entry)
	d.MOVQ(d.entry, d.filled[i])
	d.MOVQ(d.filling, d.out[i])
	d.note(d.out[i], i)
	d.ADDQ(operand.U32(scratchTop(i)), d.out[i])
	border, marked := label("border", i), label("marked", i)
	d.CMPQ(d.window, d.border[i])
	d.JCC(operand.LabelRef(border))
	d.Label(marked)
	d.aside = append(d.aside, func() {
		d.Label(border)
		d.MOVQ(d.full, d.window)
		d.markBorder(i, d.window, d.spare, func() { d.MOVQ(d.sm[i], d.entry) })
		d.JMP(operand.LabelRef(marked))
	})
}

// lookup decodes one table entry in lane i.
func (d *laneDecoder) lookup(i int) {
	d.look(i)
	d.MOVQ(d.entry, operand.Mem{Base: d.out[i], Disp: -7})
	// Scratch memory lies inside one 64 KiB page, so adding to the low 16 bits moves the pointer.
	d.ADDW(operand.Mem{Base: d.table, Index: d.window, Scale: 8, Disp: 1}, d.out[i].As16())
	d.consume(i)
}

// storeLong is the end of the slow path: it stores the symbol and counts it.
func (d *laneDecoder) storeLong(i int) {
	d.MOVB(d.window.As8(), operand.Mem{Base: d.out[i]})
	d.CMPQ(d.buf[i], operand.Imm(1))
	d.Comment("Carry means length 0: out moves by carry - 1.")
	d.ADCQ(operand.I8(-1), d.out[i])
}

// scratchTop is the place of the first symbol of lane i in a half of the scratch memory.
func scratchTop(i int) uint32 { return uint32((i+1)*lanes.HalfScratch - 1) }
