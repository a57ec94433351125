package avo

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pack emits the function that appends codes to the stream, a group of 8 at a time.
func (e encoder) pack() {
	const groupElements, groupBits = 8, 56
	e.begin("packGroups", "func(exponents *uint64, groups int, pairs *uint64, starts *uint32, stream *byte, acc, bit uint64, weights, signMantissa *byte, ahead int) (done int, accAfter, bitAfter uint64)",
		"Appends the codes of 8 exponents at a time. A pair of exponents is an index into the table of",
		"pairs: the low half of an entry is both codes, byte 4 their length. A group whose codes are longer",
		"than 56 bits ends the loop. acc holds the last bits of the stream; bit is its length. After a group",
		"8 bytes of the stream are stored, from the byte on in which the group starts. Meanwhile the weights",
		"ahead and the place of their sign_mantissa bytes are fetched, because memory is idle here.")
	exponents, pairs, starts, stream := e.param("exponents"), e.param("pairs"), e.param("starts"), e.param("stream")
	acc, bit, i := e.param("acc"), e.param("bit"), e.param("groups")
	weights, sm, ahead := e.param("weights"), e.param("signMantissa"), e.param("ahead")
	e.LEAQ(operand.Mem{Base: weights, Index: ahead, Scale: 2}, weights)
	e.ADDQ(ahead, sm)
	e.Comment("One index counts groups from minus their number up to 0, from the ends of exponents and starts, and",
		"of the weights ahead, in two halves.")
	e.LEAQ(operand.Mem{Base: exponents, Index: i, Scale: groupElements}, exponents)
	e.LEAQ(operand.Mem{Base: starts, Index: i, Scale: 4}, starts)
	e.LEAQ(operand.Mem{Base: sm, Index: i, Scale: groupElements}, sm)
	e.LEAQ(operand.Mem{Base: weights, Index: i, Scale: groupElements}, weights)
	second := e.GP64()
	e.LEAQ(operand.Mem{Base: weights, Index: i, Scale: groupElements}, second)
	e.NEGQ(i)
	e.JZ(operand.LabelRef("done"))
	e.Label("group")
	for _, half := range []reg.GPVirtual{weights, second, sm} {
		e.PREFETCHT0(operand.Mem{Base: half, Index: i, Scale: groupElements})
	}
	codes, length := e.GP64(), e.GP64()
	for k := range groupElements / 2 {
		e.Commentf("Pair %d of %d.", k+1, groupElements/2)
		pair, pairLength := codes, length
		if k > 0 {
			pair, pairLength = e.GP64(), e.GP64()
		}
		e.MOVWQZX(operand.Mem{Base: exponents, Index: i, Scale: groupElements, Disp: 2 * k}, pair)
		e.MOVBQZX(operand.Mem{Base: pairs, Index: pair, Scale: 8, Disp: 4}, pairLength)
		e.MOVL(operand.Mem{Base: pairs, Index: pair, Scale: 8}, pair.As32())
		if k > 0 {
			e.SHLXQ(pairLength, codes, codes)
			e.ORQ(pair, codes)
			e.ADDQ(pairLength, length)
		}
	}
	e.CMPQ(length, operand.Imm(groupBits))
	e.JHI(operand.LabelRef("done"))
	e.Comment("Append them, and store 8 bytes from the byte on in which they start. A shift by -n is a shift by",
		"64 - n, because the processor takes the count modulo 64.")
	e.MOVL(bit.As32(), operand.Mem{Base: starts, Index: i, Scale: 4})
	from, at := e.GP64(), e.GP64()
	e.MOVQ(bit, from)
	e.MOVQ(bit, at)
	e.SHLXQ(length, acc, acc)
	e.ORQ(codes, acc)
	e.ADDQ(length, bit)
	e.ANDQ(operand.I8(-8), from)
	e.SUBQ(bit, from)
	e.SHLXQ(from, acc, from)
	e.SHRQ(operand.Imm(3), at)
	e.MOVBEQQ(from, operand.Mem{Base: stream, Index: at, Scale: 1})
	e.INCQ(i)
	e.JNZ(operand.LabelRef("group"))
	e.Label("done")
	done := e.param("groups")
	e.ADDQ(i, done)
	e.Store(done, e.ReturnIndex(0))
	e.Store(acc, e.ReturnIndex(1))
	e.Store(bit, e.ReturnIndex(2))
	e.RET()
}
