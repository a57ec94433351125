package avo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"path"
	"unsafe"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// constraint keeps the assembly out of other architectures and of builds that ask for Go alone.
const constraint = "amd64,!purego"

// File assembles decoders of lanes and of windows into one Go assembly file. Its first line is "// " and header.
func File(header string, lanes []Lanes, windows []Windows) ([]byte, error) {
	if len(lanes)+len(windows) == 0 {
		return nil, errors.New("avo: no decoders")
	}
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return nil, errors.New("avo: the offsets of amd64 need a 64-bit machine to generate on")
	}
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	if len(lanes) > 0 {
		c := newLaneConstants(ctx)
		for _, l := range lanes {
			if err := l.Validate(); err != nil {
				return nil, err
			}
			newLaneDecoder(ctx, &l, c).emit()
		}
	}
	if len(windows) > 0 {
		c := newWindowConstants(ctx)
		for _, w := range windows {
			if err := w.Validate(); err != nil {
				return nil, err
			}
			newWindowDecoder(ctx, &w, c).emit()
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

// The packages of the jobs that decoders are handed.
const (
	kernelPath = "github.com/seed54244801/bespoke/runtime/kernel"
	lanesPath  = "github.com/seed54244801/bespoke/internal/lanes"
)

// signature is func(job *PACKAGE.JOB), put together by hand: loading the package from source would
// make the output depend on the directory it runs in.
func signature(importPath, job string) *gotypes.Signature {
	pkg := types.NewPackage(importPath, path.Base(importPath))
	name := types.NewTypeName(token.NoPos, pkg, job, nil)
	named := types.NewNamed(name, types.NewStruct(nil, nil), nil)
	params := types.NewTuple(types.NewVar(token.NoPos, nil, "job", types.NewPointer(named)))
	return gotypes.NewSignature(nil, types.NewSignatureType(nil, nil, nil, params, nil, false))
}
