package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// count counts a run of exponents, all of them in each vector.
func (e encoder) count() {
	const vector, run = 32, 14
	e.begin("countVectors", "func(weights *byte, vectors int, first uint8, counts *uint64, others *byte) int",
		"Counts the 14 exponents from first on in 32 weights at a time: each has a vector of byte counters, from",
		"which equal bytes, -1 in a comparison, are subtracted. Vectors with other exponents are copied as well.")
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
