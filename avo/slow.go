package avo

import (
	"github.com/mmcloughlin/avo/operand"
)

// slowPath decodes one code of lane i by a search through the list of long codes (kernel.Long), out
// of the way of the hot loop. Where the list has no code either, the lane stands still.
func (d *decoder) slowPath(round, i int) {
	buf, search, found := d.buf[i], label("search", round, i), label("found", round, i)
	d.Label(label("slow", round, i))
	d.Commentf("Slow path of lane %d: line up the bits of the next code.", i)
	d.TZCNTQ(buf, d.entry)
	d.advance(i)
	d.MOVBEQQ(operand.Mem{Base: d.window}, buf)
	d.SHLXQ(d.entry, buf, buf)
	d.SHRQ(operand.Imm(32), buf)
	d.Comment("Search downward for the first entry that does not begin above them; the lowest begins at 0.")
	d.MOVQ(d.longLast, d.window)
	d.Label(search)
	d.CMPL(buf.As32(), operand.Mem{Base: d.window, Disp: 4})
	d.JCC(operand.LabelRef(found))
	d.SUBQ(operand.Imm(8), d.window)
	d.JMP(operand.LabelRef(search))
	d.Label(found)
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
	d.JMP(operand.LabelRef(label("filled", round, i)))
}
