package avo

import (
	"bytes"
	"encoding/binary"
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
	if kernel.LaneSize != 8*8 || kernel.MarkSize != 4*8 {
		return nil, errors.New("avo: the offsets of amd64 need a 64-bit machine to generate on")
	}
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	forms := make(map[kernel.Form]bool)
	for _, p := range programs {
		forms[p.Form] = true
	}
	constants := newConstants(ctx, forms)
	for _, p := range distinct(programs) {
		if err := p.Validate(); err != nil {
			return nil, err
		}
		if p.Form == kernel.Slots {
			newAVX512(ctx, &p, constants).emit()
		} else {
			newAVX2(ctx, &p, constants).emit()
		}
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

	low, high operand.Mem // for VPERMB: each byte of the low, the high half twice
	words     operand.Mem // the bits of a word that come from the symbol, where it stands in both bytes
	flags     operand.Mem // for VPSHUFBITQMB: the flags of the bytes of a slot
}

func newConstants(ctx *build.Context, forms map[kernel.Form]bool) constants {
	var c constants
	if forms[kernel.Bytes] {
		c.reverse = vector(ctx, "reverse", 32, func(i int) byte { return byte(i&8 | 7 - i&7) })
		c.topBits = vector(ctx, "topBits", 32, func(int) byte { return 0x80 })
	}
	if forms[kernel.Slots] {
		c.low = vector(ctx, "low", 64, func(i int) byte { return byte(i / 2) })
		c.high = vector(ctx, "high", 64, func(i int) byte { return byte(32 + i/2) })
		c.words = vector(ctx, "words", 64, func(i int) byte { return [2]byte{0x80, 0x7f}[i%2] })
		c.flags = vector(ctx, "flags", 64, func(i int) byte { return byte(56 + i%8) })
	}
	return c
}

// vector declares a constant of n bytes.
func vector(ctx *build.Context, name string, n int, at func(i int) byte) operand.Mem {
	m := ctx.StaticGlobal(name)
	ctx.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := 0; i < n; i += 8 {
		var quad [8]byte
		for j := range quad {
			quad[j] = at(i + j)
		}
		ctx.AppendDatum(operand.U64(binary.LittleEndian.Uint64(quad[:])))
	}
	return m
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
