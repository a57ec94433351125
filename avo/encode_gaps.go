package avo

import "github.com/mmcloughlin/avo/operand"

// gaps emits the function that finds the first code behind the end of each window. It knows the bits at which
// groups of codes start.
func (e encoder) gaps() {
	const groupElements, windowBits = 8, 64
	e.begin("findGaps", "func(starts *uint32, groups int, offset uint64, last *uint16, exponents *uint64, pairs *uint64, gaps *byte, windows int)",
		"First notes the last group that starts in each window: all groups are written, the last one stays.",
		"Its codes reach the end of the window. The first of them to do so goes beyond it by the gap of the next",
		"window. No step branches on the data.")
	starts, last := e.param("starts"), e.param("last")
	offset, groups := e.param("offset"), e.param("groups")
	group, start := e.GP64(), e.GP64()
	e.XORL(group.As32(), group.As32())
	e.Label("group")
	e.MOVL(operand.Mem{Base: starts, Index: group, Scale: 4}, start.As32())
	e.ADDQ(offset, start)
	e.SHRQ(operand.Imm(log2(windowBits)), start)
	e.MOVW(group.As16(), operand.Mem{Base: last, Index: start, Scale: 2})
	e.INCQ(group)
	e.CMPQ(group, groups)
	e.JNE(operand.LabelRef("group"))

	exponents, pairs, gaps, windows := e.param("exponents"), e.param("pairs"), e.param("gaps"), e.param("windows")
	e.Comment("One index counts windows from minus their number up to 0, from the ends of last and gaps.")
	e.LEAQ(operand.Mem{Base: last, Index: windows, Scale: 2}, last)
	e.ADDQ(windows, gaps)
	e.NEGQ(windows)
	e.JZ(operand.LabelRef("done"))
	e.Comment("The bit at which the window ends, less 128.")
	end, each, tops := e.GP64(), e.GP64(), e.GP64()
	e.MOVL(operand.U32(128-windowBits), end.As32())
	e.ADDQ(offset, end)
	e.NEGQ(end)
	e.MOVQ(operand.U64(0x0101010101010101), each)
	e.MOVQ(operand.U64(0x8080808080808080), tops)
	e.Label("window")
	e.MOVWQZX(operand.Mem{Base: last, Index: windows, Scale: 2}, group)
	e.MOVL(operand.Mem{Base: starts, Index: group, Scale: 4}, start.As32())
	e.Comment("The lengths of its eight codes, a byte each: the top two bytes of the entries of pairs.")
	sums, pair := e.GP64(), e.GP64()
	for k := range groupElements / 2 {
		lengths := sums
		if k > 0 {
			lengths = e.GP64()
		}
		e.MOVWQZX(operand.Mem{Base: exponents, Index: group, Scale: groupElements, Disp: 2 * k}, pair)
		e.MOVWQZX(operand.Mem{Base: pairs, Index: pair, Scale: 8, Disp: 6}, lengths)
		if k > 0 {
			e.SHLQ(operand.Imm(uint64(16*k)), lengths)
			e.ORQ(lengths, sums)
		}
	}
	e.Comment("Byte k becomes the length of the codes up to k, less the rest of the window, plus 128. Its top bit is",
		"set if these codes reach the end of the window. The other bits are the distance beyond it.")
	e.IMULQ(each, sums)
	e.SUBQ(end, start)
	e.IMULQ(each, start)
	e.ADDQ(start, sums)
	e.MOVQ(tops, pair)
	e.ANDQ(sums, pair)
	e.TZCNTQ(pair, pair)
	e.ANDL(operand.I8(-8), pair.As32())
	e.SHRXQ(pair, sums, sums)
	e.ANDL(operand.Imm(127), sums.As32())
	e.MOVB(sums.As8(), operand.Mem{Base: gaps, Index: windows, Scale: 1})
	e.ADDQ(operand.Imm(windowBits), end)
	e.INCQ(windows)
	e.JNZ(operand.LabelRef("window"))
	e.Label("done")
	e.RET()
}
