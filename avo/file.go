package avo

import (
	"bytes"
	"errors"
	"fmt"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// constraint keeps the assembly out of other architectures and of builds that ask for Go alone.
const constraint = "amd64,!purego"

// File assembles the programs into one Go assembly file, each once. Its first line is "// " and header.
func File(header string, programs []Program) ([]byte, error) {
	if len(programs) == 0 {
		return nil, errors.New("avo: no programs")
	}
	if kernel.LaneSize != 6*8 || kernel.MarkSize != 16 {
		return nil, errors.New("avo: the offsets of amd64 need a 64-bit machine to generate on")
	}
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	constants := newConstants(ctx)
	for _, p := range distinct(programs) {
		if err := p.Validate(); err != nil {
			return nil, err
		}
		newDecoder(ctx, &p, constants).emit()
	}
	return assembled(ctx, header)
}

// assembled prints what a context holds as a Go assembly file. Its first line is "// " and header.
func assembled(ctx *build.Context, header string) ([]byte, error) {
	file, err := ctx.Result()
	if err != nil {
		return nil, fmt.Errorf("avo: build: %w", err)
	}
	if err := pass.Compile.Execute(file); err != nil {
		return nil, fmt.Errorf("avo: compile: %w", err)
	}
	asm, err := printer.NewGoAsm(printer.Config{Name: "bespoke"}).Print(file)
	if err != nil {
		return nil, fmt.Errorf("avo: print: %w", err)
	}
	// The printer's own first line says the same with less: it knows nothing of the model.
	_, body, ok := bytes.Cut(asm, []byte("\n"))
	if !ok {
		return nil, errors.New("avo: print: no first line")
	}
	return append([]byte("// "+header+"\n"), body...), nil
}

// constants are the vectors that all programs of a file share.
type constants struct {
	reverse operand.Mem // for VPSHUFB: reverses the bytes of each 8
	topBits operand.Mem // the highest bit of each byte
}

func newConstants(ctx *build.Context) constants {
	var c constants
	c.reverse = ctx.StaticGlobal("reverse")
	ctx.DataAttributes(attr.RODATA | attr.NOPTR)
	for range 2 {
		ctx.AppendDatum(operand.U64(0x0001020304050607))
		ctx.AppendDatum(operand.U64(0x08090a0b0c0d0e0f))
	}
	c.topBits = ctx.StaticGlobal("topBits")
	ctx.DataAttributes(attr.RODATA | attr.NOPTR)
	for range 4 {
		ctx.AppendDatum(operand.U64(0x8080808080808080))
	}
	return c
}

// signature is func(job *kernel.Job), put together by hand: loading the package from source would
// make the output depend on the directory it runs in.
func signature() *gotypes.Signature {
	pkg := types.NewPackage("github.com/seed54244801/bespoke/runtime/kernel", "kernel")
	name := types.NewTypeName(token.NoPos, pkg, "Job", nil)
	job := types.NewNamed(name, types.NewStruct(nil, nil), nil)
	params := types.NewTuple(types.NewVar(token.NoPos, nil, "job", types.NewPointer(job)))
	return gotypes.NewSignature(nil, types.NewSignatureType(nil, nil, nil, params, nil, false))
}
