package avo

import (
	"fmt"
	"strconv"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/lanes"
)

// streams are the lanes' bit buffers, and how they are looked up in, moved on and filled.
type streams struct {
	*build.Context
	p *Lanes

	table  reg.GPVirtual // the lookup table
	shift  reg.GPVirtual // 64 - TableBits
	window reg.GPVirtual // index of a lookup; spare between lookups
	entry  reg.GPVirtual // entry of a lookup; spare between lookups
	buf    []reg.GPVirtual

	src      []operand.Mem // where each lane loads its stream
	marks    []operand.Mem // the next mark that each lane leaves
	border   []operand.Mem // its border
	turns    operand.Mem   // the turns that are left
	longLast operand.Mem   // the end of the list of long codes
}

func newStreams(ctx *build.Context, p *Lanes) streams {
	return streams{Context: ctx, p: p}
}

// planStreams reserves registers and stack.
func (d *streams) planStreams() {
	d.table, d.shift = d.GP64(), d.GP64()
	d.window, d.entry = d.GP64(), d.GP64()
	for range d.p.Lanes {
		d.buf = append(d.buf, d.GP64())
		d.src = append(d.src, d.AllocLocal(8))
		d.border = append(d.border, d.AllocLocal(8))
		d.marks = append(d.marks, d.AllocLocal(8))
	}
	d.turns, d.longLast = d.AllocLocal(8), d.AllocLocal(8)
}

// beginStreams loads what the lookups need.
func (d *streams) beginStreams(job reg.GPVirtual) {
	d.MOVQ(field(job, lanes.OffLongLast), d.window)
	d.MOVQ(d.window, d.longLast)
	d.MOVQ(field(job, lanes.OffTable), d.table)
}

// look loads the entry of the next lookup in lane i; window is its index.
func (d *streams) look(i int) {
	d.SHRXQ(d.shift, d.buf[i], d.window)
	d.MOVQ(operand.Mem{Base: d.table, Index: d.window, Scale: 8}, d.entry)
}

// consume shifts out the bits of the entry.
func (d *streams) consume(i int) {
	d.SHLXQ(d.entry, d.buf[i], d.buf[i])
}

// refill moves the source of lane i past the bytes that were used and loads the bit buffer anew. It
// leaves the source in window. The name tells the refills of a turn apart.
func (d *streams) refill(name string, i int) {
	d.Commentf("An empty entry: the next code is longer than the table's %d bits, or none.", d.p.TableBits)
	d.TESTB(d.entry.As8(), d.entry.As8())
	d.JZ(operand.LabelRef("slow" + name))
	d.Commentf("Refill lane %d: the marker bit tells how many bits were used.", i)
	d.TZCNTQ(d.buf[i], d.entry)
	d.advance(i)
	d.fill(i)
	d.Label("filled" + name)
}

// advance moves the source of lane i by the whole bytes among the used bits in entry; it leaves the
// source in window and the rest of the bits in entry.
func (d *streams) advance(i int) {
	d.MOVQ(d.entry, d.window)
	d.SHRQ(operand.Imm(3), d.window)
	d.ADDQ(d.src[i], d.window)
	d.MOVQ(d.window, d.src[i])
	d.ANDL(operand.Imm(7), d.entry.As32())
}

// fill loads 8 bytes from the address in window into the bit buffer of lane i, sets the marker in
// the lowest bit and shifts out as many bits as entry says.
func (d *streams) fill(i int) {
	d.MOVBEQQ(operand.Mem{Base: d.window}, d.buf[i])
	d.ORQ(operand.Imm(1), d.buf[i])
	d.SHLXQ(d.entry, d.buf[i], d.buf[i])
}

// slowPath decodes one code of lane i by a search through the list of long codes (lookup.Long), out
// of the way of the hot loop, in place of the refill of the same name. Where the list has no code
// either, the lane stands still. The symbol is in the lowest byte of window when store is called, and
// the length of its code, 0 for none, in the bit buffer.
func (d *streams) slowPath(name string, i int, store func()) {
	buf := d.buf[i]
	d.Label("slow" + name)
	d.Commentf("Slow path of lane %d: line up the bits of the next code.", i)
	d.TZCNTQ(buf, d.entry)
	d.advance(i)
	d.MOVBEQQ(operand.Mem{Base: d.window}, buf)
	d.SHLXQ(d.entry, buf, buf)
	d.SHRQ(operand.Imm(32), buf)
	d.Comment("Search downward for the first entry that does not begin above them; the lowest begins at 0.")
	d.MOVQ(d.longLast, d.window)
	d.Label("search" + name)
	d.CMPL(buf.As32(), operand.Mem{Base: d.window, Disp: 4})
	d.JCC(operand.LabelRef("found" + name))
	d.SUBQ(operand.Imm(8), d.window)
	d.JMP(operand.LabelRef("search" + name))
	d.Label("found" + name)
	d.Comment("Store its symbol, and count it if the entry is a code: the length of none is 0.")
	d.MOVQ(operand.Mem{Base: d.window}, d.window)
	d.MOVBQZX(d.window.As8(), buf)
	d.ADDQ(buf, d.entry)
	d.SHRQ(operand.Imm(8), d.window)
	store()
	d.advance(i)
	d.fill(i)
	d.JMP(operand.LabelRef("filled" + name))
}

// planBatch sets the number of turns, and leaves the function when it is 0.
func (d *streams) planBatch(job reg.GPVirtual) {
	symbols, bytes, ahead := lanes.TurnSymbols, d.p.turnBytes(), lanes.Ahead
	d.Commentf("How many turns has every lane room for? One yields at most %d symbols and consumes at most", symbols)
	d.Commentf("%d bytes; merges run ahead by at most %d words. Negative room means none. Divided by n is", bytes, ahead)
	d.Commentf("as times %d/n rounded up, and shifted right by %d.", 1<<reciprocalBits, reciprocalBits)
	turns, room := d.GP64(), d.GP64()
	least := func() {
		d.CMPQ(room, turns)
		d.CMOVQLT(room, turns)
	}
	divide := func(n int) {
		d.IMUL3Q(operand.I32(reciprocal(n)), room, room)
		d.SARQ(operand.Imm(reciprocalBits), room)
	}
	d.MOVL(operand.U32(lanes.BatchTurns), turns.As32())
	d.MOVQ(field(job, lanes.OffTurns), room)
	least()
	for i := range d.p.Lanes {
		d.Commentf("Lane %d: by its elements, then by its bytes of stream.", i)
		d.MOVQ(lane(job, i, lanes.OffLeft), room)
		d.SUBQ(operand.Imm(uint64(ahead)), room)
		divide(symbols)
		least()
		d.MOVQ(lane(job, i, lanes.OffSrcLast), room)
		d.SUBQ(lane(job, i, lanes.OffSrc), room)
		divide(bytes)
		least()
	}
	d.XORL(room.As32(), room.As32())
	d.CMPQ(turns, operand.Imm(0))
	d.CMOVQLT(room, turns)
	d.MOVQ(turns, field(job, lanes.OffTurns))
	d.JLE(operand.LabelRef("done"))
	d.MOVQ(turns, d.turns)
}

// reciprocalBits is the precision of a reciprocal that stands in for a division.
const reciprocalBits = 24

// reciprocal returns what to multiply by to divide by n. The quotient is exact as far as it counts:
// below lanes.BatchTurns.
func reciprocal(n int) int {
	r := (1<<reciprocalBits)/n + 1
	for q := range lanes.BatchTurns {
		if q*n*r>>reciprocalBits != q || (q*n+n-1)*r>>reciprocalBits != q {
			panic(fmt.Sprintf("avo: %d / %d is not the reciprocal of %d", r, 1<<reciprocalBits, n))
		}
	}
	return r
}

// beginLane fills the bit buffer of lane i, which begins to fill a half of its scratch memory.
func (d *streams) beginLane(job reg.GPVirtual, i int, half reg.GPVirtual) {
	d.LEAQ(laneMarks(job, i), d.window)
	d.MOVQ(d.window, d.marks[i])
	d.MOVQ(operand.Mem{Base: d.window, Disp: int(lanes.OffMarkBorder)}, d.window)
	d.MOVQ(d.window, d.border[i])
	d.MOVQ(lane(job, i, lanes.OffSrc), d.window)
	d.MOVQ(lane(job, i, lanes.OffBit), d.entry)
	d.MOVQ(d.window, d.src[i])
	d.fill(i)
	d.note(half, i)
}

// note keeps where lane i, whose source is in window, begins to fill a half.
func (d *streams) note(half reg.GPVirtual, i int) {
	d.MOVQ(d.window, begun(half, i, lanes.OffMarkSrc))
	d.MOVQ(d.buf[i], begun(half, i, lanes.OffMarkBuf))
}

// markBorder leaves a mark of lane i, which came past its border: where it began to fill a half, and the
// element that it had come to, which element loads to entry. It uses spare, too.
func (d *streams) markBorder(i int, half, spare reg.GPVirtual, element func()) {
	d.Commentf("Lane %d came past its border: mark where it was before, and the element.", i)
	d.MOVQ(d.marks[i], spare)
	for _, off := range []uintptr{lanes.OffMarkSrc, lanes.OffMarkBuf} {
		d.MOVQ(begun(half, i, off), d.entry)
		d.MOVQ(d.entry, operand.Mem{Base: spare, Disp: int(off)})
	}
	element()
	d.MOVQ(d.entry, operand.Mem{Base: spare, Disp: int(lanes.OffMarkElement)})
	d.ADDQ(operand.Imm(uint64(lanes.MarkSize)), spare)
	d.MOVQ(spare, d.marks[i])
	d.MOVQ(operand.Mem{Base: spare, Disp: int(lanes.OffMarkBorder)}, spare)
	d.MOVQ(spare, d.border[i])
}

// endMarks counts the marks that lane i left.
func (d *streams) endMarks(job reg.GPVirtual, i int) {
	d.LEAQ(laneMarks(job, i), d.window)
	d.SUBQ(d.marks[i], d.window)
	d.NEGQ(d.window)
	d.SHRQ(operand.Imm(log2(int(lanes.MarkSize))), d.window)
	d.MOVQ(d.window, lane(job, i, lanes.OffMarked))
}

// laneMarks is the first mark of lane i.
func laneMarks(job reg.GPVirtual, i int) operand.Mem {
	return field(job, lanes.OffMarks+uintptr(i)*lanes.LaneMarks)
}

// begun is a field of the mark of where lane i began to fill a half.
func begun(half reg.GPVirtual, i int, off uintptr) operand.Mem {
	return operand.Mem{Base: half, Disp: lanes.HalfSymbols + i*int(lanes.MarkSize) + int(off)}
}

// field is a word of the job.
func field(job reg.GPVirtual, off uintptr) operand.Mem {
	return operand.Mem{Base: job, Disp: int(off)}
}

// lane is a word of lane i of the job.
func lane(job reg.GPVirtual, i int, off uintptr) operand.Mem {
	return field(job, lanes.OffLanes+uintptr(i)*lanes.LaneSize+off)
}

// label numbers a label.
func label(name string, n ...int) string {
	for i, k := range n {
		name += []string{"", "_"}[min(i, 1)] + strconv.Itoa(k)
	}
	return name
}

// log2 returns the binary logarithm of n, a power of two.
func log2(n int) uint64 {
	l := uint64(0)
	for ; n > 1; n >>= 1 {
		l++
	}
	if 1<<l < n {
		panic(fmt.Sprintf("avo: %d is no power of two", n))
	}
	return l
}
