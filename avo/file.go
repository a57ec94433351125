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

	"github.com/seed54244801/bespoke/rans"
)

// constraint keeps the assembly out of builds for other architectures, and out of builds with the tag purego.
const constraint = "amd64,!purego"

// File returns a Go assembly file of decoders: of strands, given the names of their functions, and of windows.
// There must be one decoder at least. The first line of the file is "// " and header.
//
// The names must be Go identifiers, and the shapes in range: see [Windows.Validate]. File works on 64-bit machines
// only, because the offsets in the assembly are those of the machine that it runs on.
func File(header string, strands []string, windows []Windows) ([]byte, error) {
	if len(strands)+len(windows) == 0 {
		return nil, errors.New("avo: no decoders")
	}
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return nil, errors.New("avo: the offsets of amd64 need a 64-bit machine to generate on")
	}
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	if len(strands) > 0 {
		c := newStrandConstants(ctx)
		for _, name := range strands {
			if err := validateName(name); err != nil {
				return nil, err
			}
			newStrandDecoder(ctx, name, c).emit()
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

// StateNames are the names of the functions of a form. Decode is for blocks of one table, DecodeMixed for blocks of any tables,
// Multiply for blocks of one table. One that is "" is left out.
type StateNames struct{ Decode, DecodeMixed, Multiply string }

// States returns a Go assembly file with decoders of states for AVX-512, and with such that multiply. The first line of the
// file is "// " and header.
func States(header string, names map[rans.Form]StateNames) ([]byte, error) {
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	c := newStateConstants(ctx)
	upper := upperHalves(ctx)
	for _, form := range []rans.Form{rans.Exponent, rans.Joint} {
		one := stateDecoder{Context: ctx, form: form, c: c}
		mixed := one
		mixed.mixed = true
		multiply := multiplier{stateDecoder: one, upper: upper}
		for _, f := range []struct {
			name string
			emit func(name string)
		}{{names[form].Decode, one.emit}, {names[form].DecodeMixed, mixed.emit}, {names[form].Multiply, multiply.emit}} {
			if f.name == "" {
				continue
			}
			if err := validateName(f.name); err != nil {
				return nil, err
			}
			f.emit(f.name)
		}
	}
	return assembled(ctx, header)
}

// ByteStates returns a Go assembly file with decoders of states for AVX2, for those forms that a function is named for. The
// first line of the file is "// " and header.
func ByteStates(header string, names map[rans.Form]string) ([]byte, error) {
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	c := newByteConstants(ctx)
	for _, form := range []rans.Form{rans.Exponent, rans.Joint} {
		name, ok := names[form]
		if !ok {
			continue
		}
		if err := validateName(name); err != nil {
			return nil, err
		}
		d := byteDecoder{stateDecoder: stateDecoder{Context: ctx, form: form, mixed: true}, c: c}
		d.emit(name)
	}
	return assembled(ctx, header)
}

// assembled prints the functions and data of a context as a Go assembly file. Its first line is "// " and header.
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
	// The printer's own first line does not name the model.
	_, body, ok := bytes.Cut(asm, []byte("\n"))
	if !ok {
		return nil, errors.New("avo: print: no first line")
	}
	return append([]byte("// "+header+"\n"), body...), nil
}

// load loads a vector.
func load(ctx *build.Context, m operand.Mem) vec {
	v := ctx.ZMM()
	ctx.VMOVDQU64(m, v)
	return v
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

// The packages that declare the jobs of decoders.
const (
	kernelPath  = "github.com/seed54244801/bespoke/runtime/kernel"
	strandsPath = "github.com/seed54244801/bespoke/internal/strands"
	statesPath  = "github.com/seed54244801/bespoke/internal/states"
	productPath = "github.com/seed54244801/bespoke/internal/product"
)

// signature is func(job *PACKAGE.JOB). It is made without loading the package from source, because that depends on
// the directory in which the program runs.
func signature(importPath, job string) *gotypes.Signature {
	pkg := types.NewPackage(importPath, path.Base(importPath))
	name := types.NewTypeName(token.NoPos, pkg, job, nil)
	named := types.NewNamed(name, types.NewStruct(nil, nil), nil)
	params := types.NewTuple(types.NewVar(token.NoPos, nil, "job", types.NewPointer(named)))
	return gotypes.NewSignature(nil, types.NewSignatureType(nil, nil, nil, params, nil, false))
}
