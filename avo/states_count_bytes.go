package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// countJointBytes emits the function that counts a run of joint symbols, for AVX2: see its comment.
func countJointBytes(ctx *build.Context) {
	const run, vectorBytes, round, ahead = 32, 32, 7, 2 << 10
	const step = 4 * vectorBytes
	ctx.Function("countJointAVX2")
	ctx.Attributes(attr.NOSPLIT)
	ctx.SignatureExpr("func(weights *byte, steps int, first uint16, counts *[8]uint64, others *byte) int")
	ctx.Comment("Counts the 32 joint symbols from first on in 64 weights at a time. A vector of counters has half a byte for each of",
		"two symbols: a table gives 1 for the first of them, 16 for the second, and 0 for the others. After 7 steps each half of",
		"the run is counted, and the counters are added up. Steps with other symbols are copied.")
	var tables [run / 4]operand.Mem // of half of the run
	for s := range tables {
		tables[s] = vector(ctx, label("symbols", s), vectorBytes, func(i int) byte {
			return map[int]byte{2 * s: 1, 2*s + 1: 16}[i%16]
		})
	}
	bytes := func(name string, value byte) operand.Mem {
		return vector(ctx, name, vectorBytes, func(int) byte { return value })
	}
	low, last, inRange, upper := bytes("countLow", 15), bytes("countLast", run-1), bytes("countRange", 0x70), bytes("countUpper", run/2)
	most := vector(ctx, "countMost", vectorBytes, func(i int) byte { return [2]byte{63, 0}[i%2] })

	first := ctx.YMM()
	argument, err := ctx.Param("first").Resolve()
	if err != nil {
		panic(err) // the signature above has this parameter
	}
	ctx.VPBROADCASTW(argument.Addr, first)
	param := func(name string) reg.GPVirtual { return ctx.Load(ctx.Param(name), ctx.GP64()).(reg.GPVirtual) }
	weights, end, counts, others := param("weights"), param("steps"), param("counts"), param("others")
	ctx.SHLQ(operand.Imm(log2(step)), end)
	ctx.ADDQ(weights, end)
	symbols := ctx.AllocLocal(round * step / 2)
	start, at, stop := ctx.GP64(), ctx.GP64(), ctx.GP64()
	ctx.LEAQ(symbols, start)
	ctx.Label("round")
	ctx.LEAQ(operand.Mem{Base: weights, Disp: step * round}, stop)
	ctx.CMPQ(stop, end)
	ctx.CMOVQHI(end, stop)
	ctx.MOVQ(start, at)
	ctx.Label("step")
	ctx.Comment("Symbols, less the first, at most 63, in bytes; their order does not matter.")
	var packed [2]vec
	for half := range packed {
		ctx.PREFETCHT0(operand.Mem{Base: weights, Disp: ahead + 2*vectorBytes*half})
		var words [2]vec
		for i := range words {
			words[i] = ctx.YMM()
			ctx.VMOVDQU(operand.Mem{Base: weights, Disp: vectorBytes * (2*half + i)}, words[i])
			ctx.VPADDW(words[i], words[i], words[i])
			ctx.VPSRLW(operand.Imm(7), words[i], words[i])
			ctx.VPSUBW(first, words[i], words[i])
			ctx.VPMINUW(most, words[i], words[i])
		}
		packed[half] = words[0]
		ctx.VPACKUSWB(words[1], words[0], packed[half])
		ctx.VMOVDQU(packed[half], operand.Mem{Base: at, Disp: vectorBytes * half})
	}
	ctx.VPMAXUB(packed[1], packed[0], packed[0])
	ctx.VPSUBUSB(last, packed[0], packed[0])
	ctx.VPTEST(packed[0], packed[0])
	ctx.JNZ(operand.LabelRef("other"))
	ctx.Label("next")
	ctx.ADDQ(operand.Imm(step/2), at)
	ctx.SUBQ(operand.I8(-step), weights)
	ctx.CMPQ(weights, stop)
	ctx.JNE(operand.LabelRef("step"))
	for half := range 2 {
		var counters [run / 4]vec
		for s := range counters {
			counters[s] = ctx.YMM()
			ctx.VPXOR(counters[s], counters[s], counters[s])
		}
		from, index, ones := ctx.GP64(), ctx.YMM(), ctx.YMM()
		ctx.MOVQ(start, from)
		ctx.Label(label("half", half))
		ctx.VMOVDQU(operand.Mem{Base: from}, index)
		if half > 0 {
			ctx.VPXOR(upper, index, index)
		}
		ctx.VPADDUSB(inRange, index, index)
		for s, counter := range counters {
			ctx.VMOVDQU(tables[s], ones)
			ctx.VPSHUFB(index, ones, ones)
			ctx.VPADDB(ones, counter, counter)
		}
		ctx.ADDQ(operand.Imm(vectorBytes), from)
		ctx.CMPQ(from, at)
		ctx.JNE(operand.LabelRef(label("half", half)))
		ctx.Comment("Add up: four sums of eight counters each.")
		zero := index
		ctx.VPXOR(zero, zero, zero)
		for s, counter := range counters {
			ctx.VPAND(low, counter, ones)
			ctx.VPSRLW(operand.Imm(4), counter, counter)
			ctx.VPAND(low, counter, counter)
			for odd, bytes := range []vec{ones, counter} {
				sums := operand.Mem{Base: counts, Disp: 64 * (run/2*half + 2*s + odd)}
				ctx.VPSADBW(zero, bytes, bytes)
				ctx.VPADDQ(sums, bytes, bytes)
				ctx.VMOVDQU(bytes, sums)
			}
		}
	}
	ctx.CMPQ(weights, end)
	ctx.JNE(operand.LabelRef("round"))
	ctx.SUBQ(param("others"), others)
	ctx.SHRQ(operand.Imm(log2(step)), others)
	ctx.Store(others, ctx.ReturnIndex(0))
	ctx.VZEROUPPER()
	ctx.RET()
	ctx.Label("other")
	for i := range step / vectorBytes {
		ctx.VMOVDQU(operand.Mem{Base: weights, Disp: vectorBytes * i}, packed[0])
		ctx.VMOVDQU(packed[0], operand.Mem{Base: others, Disp: vectorBytes * i})
	}
	ctx.SUBQ(operand.I8(-step), others)
	ctx.JMP(operand.LabelRef("next"))
}
