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

// gpuNames are the names of the files of a GPU decoder.
type gpuNames struct{ cuda, ptx, fatbin string }

var (
	df11Names = gpuNames{emit.CUDAName, emit.PTXName, emit.FatbinName}
	ransNames = gpuNames{emit.RansCUDAName, emit.RansPTXName, emit.RansFatbinName}
)

// A gpuDecoder is a GPU decoder: its source, and what was compiled of it.
type gpuDecoder struct {
	files     []File
	embedding emit.Embedding
	compilers map[string]string // by the names of files
	report    []string          // what became of the files that are compiled
}

// compile compiles the source of a GPU decoder, as far as there are compilers. header is the first line of all files.
func compile(ctx context.Context, header string, names gpuNames, source []byte, opts Options) (*gpuDecoder, error) {
	c := &gpuDecoder{files: []File{{names.cuda, source}}, compilers: map[string]string{}}
	ptx, err := makePTX(ctx, header, names, source, opts)
	if err != nil {
		return nil, err
	}
	c.report = append(c.report, names.ptx+": "+ptx.report)
	if ptx.text == nil {
		return c, nil
	}
	c.embedding.PTX = true
	c.files = append(c.files, File{names.ptx, ptx.text})
	c.compilers[names.ptx] = ptx.compiler
	fatbin, made, err := makeFatbin(ctx, ptx, opts)
	if err != nil {
		return nil, fmt.Errorf("gen: %s: %w", names.fatbin, err)
	}
	if made != "" {
		c.report = append(c.report, names.fatbin+": "+made)
	}
	if fatbin != nil {
		c.embedding.Fatbin = true
		c.files = append(c.files, File{names.fatbin, fatbin})
		c.compilers[names.fatbin] = opts.Assembler.Version()
	}
	return c, nil
}

// ptxFile is PTX and how it came about.
type ptxFile struct {
	text     []byte // nil when there is none
	compiler string
	report   string
}

// makePTX keeps the earlier PTX if it was compiled from the same source. Otherwise it compiles one, or returns none if
// there is no compiler.
func makePTX(ctx context.Context, header string, names gpuNames, source []byte, opts Options) (*ptxFile, error) {
	if !opts.Recompile || opts.Compiler == nil {
		if old := kept(opts.Previous, header, names, source); old != nil {
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
		return nil, fmt.Errorf("gen: %s: %w", names.ptx, err)
	}
	name := opts.Compiler.Version()
	return &ptxFile{text, name, "compiled by " + name}, nil
}

// kept returns the PTX among the files if it says that it was compiled from source.
func kept(files []File, header string, names gpuNames, source []byte) *ptxFile {
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == names.ptx })
	if i < 0 {
		return nil
	}
	text := files[i].Data
	hash, _ := cudac.SourceHash(text)
	compiler, ok := cudac.CompilerOf(text)
	if !ok || !bytes.HasPrefix(text, []byte("// "+header+"\n")) || hash != fmt.Sprintf("sha256:%x", sha256.Sum256(source)) {
		return nil
	}
	return &ptxFile{text, compiler, fmt.Sprintf("kept, compiled from the same %s by %s", names.cuda, compiler)}
}

// makeFatbin assembles the PTX if that was asked for. The report says by what, or why it was not possible.
func makeFatbin(ctx context.Context, ptx *ptxFile, opts Options) (fatbin []byte, report string, err error) {
	switch {
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
		return nil, "", err
	}
	return fatbin, "assembled by " + opts.Assembler.Version(), nil
}
