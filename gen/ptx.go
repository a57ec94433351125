package gen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/gen/cudac"
)

// ptxFile is decode.ptx and how it came about.
type ptxFile struct {
	text     []byte // nil when there is none
	compiler string
	report   string
}

// makePTX keeps the earlier decode.ptx if it was compiled from the same source. Otherwise it compiles one, or
// returns none if there is no compiler.
func makePTX(ctx context.Context, p *Package, source []byte, opts Options) (*ptxFile, error) {
	if !opts.Recompile || opts.Compiler == nil {
		if old := kept(opts.Previous, p.Header(), source); old != nil {
			return old, nil
		}
	}
	if opts.Compiler == nil {
		report := "none"
		if opts.NoCompiler != nil {
			report += ": " + opts.NoCompiler.Error()
		}
		return &ptxFile{report: report}, nil
	}
	text, err := opts.Compiler.PTX(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("gen: %s: %w", emit.PTXName, err)
	}
	name := opts.Compiler.Version()
	return &ptxFile{text, name, "compiled by " + name}, nil
}

// kept returns the decode.ptx among the files if it says that it was compiled from source.
func kept(files []File, header string, source []byte) *ptxFile {
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == emit.PTXName })
	if i < 0 {
		return nil
	}
	text := files[i].Data
	hash, _ := cudac.SourceHash(text)
	compiler, ok := cudac.CompilerOf(text)
	if !ok || !bytes.HasPrefix(text, []byte("// "+header+"\n")) || hash != fmt.Sprintf("sha256:%x", sha256.Sum256(source)) {
		return nil
	}
	return &ptxFile{text, compiler, fmt.Sprintf("kept, compiled from the same %s by %s", emit.CUDAName, compiler)}
}

// makeFatbin assembles the PTX if that was asked for. The report says by what, or why it was not possible.
func makeFatbin(ctx context.Context, ptx *ptxFile, opts Options) (fatbin []byte, report string, err error) {
	switch {
	case ptx.text == nil:
		return nil, "", nil
	case opts.Assembler == nil && opts.NoAssembler == nil:
		return nil, "", nil
	case opts.Assembler == nil:
		return nil, "none: " + opts.NoAssembler.Error(), nil
	}
	fatbin, err = opts.Assembler.Fatbin(ctx, ptx.text)
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, exec.ErrDot):
		return nil, "none: " + err.Error(), nil
	case err != nil:
		return nil, "", fmt.Errorf("gen: %s: %w", emit.FatbinName, err)
	}
	return fatbin, "assembled by " + opts.Assembler.Version(), nil
}
