package avo

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// decoder emits one program. The fields are the register plan: what stays in a register through the
// turns, and what lies on the stack because registers are short.
type decoder struct {
	*build.Context
	p *Program
	c constants

	table  reg.GPVirtual // the lookup table
	shift  reg.GPVirtual // 64 - TableBits
	window reg.GPVirtual // index of a lookup; spare between lookups
	entry  reg.GPVirtual // entry of a lookup; spare between lookups
	marks  reg.GPVirtual // the marks of this turn; counts the turns, too
	buf    []reg.GPVirtual
	out    []reg.GPVirtual

	src       []operand.Mem // where each lane loads its stream
	sm        []operand.Mem // the next sign_mantissa byte of each lane
	dstLess   []operand.Mem // where its word goes, less twice where that byte is
	filling   operand.Mem   // the half of the scratch memory that lanes fill from this turn on
	full      operand.Mem   // the other half
	marksLast operand.Mem   // the marks of the last turn
	longLast  operand.Mem   // the end of the list of long codes

	reverse, topBits reg.VecVirtual
}

func newDecoder(ctx *build.Context, p *Program, c constants) *decoder {
	return &decoder{Context: ctx, p: p, c: c}
}

// emit writes the whole function.
func (d *decoder) emit() {
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
	if d.p.SlowPath {
		for round := range d.p.Lanes {
			for i := range d.p.Lanes {
				d.slowPath(round, i)
			}
		}
	}
}

// overview says what the function does, for those who meet the assembly first.
func (d *decoder) overview() {
	p := d.p
	d.Commentf("Decodes %d runs of codes, the lanes of the job, side by side. A lane keeps the next bits of its", p.Lanes)
	d.Comment("stream at the top of a register, above a marker bit. A round is, in each lane,")
	d.Commentf("%d lookups by the top %d bits and a refill. An entry of the table holds up to %d symbols:", p.lookups(), p.TableBits, p.MaxSymbols)
	d.Comment("byte 0 the bits that they take, bytes 1 and 2 minus their number, bytes 7 down to 3 the",
		"symbols, each rotated right by one bit. Symbols go to scratch memory, from its top downward.")
	d.Commentf("A turn is %d rounds. In round i lane i changes over to its other half of the scratch memory,", p.Lanes)
	d.Commentf("and lane i-%d has the half that it filled merged with its sign_mantissa bytes, between the", p.lag())
	d.Commentf("lookups: always %d words, of which the next merge overwrites those that are too many.", p.mergeVectors()*kernel.VectorSymbols)
	d.Comment("How many turns there is room for is known before the first: no load or store can leave its",
		"buffer, whatever the streams hold.")
}

func (d *decoder) planRegisters() {
	d.table, d.shift, d.marks = d.GP64(), d.GP64(), d.GP64()
	d.window, d.entry = d.GP64(), d.GP64()
	for range d.p.Lanes {
		d.buf = append(d.buf, d.GP64())
		d.out = append(d.out, d.GP64())
		d.src = append(d.src, d.AllocLocal(8))
		d.sm = append(d.sm, d.AllocLocal(8))
		d.dstLess = append(d.dstLess, d.AllocLocal(8))
	}
	d.filling, d.full = d.AllocLocal(8), d.AllocLocal(8)
	d.marksLast, d.longLast = d.AllocLocal(8), d.AllocLocal(8)
	d.reverse, d.topBits = d.YMM(), d.YMM()
}

// turn is the hot loop: as many rounds as there are lanes.
func (d *decoder) turn() {
	n, rows := d.p.Lanes, d.p.lookups()
	d.Comment("The next turn: swap the halves of the scratch memory.")
	d.ADDQ(operand.Imm(uint64(kernel.MarkSize)), d.marks)
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
					d.refill(round, i)
					if i == round {
						d.changeHalves(i)
					}
				}
			}
		}
	}
	d.CMPQ(d.marks, d.marksLast)
	d.JNE(operand.LabelRef("turn"))
}

// changeHalves takes a mark of lane i, whose refill has left its source in window, and lets it fill the
// other half of its scratch memory.
func (d *decoder) changeHalves(i int) {
	d.Commentf("Lane %d changes halves. Mark how far it is: the source, the bits used of its first byte,", i)
	d.Comment("the number of symbols.")
	d.MOVQ(d.window, d.mark(i, kernel.OffMarkSrc))
	d.MOVL(d.buf[i].As32(), d.mark(i, kernel.OffMarkBuf))
	d.MOVQ(d.full, d.entry)
	d.ADDQ(operand.U32(scratchTop(i)), d.entry)
	d.SUBQ(d.out[i], d.entry)
	d.MOVL(d.entry.As32(), d.mark(i, kernel.OffMarkN))
	d.MOVQ(d.filling, d.out[i])
	d.ADDQ(operand.U32(scratchTop(i)), d.out[i])
}

// lookup decodes one table entry in lane i.
func (d *decoder) lookup(i int) {
	d.SHRXQ(d.shift, d.buf[i], d.window)
	d.MOVQ(operand.Mem{Base: d.table, Index: d.window, Scale: 8}, d.entry)
	d.MOVQ(d.entry, operand.Mem{Base: d.out[i], Disp: -7})
	// Scratch memory lies inside one 64 KiB page, so adding to the low 16 bits moves the pointer.
	d.ADDW(operand.Mem{Base: d.table, Index: d.window, Scale: 8, Disp: 1}, d.out[i].As16())
	d.SHLXQ(d.entry, d.buf[i], d.buf[i])
}

// refill moves the source of lane i past the bytes that were used and loads the bit buffer anew.
func (d *decoder) refill(round, i int) {
	if d.p.SlowPath {
		d.Commentf("An empty entry: the next code is longer than the table's %d bits, or none.", d.p.TableBits)
		d.TESTB(d.entry.As8(), d.entry.As8())
		d.JZ(operand.LabelRef(label("slow", round, i)))
	}
	d.Commentf("Refill lane %d: the marker bit tells how many bits were used.", i)
	d.TZCNTQ(d.buf[i], d.entry)
	d.advance(i)
	d.fill(i)
	if d.p.SlowPath {
		d.Label(label("filled", round, i))
	}
}

// advance moves the source of lane i by the whole bytes among the used bits in entry; it leaves the
// source in window and the rest of the bits in entry.
func (d *decoder) advance(i int) {
	d.MOVQ(d.entry, d.window)
	d.SHRQ(operand.Imm(3), d.window)
	d.ADDQ(d.src[i], d.window)
	d.MOVQ(d.window, d.src[i])
	d.ANDL(operand.Imm(7), d.entry.As32())
}

// fill loads 8 bytes from the address in window into the bit buffer of lane i, sets the marker in
// the lowest bit and shifts out as many bits as entry says.
func (d *decoder) fill(i int) {
	d.MOVBEQQ(operand.Mem{Base: d.window}, d.buf[i])
	d.ORQ(operand.Imm(1), d.buf[i])
	d.SHLXQ(d.entry, d.buf[i], d.buf[i])
}

// mark is a field of the mark of lane i in this turn.
func (d *decoder) mark(i int, off uintptr) operand.Mem {
	return operand.Mem{Base: d.marks, Disp: i*int(kernel.LaneMarks) + int(off)}
}

// halfSize is the size of one half of the scratch memory of all lanes.
const halfSize = kernel.MaxLanes * kernel.HalfScratch

// scratchTop is the place of the first symbol of lane i in a half of the scratch memory.
func scratchTop(i int) uint32 { return uint32((i+1)*kernel.HalfScratch - 1) }

// label numbers a label by round and lane.
func label(name string, round, i int) string { return fmt.Sprintf("%s%d_%d", name, round, i) }
