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
// rounds.
type decoder struct {
	*build.Context
	p *Program
	c constants

	job    reg.GPVirtual // *kernel.Job
	table  reg.GPVirtual // its lookup table
	shift  reg.GPVirtual // 64 - TableBits
	window reg.GPVirtual // index of a lookup; spare between lookups
	entry  reg.GPVirtual // entry of a lookup; spare between lookups
	buf    []reg.GPVirtual
	out    []reg.GPVirtual
	round  operand.Mem // rounds left in the batch; on the stack, as registers are short
	still  operand.Mem // 1 when some lane did not move in the batch

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
	d.prologue()
	d.Label("batch")
	d.planBatch()
	d.loadLanes()
	d.Label("round")
	d.rounds()
	d.mergeLanes()
	d.Comment("A lane that did not move has no code to go on with: the caller finds out why.")
	d.CMPQ(d.still, operand.Imm(0))
	d.JEQ(operand.LabelRef("batch"))
	d.Label("done")
	d.VZEROUPPER()
	d.RET()
	if d.p.SlowPath {
		for i := range d.p.Lanes {
			d.slowPath(i)
		}
	}
}

// overview says what the function does, for those who meet the assembly first.
func (d *decoder) overview() {
	bits := d.p.TableBits
	d.Commentf("Decodes %d runs of codes, the lanes of the job, side by side. A lane keeps the next bits of its", d.p.Lanes)
	d.Comment("stream at the top of a register, above a marker bit. A round is, in each lane,")
	d.Commentf("%d lookups by the top %d bits and a refill. An entry of the table holds up to %d symbols:", d.p.lookups(), bits, d.p.MaxSymbols)
	d.Comment("byte 0 the bits that they take, bytes 1 and 2 minus their number, bytes 7 down to 3 the",
		"symbols, each rotated right by one bit. Symbols go to scratch memory, from its top",
		"downward. After a batch of rounds they are merged with their sign_mantissa bytes, and",
		"the lanes move on. How many rounds a batch may have is known before it starts: no load",
		"or store in it can leave its buffer, whatever the streams hold.")
}

// prologue loads what stays the same through the call.
func (d *decoder) prologue() {
	d.job, d.table, d.shift = d.GP64(), d.GP64(), d.GP64()
	d.window, d.entry = d.GP64(), d.GP64()
	for range d.p.Lanes {
		d.buf = append(d.buf, d.GP64())
		d.out = append(d.out, d.GP64())
	}
	d.round, d.still = d.AllocLocal(8), d.AllocLocal(8)
	d.reverse, d.topBits = d.YMM(), d.YMM()

	d.Load(d.Param("job"), d.job)
	d.MOVQ(d.field(kernel.OffTable), d.table)
	d.VMOVDQU(d.c.reverse, d.reverse)
	d.VMOVDQU(d.c.topBits, d.topBits)
}

// planBatch sets the number of rounds of the next batch, and leaves the function when it is 0.
func (d *decoder) planBatch() {
	d.Commentf("How many rounds has every lane room for? One yields at most %d symbols, and the last", kernel.RoundSymbols)
	d.Commentf("vector store runs %d words ahead; one consumes at most %d bytes. Negative room means none.",
		kernel.VectorSymbols-1, kernel.RoundBytes)
	rounds, room := d.GP64(), d.GP64()
	d.MOVQ(operand.U32(kernel.BatchRounds), rounds)
	for i := range d.p.Lanes {
		d.Commentf("Lane %d: by its elements, then by its bytes of stream.", i)
		d.MOVQ(d.lane(i, kernel.OffLeft), room)
		d.SUBQ(operand.Imm(kernel.VectorSymbols-1), room)
		d.SARQ(operand.Imm(log2(kernel.RoundSymbols)), room)
		d.CMPQ(room, rounds)
		d.CMOVQLT(room, rounds)
		d.MOVQ(d.lane(i, kernel.OffSrcLast), room)
		d.SUBQ(d.lane(i, kernel.OffSrc), room)
		d.SARQ(operand.Imm(log2(kernel.RoundBytes)), room)
		d.CMPQ(room, rounds)
		d.CMOVQLT(room, rounds)
	}
	d.CMPQ(rounds, operand.Imm(0))
	d.JLE(operand.LabelRef("done"))
	d.MOVQ(rounds, d.round)
}

// loadLanes fills the bit buffers and points each lane at the top of its scratch memory.
func (d *decoder) loadLanes() {
	d.Comment("Fill the bit buffers; start at the top of the scratch memory.")
	d.MOVQ(operand.U32(64-d.p.TableBits), d.shift)
	for i := range d.p.Lanes {
		d.MOVQ(d.lane(i, kernel.OffSrc), d.window)
		d.MOVQ(d.lane(i, kernel.OffBit), d.entry)
		d.fill(i)
		d.scratchTop(i, d.out[i])
	}
}

// fill loads 8 bytes from the address in window into the bit buffer of lane i, sets the marker in
// the lowest bit and shifts out as many bits as entry says.
func (d *decoder) fill(i int) {
	d.MOVBEQQ(operand.Mem{Base: d.window}, d.buf[i])
	d.ORQ(operand.Imm(1), d.buf[i])
	d.SHLXQ(d.entry, d.buf[i], d.buf[i])
}

// rounds is the hot loop: rows of lookups, one for each lane, and a refill of each lane after the
// last row.
func (d *decoder) rounds() {
	n := d.p.lookups()
	for row := range n {
		d.Commentf("Lookup %d of %d in every lane.", row+1, n)
		if row == 0 {
			d.Comment("Index, load, store (the next store overwrites the bytes that are no symbols),",
				"move down by the number of symbols, shift out their bits.")
		}
		for i := range d.p.Lanes {
			d.lookup(i)
			if row == n-1 {
				d.refill(i)
			}
		}
	}
	d.DECQ(d.round)
	d.JNZ(operand.LabelRef("round"))
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

// refill moves Src of lane i past the bytes that were used and loads the bit buffer anew.
func (d *decoder) refill(i int) {
	if d.p.SlowPath {
		d.Commentf("An empty entry: the next code is longer than the table's %d bits, or none.", d.p.TableBits)
		d.TESTB(d.entry.As8(), d.entry.As8())
		d.JZ(operand.LabelRef(fmt.Sprintf("slow%d", i)))
	}
	d.Commentf("Refill lane %d: the marker bit tells how many bits were used.", i)
	d.TZCNTQ(d.buf[i], d.entry)
	d.advance(i)
	d.fill(i)
	if d.p.SlowPath {
		d.Label(fmt.Sprintf("filled%d", i))
	}
}

// advance moves Src of lane i by the whole bytes among the used bits in entry; it leaves Src in
// window and the rest of the bits in entry.
func (d *decoder) advance(i int) {
	src := d.lane(i, kernel.OffSrc)
	d.MOVQ(d.entry, d.window)
	d.SHRQ(operand.Imm(3), d.window)
	d.ADDQ(src, d.window)
	d.MOVQ(d.window, src)
	d.ANDL(operand.Imm(7), d.entry.As32())
}

// slowPath decodes one code of lane i by a search through the list of long codes (kernel.Long), out
// of the way of the hot loop. Where the list has no code either, the lane stands still.
func (d *decoder) slowPath(i int) {
	label := func(name string) string { return fmt.Sprintf("%s%d", name, i) }
	buf := d.buf[i]
	d.Label(label("slow"))
	d.Commentf("Slow path of lane %d: line up the bits of the next code.", i)
	d.TZCNTQ(buf, d.entry)
	d.advance(i)
	d.MOVBEQQ(operand.Mem{Base: d.window}, buf)
	d.SHLXQ(d.entry, buf, buf)
	d.SHRQ(operand.Imm(32), buf)
	d.Comment("Search downward for the first entry that does not begin above them; the lowest begins at 0.")
	d.MOVQ(d.field(kernel.OffLongLast), d.window)
	d.Label(label("search"))
	d.CMPL(buf.As32(), operand.Mem{Base: d.window, Disp: 4})
	d.JCC(operand.LabelRef(label("found")))
	d.SUBQ(operand.Imm(8), d.window)
	d.JMP(operand.LabelRef(label("search")))
	d.Label(label("found"))
	d.Comment("Store its symbol, and count it if the entry is a code: the length of none is 0.")
	d.MOVQ(operand.Mem{Base: d.window}, d.window)
	d.MOVBQZX(d.window.As8(), buf)
	d.ADDQ(buf, d.entry)
	d.SHRQ(operand.Imm(8), d.window)
	d.MOVB(d.window.As8(), operand.Mem{Base: d.out[i]})
	d.CMPQ(buf, operand.Imm(1))
	d.Comment("Carry means length 0: out moves by carry - 1.")
	d.ADCQ(operand.I8(-1), d.out[i])
	d.advance(i)
	d.fill(i)
	d.JMP(operand.LabelRef(label("filled")))
}

// field is a word of the job.
func (d *decoder) field(off uintptr) operand.Mem {
	return operand.Mem{Base: d.job, Disp: int(off)}
}

// lane is a word of lane i.
func (d *decoder) lane(i int, off uintptr) operand.Mem {
	return d.field(kernel.OffLanes + uintptr(i)*kernel.LaneSize + off)
}

// scratchTop points r at the place of the first symbol of lane i.
func (d *decoder) scratchTop(i int, r reg.GPVirtual) {
	d.MOVQ(d.field(kernel.OffScratch), r)
	d.ADDQ(operand.U32((i+1)*kernel.LaneScratch-1), r)
}

// log2 returns the binary logarithm of n, a power of two.
func log2(n int) uint64 {
	l := uint64(0)
	for ; n > 1; n >>= 1 {
		l++
	}
	return l
}
