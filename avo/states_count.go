package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// countJoint emits the function that counts a run of joint symbols, for AVX-512: see its comment.
func countJoint(ctx *build.Context) {
	const run, weightsStep, round, ahead = 32, 64, 15, 2 << 10
	ctx.Function("countJoint")
	ctx.Attributes(attr.NOSPLIT)
	ctx.SignatureExpr("func(weights *byte, steps int, first uint16, counts *[8]uint64, others *byte) int")
	ctx.Comment("Counts the 32 joint symbols from first on in 64 weights at a time. A vector of counters has half a byte for each of",
		"two symbols: a table gives 1 for the first of them, 16 for the second, and 0 for the others. After 15 steps the",
		"counters could be full, and are added up. Steps with other symbols are copied.")
	var tables [run / 2]operand.Mem
	for s := range tables {
		tables[s] = vector(ctx, label("symbols", s), 64, func(i int) byte {
			return map[int]byte{2 * s: 1, 2*s + 1: 16}[i]
		})
	}
	bytes := func(name string, value byte) operand.Mem {
		return vector(ctx, name, 64, func(int) byte { return value })
	}
	low, last := bytes("countLow", 15), bytes("countLast", run-1)
	most := load(ctx, vector(ctx, "countMost", 64, func(i int) byte { return [2]byte{63, 0}[i%2] }))

	first, zero := ctx.ZMM(), ctx.ZMM()
	argument, err := ctx.Param("first").Resolve()
	if err != nil {
		panic(err) // the signature above has this parameter
	}
	ctx.VPBROADCASTW(argument.Addr, first)
	ctx.VPXORD(zero, zero, zero)
	param := func(name string) reg.GPVirtual { return ctx.Load(ctx.Param(name), ctx.GP64()).(reg.GPVirtual) }
	weights, end, counts, others := param("weights"), param("steps"), param("counts"), param("others")
	ctx.SHLQ(operand.Imm(log2(2*weightsStep)), end)
	ctx.ADDQ(weights, end)
	var counters [run / 2]vec
	for s := range counters {
		counters[s] = ctx.ZMM()
		ctx.VPXORD(counters[s], counters[s], counters[s])
	}
	stop := ctx.GP64()
	ctx.Label("round")
	ctx.LEAQ(operand.Mem{Base: weights, Disp: 2 * weightsStep * round}, stop)
	ctx.CMPQ(stop, end)
	ctx.CMOVQHI(end, stop)
	ctx.Label("step")
	ctx.Comment("Symbols, less the first, at most 63, in bytes; their order does not matter.")
	var symbols [2]vec
	for half := range symbols {
		m := operand.Mem{Base: weights, Disp: 64 * half}
		ctx.PREFETCHT0(m.Offset(ahead))
		symbols[half] = load(ctx, m)
		ctx.VPSLLW(operand.Imm(1), symbols[half], symbols[half])
		ctx.VPSRLW(operand.Imm(7), symbols[half], symbols[half])
		ctx.VPSUBW(first, symbols[half], symbols[half])
		ctx.VPMINUW(most, symbols[half], symbols[half])
	}
	ctx.VPSLLW(operand.Imm(8), symbols[1], symbols[1])
	ctx.VPORD(symbols[1], symbols[0], symbols[0])
	outside := ctx.K()
	ctx.VPCMPUB(operand.Imm(greater), last, symbols[0], outside)
	ctx.KORTESTQ(outside, outside)
	ctx.JNZ(operand.LabelRef("other"))
	ctx.Label("run")
	for s, counter := range counters {
		ones := ctx.ZMM()
		ctx.VPERMB(tables[s], symbols[0], ones)
		ctx.VPADDB(ones, counter, counter)
	}
	ctx.ADDQ(operand.I32(2*weightsStep), weights)
	ctx.CMPQ(weights, stop)
	ctx.JNE(operand.LabelRef("step"))
	ctx.Comment("Add up: eight sums of eight counters each.")
	for s, counter := range counters {
		upper := ctx.ZMM()
		ctx.VPSRLW(operand.Imm(4), counter, upper)
		for half, halves := range []vec{counter, upper} {
			sums := operand.Mem{Base: counts, Disp: 64 * (2*s + half)}
			ctx.VPANDD(low, halves, halves)
			ctx.VPSADBW(zero, halves, halves)
			ctx.VPADDQ(sums, halves, halves)
			ctx.VMOVDQU64(halves, sums)
		}
		ctx.VPXORD(counter, counter, counter)
	}
	ctx.CMPQ(weights, end)
	ctx.JNE(operand.LabelRef("round"))
	ctx.SUBQ(param("others"), others)
	ctx.SHRQ(operand.Imm(log2(2*weightsStep)), others)
	ctx.Store(others, ctx.ReturnIndex(0))
	ctx.VZEROUPPER()
	ctx.RET()
	ctx.Label("other")
	for half := range symbols {
		copied := load(ctx, operand.Mem{Base: weights, Disp: 64 * half})
		ctx.VMOVDQU64(copied, operand.Mem{Base: others, Disp: 64 * half})
	}
	ctx.ADDQ(operand.I32(2*weightsStep), others)
	ctx.JMP(operand.LabelRef("run"))
}
