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
	e.shift()
	e.index()
	e.count()
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
	e.begin("packGroups", "func(exponents *byte, groups int, pairs *uint64, starts *uint32, stream *byte, acc, bit uint64, weights, signMantissa *byte, ahead int) (done int, accAfter, bitAfter uint64)",
		"Appends the codes of 8 exponents at a time. A pair of exponents is an index into the table of",
		"pairs: the low half of an entry is both codes, byte 4 their length. A group whose codes are longer",
		"than 56 bits ends the loop. acc holds the last bits of the stream; bit is its length. After a group",
		"the 8 bytes of the stream from the one on in which the group starts are stored. Meanwhile the weights",
		"that come ahead and the place of their sign_mantissa bytes are fetched: here memory has nothing to do.")
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
	e.Comment("Append them, and store from the byte on in which they start: shifting left by 64 - n is",
		"shifting by -n, the processor takes the count modulo 64.")
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

// shift moves bytes to where their bits start elsewhere in a byte.
func (e encoder) shift() {
	const vector = 32
	e.begin("shiftVectors", "func(dst, src *byte, vectors int, shift uint64)",
		"Writes 32 bytes at a time, each the high bits of a byte of src below the low bits of the byte before",
		"it, shift of them. The shifts are of words: the masks clear what comes from the other byte.")
	dst, src, i, shift := e.param("dst"), e.param("src"), e.param("vectors"), e.param("shift")
	right, left, high, low := e.XMM(), e.XMM(), e.YMM(), e.YMM()
	mask := e.GP64()
	e.VMOVQ(shift, right)
	e.MOVL(operand.U32(0xff), mask.As32())
	e.SHRXQ(shift, mask, mask)
	e.VMOVQ(mask, low.AsX())
	e.VPBROADCASTB(low.AsX(), low)
	e.VPCMPEQB(high, high, high)
	e.VPXOR(low, high, high)
	e.NEGQ(shift)
	e.ADDQ(operand.Imm(8), shift)
	e.VMOVQ(shift, left)
	e.SHLQ(operand.Imm(log2(vector)), i)
	e.ADDQ(i, dst)
	e.ADDQ(i, src)
	e.NEGQ(i)
	e.JZ(operand.LabelRef("done"))
	e.Label("vector")
	bytes, before := e.YMM(), e.YMM()
	e.VMOVDQU(operand.Mem{Base: src, Index: i, Scale: 1}, bytes)
	e.VMOVDQU(operand.Mem{Base: src, Index: i, Scale: 1, Disp: -1}, before)
	e.VPSRLW(right, bytes, bytes)
	e.VPSLLW(left, before, before)
	e.VPAND(low, bytes, bytes)
	e.VPAND(high, before, before)
	e.VPOR(before, bytes, bytes)
	e.VMOVDQU(bytes, operand.Mem{Base: dst, Index: i, Scale: 1})
	e.ADDQ(operand.Imm(vector), i)
	e.JNZ(operand.LabelRef("vector"))
	e.Label("done")
	e.VZEROUPPER()
	e.RET()
}

// index finds the gaps of windows.
func (e encoder) index() {
	const groupElements, windowBits = 8, 64
	e.begin("indexWindows", "func(starts *uint32, groups int, offset uint64, last *uint16, exponents *byte, pairs *uint64, gaps *byte, windows int)",
		"First notes the last group that starts in each window: group by group, the last one stays.")
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

	e.Comment("Then, window by window, finds the first code of that group to reach its end. Byte k of the sums",
		"is the length of the codes up to k, less what is left of the window, plus 128: its top bit",
		"is set if they reach, the others are the gap.")
	exponents, pairs, gaps, windows := e.param("exponents"), e.param("pairs"), e.param("gaps"), e.param("windows")
	e.LEAQ(operand.Mem{Base: last, Index: windows, Scale: 2}, last)
	e.ADDQ(windows, gaps)
	e.NEGQ(windows)
	e.JZ(operand.LabelRef("done"))
	end, each, tops := e.GP64(), e.GP64(), e.GP64()
	e.Comment("The end of the window, less 128.")
	e.MOVL(operand.U32(128-windowBits), end.As32())
	e.ADDQ(offset, end)
	e.NEGQ(end)
	e.MOVQ(operand.U64(0x0101010101010101), each)
	e.MOVQ(operand.U64(0x8080808080808080), tops)
	e.Label("window")
	e.MOVWQZX(operand.Mem{Base: last, Index: windows, Scale: 2}, group)
	e.MOVL(operand.Mem{Base: starts, Index: group, Scale: 4}, start.As32())
	sums, pair := e.GP64(), e.GP64()
	for i := range groupElements / 2 {
		lengths := sums
		if i > 0 {
			lengths = e.GP64()
		}
		e.MOVWQZX(operand.Mem{Base: exponents, Index: group, Scale: groupElements, Disp: 2 * i}, pair)
		e.MOVWQZX(operand.Mem{Base: pairs, Index: pair, Scale: 8, Disp: 6}, lengths)
		if i > 0 {
			e.SHLQ(operand.Imm(uint64(16*i)), lengths)
			e.ORQ(lengths, sums)
		}
	}
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

// count counts a run of exponents, all of them in each vector.
func (e encoder) count() {
	const vector, run = 32, 14
	e.begin("countVectors", "func(weights *byte, vectors int, first uint8, counts *uint64, others *byte) int",
		"Counts the 14 exponents from first on in 32 weights at a time: each has a vector of byte counters, from",
		"which equal bytes, -1 in a comparison, are subtracted. Vectors with other exponents are copied to others.")
	symbols := e.StaticGlobal("symbols")
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	for s := range run {
		for range vector / 8 {
			e.AppendDatum(operand.U64(uint64(s) * 0x0101010101010101))
		}
	}
	exponents, second := e.YMM(), e.YMM()
	first := e.AllocLocal(vector)
	argument, err := e.Param("first").Resolve()
	if err != nil {
		panic(err) // the signature above has it
	}
	e.VPBROADCASTB(argument.Addr, exponents)
	e.VMOVDQU(exponents, first)
	weights, vectors, others := e.param("weights"), e.param("vectors"), e.param("others")
	var counters [run]reg.VecVirtual
	for s := range counters {
		counters[s] = e.YMM()
		e.VPXOR(counters[s], counters[s], counters[s])
	}
	e.SHLQ(operand.Imm(log2(2*vector)), vectors)
	e.ADDQ(weights, vectors)
	end := vectors
	e.Label("vector")
	e.Comment("Exponents, less the first; their order does not matter.")
	for half, words := range []reg.VecVirtual{exponents, second} {
		e.VMOVDQU(operand.Mem{Base: weights, Disp: vector * half}, words)
		e.VPSLLW(operand.Imm(1), words, words)
		e.VPSRLW(operand.Imm(8), words, words)
	}
	e.VPACKUSWB(second, exponents, exponents)
	e.VPSUBB(first, exponents, exponents)
	e.VPSUBUSB(symbols.Offset(vector*(run-1)), exponents, second)
	e.VPTEST(second, second)
	e.JNZ(operand.LabelRef("other"))
	e.Label("run")
	for s := range counters {
		e.VPCMPEQB(symbols.Offset(vector*s), exponents, second)
		e.VPSUBB(second, counters[s], counters[s])
	}
	e.ADDQ(operand.Imm(2*vector), weights)
	e.CMPQ(weights, end)
	e.JNE(operand.LabelRef("vector"))
	e.Comment("Sum up: four sums of eight byte counters each.")
	counts := e.param("counts")
	e.VPXOR(second, second, second)
	for s := range counters {
		e.VPSADBW(second, counters[s], counters[s])
		e.VMOVDQU(counters[s], operand.Mem{Base: counts, Disp: vector * s})
	}
	e.SUBQ(e.param("others"), others)
	e.SHRQ(operand.Imm(log2(vector)), others)
	e.Store(others, e.ReturnIndex(0))
	e.VZEROUPPER()
	e.RET()
	e.Label("other")
	e.VMOVDQU(exponents, operand.Mem{Base: others})
	e.ADDQ(operand.Imm(vector), others)
	e.JMP(operand.LabelRef("run"))
}
