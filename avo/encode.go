package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Encoder assembles the hot loops of package encode into one Go assembly file. Its first line is "// " and
// header.
func Encoder(header string) ([]byte, error) {
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	e := encoder{ctx}
	e.split()
	e.pack()
	return assembled(ctx, header)
}

// encoder emits the functions that package encode declares.
type encoder struct{ *build.Context }

// begin starts a function that follows the given comments.
func (e encoder) begin(name, signature string, overview ...string) {
	e.Function(name)
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr(signature)
	e.Comment(overview...)
}

// param loads an argument of the function.
func (e encoder) param(name string) reg.GPVirtual {
	return e.Load(e.Param(name), e.GP64()).(reg.GPVirtual)
}

// split takes weights apart, 32 at a time.
func (e encoder) split() {
	const vector = 32
	e.begin("splitVectors", "func(weights, exponents, signMantissa *byte, vectors int)",
		"Splits 32 weights at a time. One index counts for all three arguments: from minus the number of",
		"weights up to 0, from the ends of what they point to.")
	weights, exponents, sm, i := e.param("weights"), e.param("exponents"), e.param("signMantissa"), e.param("vectors")
	e.SHLQ(operand.Imm(log2(vector)), i)
	e.LEAQ(operand.Mem{Base: weights, Index: i, Scale: 2}, weights)
	e.ADDQ(i, exponents)
	e.ADDQ(i, sm)
	e.NEGQ(i)
	e.JZ(operand.LabelRef("done"))
	mantissa, low := e.YMM(), e.YMM()
	e.Comment("The low 7 and the low 8 bits of each word.")
	e.VPCMPEQW(low, low, low)
	e.VPSRLW(operand.Imm(9), low, mantissa)
	e.VPSRLW(operand.Imm(8), low, low)
	e.Label("vector")
	var exponent, rest [2]reg.VecVirtual
	for half := range 2 {
		w, sign := e.YMM(), e.YMM()
		exponent[half], rest[half] = e.YMM(), e.YMM()
		e.VMOVDQU(operand.Mem{Base: weights, Index: i, Scale: 2, Disp: 32 * half}, w)
		e.VPSRLW(operand.Imm(7), w, exponent[half])
		e.VPAND(low, exponent[half], exponent[half])
		e.VPSRLW(operand.Imm(15), w, sign)
		e.VPSLLW(operand.Imm(7), sign, sign)
		e.VPAND(mantissa, w, rest[half])
		e.VPOR(sign, rest[half], rest[half])
	}
	e.Comment("Words to bytes; packing leaves the quadwords in the order 0, 2, 1, 3.")
	for _, out := range []struct {
		words [2]reg.VecVirtual
		to    reg.GPVirtual
	}{{exponent, exponents}, {rest, sm}} {
		e.VPACKUSWB(out.words[1], out.words[0], out.words[0])
		e.VPERMQ(operand.Imm(0xd8), out.words[0], out.words[0])
		e.VMOVDQU(out.words[0], operand.Mem{Base: out.to, Index: i, Scale: 1})
	}
	e.ADDQ(operand.Imm(vector), i)
	e.JNZ(operand.LabelRef("vector"))
	e.VZEROUPPER()
	e.Label("done")
	e.RET()
}

// pack appends codes, a group of 8 at a time.
func (e encoder) pack() {
	const groupElements, groupBits = 8, 56
	e.begin("packGroups", "func(exponents *byte, groups int, pairs *uint64, starts *uint32, stream *byte, acc, bit uint64) (done int, accAfter, bitAfter uint64)",
		"Appends the codes of 8 exponents at a time. A pair of exponents is an index into the table of",
		"pairs: the low half of an entry is both codes, byte 4 their length. A group whose codes are longer",
		"than 56 bits ends the loop. acc holds the last bits of the stream; bit is its length. After a group",
		"the 8 bytes of the stream from the one on in which the group starts are stored.")
	exponents, pairs, starts, stream := e.param("exponents"), e.param("pairs"), e.param("starts"), e.param("stream")
	acc, bit, i := e.param("acc"), e.param("bit"), e.param("groups")
	e.Comment("One index counts groups from minus their number up to 0, from the ends of exponents and starts.")
	e.LEAQ(operand.Mem{Base: exponents, Index: i, Scale: groupElements}, exponents)
	e.LEAQ(operand.Mem{Base: starts, Index: i, Scale: 4}, starts)
	e.NEGQ(i)
	e.JZ(operand.LabelRef("done"))
	e.Label("group")
	var codes, length [2]reg.GPVirtual
	for half := range 2 {
		codes[half], length[half] = e.GP64(), e.GP64()
		second, secondLength := e.GP64(), e.GP64()
		at := operand.Mem{Base: exponents, Index: i, Scale: groupElements, Disp: groupElements / 2 * half}
		e.Commentf("Four codes, pair by pair.")
		e.MOVWQZX(at, codes[half])
		at.Disp += 2
		e.MOVWQZX(at, second)
		e.MOVBQZX(operand.Mem{Base: pairs, Index: codes[half], Scale: 8, Disp: 4}, length[half])
		e.MOVBQZX(operand.Mem{Base: pairs, Index: second, Scale: 8, Disp: 4}, secondLength)
		e.MOVL(operand.Mem{Base: pairs, Index: codes[half], Scale: 8}, codes[half].As32())
		e.MOVL(operand.Mem{Base: pairs, Index: second, Scale: 8}, second.As32())
		e.SHLXQ(secondLength, codes[half], codes[half])
		e.ORQ(second, codes[half])
		e.ADDQ(secondLength, length[half])
	}
	e.Comment("All eight.")
	e.SHLXQ(length[1], codes[0], codes[0])
	e.ORQ(codes[1], codes[0])
	e.ADDQ(length[1], length[0])
	e.CMPQ(length[0], operand.Imm(groupBits))
	e.JHI(operand.LabelRef("done"))
	e.Comment("Append them, and store from the byte on in which they start: shifting left by 64 - n is",
		"shifting by -n, the processor takes the count modulo 64.")
	e.MOVL(bit.As32(), operand.Mem{Base: starts, Index: i, Scale: 4})
	from, at := e.GP64(), e.GP64()
	e.MOVQ(bit, from)
	e.MOVQ(bit, at)
	e.SHLXQ(length[0], acc, acc)
	e.ORQ(codes[0], acc)
	e.ADDQ(length[0], bit)
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
