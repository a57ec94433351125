package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// count emits the function that counts the exponents of a run of 14. Each vector of weights is compared with all of
// them.
func (e encoder) count() {
	const vector, run, round, ahead = 32, 14, 15, 2 << 10
	e.begin("countVectors", "func(weights *byte, vectors int, first uint8, counts *uint64, others *byte) int",
		"Counts the 14 exponents from first on in 32 weights at a time. A vector of counters has half a byte for",
		"each of two exponents: a table gives 1 for the first of them, 16 for the second, and 0 for the others.",
		"After 15 vectors the counters could be full, and are added up. Vectors with other exponents are copied.",
		"The weights 2 KiB ahead are fetched: the processor by itself does not fetch beyond a page.")
	symbols := e.StaticGlobal("symbols")
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	for s := 0; s < run; s += 2 {
		var table [2]uint64
		table[s/8] = 0x1001 << (8 * (s % 8))
		e.AppendDatum(operand.U64(table[0]))
		e.AppendDatum(operand.U64(table[1]))
	}
	bytes := func(name string, value uint64) operand.Mem {
		m := e.StaticGlobal(name)
		e.DataAttributes(attr.RODATA | attr.NOPTR)
		for range vector / 8 {
			e.AppendDatum(operand.U64(value * 0x0101010101010101))
		}
		return m
	}
	last, none, low := bytes("last", run-1), bytes("none", run), bytes("low", 15)

	exponents, second := e.YMM(), e.YMM()
	first := e.AllocLocal(vector)
	argument, err := e.Param("first").Resolve()
	if err != nil {
		panic(err) // the signature above has this parameter
	}
	e.VPBROADCASTB(argument.Addr, exponents)
	e.VMOVDQU(exponents, first)
	weights, end, counts, others := e.param("weights"), e.param("vectors"), e.param("counts"), e.param("others")
	e.SHLQ(operand.Imm(log2(2*vector)), end)
	e.ADDQ(weights, end)
	var tables, counters [run / 2]reg.VecVirtual
	for s := range counters {
		tables[s], counters[s] = e.YMM(), e.YMM()
		e.VBROADCASTI128(symbols.Offset(16*s), tables[s])
		e.VPXOR(counters[s], counters[s], counters[s])
	}
	stop := e.GP64()
	e.Label("round")
	e.LEAQ(operand.Mem{Base: weights, Disp: 2 * vector * round}, stop)
	e.CMPQ(stop, end)
	e.CMOVQHI(end, stop)
	e.Label("vector")
	e.PREFETCHT0(operand.Mem{Base: weights, Disp: ahead})
	e.Comment("Exponents, less the first; their order does not matter.")
	for half, words := range []reg.VecVirtual{exponents, second} {
		e.VMOVDQU(operand.Mem{Base: weights, Disp: vector * half}, words)
		e.VPADDW(words, words, words)
		e.VPSRLW(operand.Imm(8), words, words)
	}
	e.VPACKUSWB(second, exponents, exponents)
	e.VPSUBB(first, exponents, exponents)
	e.VPSUBUSB(last, exponents, second)
	e.VPTEST(second, second)
	e.JNZ(operand.LabelRef("other"))
	e.Label("run")
	for s := range counters {
		e.VPSHUFB(exponents, tables[s], second)
		e.VPADDB(second, counters[s], counters[s])
	}
	e.ADDQ(operand.Imm(2*vector), weights)
	e.CMPQ(weights, stop)
	e.JNE(operand.LabelRef("vector"))
	e.Comment("Add up: four sums of eight counters each.")
	e.VPXOR(second, second, second)
	for s, counter := range counters {
		e.VPAND(low, counter, exponents)
		e.VPSRLW(operand.Imm(4), counter, counter)
		e.VPAND(low, counter, counter)
		for half, bytes := range []reg.VecVirtual{exponents, counter} {
			sums := operand.Mem{Base: counts, Disp: vector * (2*s + half)}
			e.VPSADBW(second, bytes, bytes)
			e.VPADDQ(sums, bytes, bytes)
			e.VMOVDQU(bytes, sums)
		}
		e.VPXOR(counter, counter, counter)
	}
	e.CMPQ(weights, end)
	e.JNE(operand.LabelRef("round"))
	e.SUBQ(e.param("others"), others)
	e.SHRQ(operand.Imm(log2(vector)), others)
	e.Store(others, e.ReturnIndex(0))
	e.VZEROUPPER()
	e.RET()
	e.Label("other")
	e.Comment("Exponents beyond the run become 14, which no table counts: indices of tables have only 4 bits.")
	e.VMOVDQU(exponents, operand.Mem{Base: others})
	e.VPMINUB(none, exponents, exponents)
	e.ADDQ(operand.Imm(vector), others)
	e.JMP(operand.LabelRef("run"))
}
