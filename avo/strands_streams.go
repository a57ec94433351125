package avo

import (
	"fmt"
	"strconv"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/lookup"
	"github.com/seed54244801/bespoke/internal/strands"
)

// streams emits what has to do with the strands' streams: bit buffers, lookups, refills, marks.
type streams struct {
	*build.Context

	table  reg.GPVirtual   // the lookup table
	shift  reg.GPVirtual   // 64 - lookup.TableBits
	window reg.GPVirtual   // the index of a lookup; free between lookups
	entry  reg.GPVirtual   // the entry of a lookup; free between lookups
	buf    []reg.GPVirtual // the bit buffer of each strand

	src      []operand.Mem // the address from which each strand loads its stream
	marks    []operand.Mem // the next mark that each strand leaves
	border   []operand.Mem // the border of that mark
	turns    operand.Mem   // the turns that are left
	longLast operand.Mem   // the end of the list of long codes
}

// planStreams reserves registers and stack.
func (d *streams) planStreams() {
	d.table, d.shift = d.GP64(), d.GP64()
	d.window, d.entry = d.GP64(), d.GP64()
	for range strands.Count {
		d.buf = append(d.buf, d.GP64())
		d.src = append(d.src, d.AllocLocal(8))
		d.border = append(d.border, d.AllocLocal(8))
		d.marks = append(d.marks, d.AllocLocal(8))
	}
	d.turns, d.longLast = d.AllocLocal(8), d.AllocLocal(8)
}

// beginStreams loads the addresses of the table and of the list of long codes.
func (d *streams) beginStreams(job reg.GPVirtual) {
	d.MOVQ(field(job, strands.OffLongLast), d.window)
	d.MOVQ(d.window, d.longLast)
	d.MOVQ(field(job, strands.OffTable), d.table)
}

// look loads the entry of the next lookup in strand i. Its index is in window.
func (d *streams) look(i int) {
	d.SHRXQ(d.shift, d.buf[i], d.window)
	d.MOVQ(operand.Mem{Base: d.table, Index: d.window, Scale: 8}, d.entry)
}

// consume shifts out the bits of the entry.
func (d *streams) consume(i int) {
	d.SHLXQ(d.entry, d.buf[i], d.buf[i])
}

// refill moves the source of strand i past the used bytes and loads the bit buffer again. It leaves the source in
// window. The name tells the refills of a turn apart.
func (d *streams) refill(name string, i int) {
	d.Commentf("If the entry is empty, the next code has more than %d bits, or there is no code.", lookup.TableBits)
	d.TESTB(d.entry.As8(), d.entry.As8())
	d.JZ(operand.LabelRef("slow" + name))
	d.Commentf("Refill strand %d: the marker bit tells the number of used bits.", i)
	d.TZCNTQ(d.buf[i], d.entry)
	d.advance(i)
	d.fill(i)
	d.Label("filled" + name)
}

// advance moves the source of strand i by the whole bytes among the used bits, whose number is in entry. It leaves
// the source in window, and the number of the other used bits in entry.
func (d *streams) advance(i int) {
	d.MOVQ(d.entry, d.window)
	d.SHRQ(operand.Imm(3), d.window)
	d.ADDQ(d.src[i], d.window)
	d.MOVQ(d.window, d.src[i])
	d.ANDL(operand.Imm(7), d.entry.As32())
}

// fill loads 8 bytes from the address in window into the bit buffer of strand i. It sets the marker in the lowest
// bit, and shifts out as many bits as entry says.
func (d *streams) fill(i int) {
	d.MOVBEQQ(operand.Mem{Base: d.window}, d.buf[i])
	d.ORQ(operand.Imm(1), d.buf[i])
	d.SHLXQ(d.entry, d.buf[i], d.buf[i])
}

// slowPath decodes one code of strand i by a search through the list of long codes (lookup.Long). It is outside of
// the hot loop and replaces the refill of the same name. If the list has no code either, the strand does not move.
// When store is called, the symbol is in the lowest byte of window, and the length of its code is in the bit
// buffer, 0 for no code.
func (d *streams) slowPath(name string, i int, store func()) {
	buf := d.buf[i]
	d.Label("slow" + name)
	d.Commentf("Slow path of strand %d: line up the bits of the next code.", i)
	d.TZCNTQ(buf, d.entry)
	d.advance(i)
	d.MOVBEQQ(operand.Mem{Base: d.window}, buf)
	d.SHLXQ(d.entry, buf, buf)
	d.SHRQ(operand.Imm(32), buf)
	d.Comment("Search downward for the first entry that does not begin above these bits. The lowest begins at 0.")
	d.MOVQ(d.longLast, d.window)
	d.Label("search" + name)
	d.CMPL(buf.As32(), operand.Mem{Base: d.window, Disp: 4})
	d.JCC(operand.LabelRef("found" + name))
	d.SUBQ(operand.Imm(8), d.window)
	d.JMP(operand.LabelRef("search" + name))
	d.Label("found" + name)
	d.Comment("Store its symbol. Count it if the length is not 0: otherwise there is no code.")
	d.MOVQ(operand.Mem{Base: d.window}, d.window)
	d.MOVBQZX(d.window.As8(), buf)
	d.ADDQ(buf, d.entry)
	d.SHRQ(operand.Imm(8), d.window)
	store()
	d.advance(i)
	d.fill(i)
	d.JMP(operand.LabelRef("filled" + name))
}

// planCall sets the number of turns, and leaves the function if it is 0.
func (d *streams) planCall(job reg.GPVirtual) {
	symbols, bytes, ahead := strands.TurnSymbols, turnBytes, strands.Ahead
	d.Commentf("How many turns has every strand room for? A turn decodes at most %d symbols from at most", symbols)
	d.Commentf("%d bytes, and merges write at most %d words too many. A negative room is none. A division by n", bytes, ahead)
	d.Commentf("is a product with %d/n, rounded up, and a shift to the right by %d.", 1<<reciprocalBits, reciprocalBits)
	turns, room := d.GP64(), d.GP64()
	least := func() {
		d.CMPQ(room, turns)
		d.CMOVQLT(room, turns)
	}
	divide := func(n int) {
		d.IMUL3Q(operand.I32(reciprocal(n)), room, room)
		d.SARQ(operand.Imm(reciprocalBits), room)
	}
	d.MOVL(operand.U32(strands.CallTurns), turns.As32())
	d.MOVQ(field(job, strands.OffTurns), room)
	least()
	for i := range strands.Count {
		d.Commentf("Strand %d: by its elements, then by its bytes of stream.", i)
		d.MOVQ(strand(job, i, strands.OffLeft), room)
		d.SUBQ(operand.Imm(uint64(ahead)), room)
		divide(symbols)
		least()
		d.MOVQ(strand(job, i, strands.OffSrcLast), room)
		d.SUBQ(strand(job, i, strands.OffSrc), room)
		divide(bytes)
		least()
	}
	d.XORL(room.As32(), room.As32())
	d.CMPQ(turns, operand.Imm(0))
	d.CMOVQLT(room, turns)
	d.MOVQ(turns, field(job, strands.OffTurns))
	d.JLE(operand.LabelRef("done"))
	d.MOVQ(turns, d.turns)
}

// reciprocalBits is the precision of a reciprocal that stands in for a division.
const reciprocalBits = 24

// reciprocal returns the factor that stands in for a division by n. Quotients below strands.CallTurns are exact,
// and larger ones do not matter.
func reciprocal(n int) int {
	r := (1<<reciprocalBits)/n + 1
	for q := range strands.CallTurns {
		if q*n*r>>reciprocalBits != q || (q*n+n-1)*r>>reciprocalBits != q {
			panic(fmt.Sprintf("avo: %d / %d is not the reciprocal of %d", r, 1<<reciprocalBits, n))
		}
	}
	return r
}

// beginStrand fills the bit buffer of strand i, which begins to fill a half of its scratch memory.
func (d *streams) beginStrand(job reg.GPVirtual, i int, half reg.GPVirtual) {
	d.LEAQ(strandMarks(job, i), d.window)
	d.MOVQ(d.window, d.marks[i])
	d.MOVQ(operand.Mem{Base: d.window, Disp: int(strands.OffMarkBorder)}, d.window)
	d.MOVQ(d.window, d.border[i])
	d.MOVQ(strand(job, i, strands.OffSrc), d.window)
	d.MOVQ(strand(job, i, strands.OffBit), d.entry)
	d.MOVQ(d.window, d.src[i])
	d.fill(i)
	d.note(half, i)
}

// note stores the place at which strand i begins to fill a half. Its source is in window.
func (d *streams) note(half reg.GPVirtual, i int) {
	d.MOVQ(d.window, begun(half, i, strands.OffMarkSrc))
	d.MOVQ(d.buf[i], begun(half, i, strands.OffMarkBuf))
}

// markBorder leaves a mark of strand i, which came to its border. The mark has the place at which the strand began
// to fill a half, and the element there, which the function element loads to entry. It uses the register spare,
// too.
func (d *streams) markBorder(i int, half, spare reg.GPVirtual, element func()) {
	d.Commentf("Strand %d came to its border: leave a mark of the place before, and of the element there.", i)
	d.MOVQ(d.marks[i], spare)
	for _, off := range []uintptr{strands.OffMarkSrc, strands.OffMarkBuf} {
		d.MOVQ(begun(half, i, off), d.entry)
		d.MOVQ(d.entry, operand.Mem{Base: spare, Disp: int(off)})
	}
	element()
	d.MOVQ(d.entry, operand.Mem{Base: spare, Disp: int(strands.OffMarkElement)})
	d.ADDQ(operand.Imm(uint64(strands.MarkSize)), spare)
	d.MOVQ(spare, d.marks[i])
	d.MOVQ(operand.Mem{Base: spare, Disp: int(strands.OffMarkBorder)}, spare)
	d.MOVQ(spare, d.border[i])
}

// endMarks counts the marks that strand i left.
func (d *streams) endMarks(job reg.GPVirtual, i int) {
	d.LEAQ(strandMarks(job, i), d.window)
	d.SUBQ(d.marks[i], d.window)
	d.NEGQ(d.window)
	d.SHRQ(operand.Imm(log2(int(strands.MarkSize))), d.window)
	d.MOVQ(d.window, strand(job, i, strands.OffMarked))
}

// strandMarks is the first mark of strand i.
func strandMarks(job reg.GPVirtual, i int) operand.Mem {
	return field(job, strands.OffMarks+uintptr(i)*strands.StrandMarks)
}

// begun is a field of the mark that tells where strand i began to fill a half.
func begun(half reg.GPVirtual, i int, off uintptr) operand.Mem {
	return operand.Mem{Base: half, Disp: strands.HalfSymbols + i*int(strands.MarkSize) + int(off)}
}

// field is a word of the job.
func field(job reg.GPVirtual, off uintptr) operand.Mem {
	return operand.Mem{Base: job, Disp: int(off)}
}

// strand is a word of strand i of the job.
func strand(job reg.GPVirtual, i int, off uintptr) operand.Mem {
	return field(job, strands.OffStrands+uintptr(i)*strands.StrandSize+off)
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
