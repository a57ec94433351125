package roofline_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"

	"github.com/seed54244801/bespoke/internal/roofline"
)

var update = flag.Bool("update", false, "write the generated files instead of comparing them")

// TestAssembly compares the assembly with the output of its program. The program is in a test so that nothing else
// links the assembler.
func TestAssembly(t *testing.T) {
	ctx := build.NewContext()
	program(ctx)
	file, err := ctx.Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Compile.Execute(file); err != nil {
		t.Fatal(err)
	}
	config := printer.Config{Name: "the tests of package roofline", Pkg: "roofline"}
	for name, p := range map[string]printer.Printer{
		"move_amd64.s":  printer.NewGoAsm(config),
		"move_amd64.go": printer.NewStubs(config),
	} {
		want, err := p.Print(file)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what its program makes (%v): run go generate ./internal/roofline", name, err)
		}
	}
}

// The distance at which memory is fetched ahead, in bytes.
const (
	prefetchDst          = 512
	prefetchSignMantissa = 256
)

func program(ctx *build.Context) {
	ctx.ConstraintExpr("amd64,!purego")
	ctx.Function("moveAVX2")
	ctx.Attributes(attr.NOSPLIT)
	ctx.SignatureExpr("func(dst *uint16, stream, signMantissa *byte, blocks uint64)")
	ctx.Pragma("noescape")
	ctx.Doc("moveAVX2 moves at least one block.")
	dst := ctx.Load(ctx.Param("dst"), ctx.GP64())
	stream := ctx.Load(ctx.Param("stream"), ctx.GP64())
	sm := ctx.Load(ctx.Param("signMantissa"), ctx.GP64())
	blocks := ctx.Load(ctx.Param("blocks"), ctx.GP64())
	codes := ctx.YMM()

	ctx.Label("block")
	ctx.VMOVDQU(operand.Mem{Base: stream}, codes)
	for v := range roofline.BlockWeights / 32 {
		mixed := ctx.YMM()
		ctx.VPXOR(operand.Mem{Base: sm, Disp: 32 * v}, codes, mixed)
		ctx.VMOVDQU(mixed, operand.Mem{Base: dst, Disp: 64 * v})
		ctx.VMOVDQU(mixed, operand.Mem{Base: dst, Disp: 64*v + 32})
		ctx.PREFETCHT0(operand.Mem{Base: dst, Disp: 64*v + prefetchDst})
	}
	ctx.PREFETCHT0(operand.Mem{Base: sm, Disp: prefetchSignMantissa})
	ctx.ADDQ(operand.Imm(roofline.BlockStream), stream)
	ctx.ADDQ(operand.Imm(roofline.BlockWeights), sm)
	ctx.ADDQ(operand.Imm(2*roofline.BlockWeights), dst)
	ctx.DECQ(blocks)
	ctx.JNZ(operand.LabelRef("block"))
	ctx.VZEROUPPER()
	ctx.RET()
}
