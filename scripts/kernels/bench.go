package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/gen/cudac"
	"github.com/seed54244801/bespoke/internal/sass"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// countFrom is the first architecture that present disassemblers know.
const countFrom = 75

// launches describes our entries.
var launches = []kernel.CUDALaunch{
	{Entry: "decode", Threads: 512, TableBits: 12},
	{Entry: "decode_native", Threads: 256, TableBits: 12},
}

// bench is what kernels are compiled and looked at with.
type bench struct {
	compiler     *cudac.Compiler
	assembler    *cudac.Assembler
	disassembler string // empty where there is none
	symbols      float64
}

func newBench(ctx context.Context, disassembler string, symbols float64) (*bench, error) {
	b := &bench{symbols: symbols}
	var err error
	if b.compiler, err = cudac.Find(ctx); err != nil {
		return nil, err
	}
	if b.assembler, err = cudac.FindAssembler(ctx); err != nil {
		return nil, err
	}
	if path, err := exec.LookPath(disassembler); err == nil {
		b.disassembler = path
	}
	return b, nil
}

func (b *bench) tools() string {
	return b.compiler.Version() + " and " + b.assembler.Version()
}

// ours adds our kernels to the page.
func (b *bench) ours(ctx context.Context, p *page, source []byte) error {
	ptx, err := b.compiler.PTX(ctx, source)
	if err != nil {
		return err
	}
	marked, err := b.compiler.PTX(ctx, withMarks(source))
	if err != nil {
		return err
	}
	for _, arch := range b.assembler.Architectures() {
		_, usage, err := b.assembler.Assemble(ctx, ptx, arch)
		if err != nil {
			return err
		}
		var functions map[string][]byte
		if b.disassembler != "" && arch >= countFrom {
			if functions, err = b.disassemble(ctx, marked, arch); err != nil {
				return err
			}
		}
		for _, u := range usage {
			if u.Stack+u.Spilled > 0 {
				return fmt.Errorf("sm_%d: %s: %d bytes of stack, %d spilled", arch, u.Kernel, u.Stack, u.Spilled)
			}
			l, err := launchOf(u.Kernel)
			if err != nil {
				return err
			}
			r := row{Arch: arch, Usage: u, Threads: l.Threads, Dynamic: l.Shared(b.chunk())}
			if functions != nil {
				k, err := sass.Parse(functions[u.Kernel])
				if err != nil {
					return fmt.Errorf("sm_%d: %s: %w", arch, u.Kernel, err)
				}
				k.OneWarp = 32 / float64(l.Threads)
				if r.Issued, err = k.Longest(); err != nil {
					return fmt.Errorf("sm_%d: %s: %w", arch, u.Kernel, err)
				}
				r.PerWeight = r.Issued / (b.symbols * float64(codebook.ChunkWindows/l.Threads))
			}
			p.Rows = append(p.Rows, r)
		}
	}
	return nil
}

// chunk is the number of elements of a chunk.
func (b *bench) chunk() int { return int(codebook.ChunkWindows * b.symbols) }

// withMarks defines, below the first line, what has rare code marked.
func withMarks(source []byte) []byte {
	first, rest, _ := bytes.Cut(source, []byte("\n"))
	return bytes.Join([][]byte{first, []byte("#define BESPOKE_MARKS"), rest}, []byte("\n"))
}

func launchOf(name string) (*kernel.CUDALaunch, error) {
	for i := range launches {
		if launches[i].Entry == name {
			return &launches[i], nil
		}
	}
	return nil, fmt.Errorf("no description of the kernel %s", name)
}

// published adds the published kernel to the page.
func (b *bench) published(ctx context.Context, p *page, file string) error {
	ptx, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	// A thread counts the codes of the first half of its window, then those of the other; sweeps up and down the tree
	// of the prefix sum; writes the codes of the halves, of the second two a turn; and copies to the output.
	s := b.symbols
	turns := []float64{s / 2, s / 2, 9, 9, s / 2, s / 4, s}
	for _, arch := range b.assembler.Architectures() {
		if arch < 52 { // what its PTX is made for
			continue
		}
		_, usage, err := b.assembler.Assemble(ctx, ptx, arch)
		if err != nil {
			return err
		}
		for _, u := range usage {
			r := row{Arch: arch, Usage: u, Threads: 512, Dynamic: 512*4 + 4 + 2*b.chunk()}
			if b.disassembler != "" && arch >= countFrom {
				functions, err := b.disassemble(ctx, ptx, arch)
				if err != nil {
					return err
				}
				k, err := sass.Parse(functions[u.Kernel])
				if err != nil {
					return fmt.Errorf("sm_%d: published %s: %w", arch, u.Kernel, err)
				}
				if r.Issued, err = k.Shortest(turns); err != nil {
					return fmt.Errorf("sm_%d: published %s: %w", arch, u.Kernel, err)
				}
				r.PerWeight = r.Issued / s
			}
			p.Published = append(p.Published, r)
		}
	}
	return nil
}

// disassemble returns the text of each kernel.
func (b *bench) disassemble(ctx context.Context, ptx []byte, arch int) (map[string][]byte, error) {
	cubin, _, err := b.assembler.Assemble(ctx, ptx, arch)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "kernels")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "decode.cubin")
	if err := os.WriteFile(file, cubin, 0o666); err != nil {
		return nil, err
	}
	text, err := exec.CommandContext(ctx, b.disassembler, "-c", file).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return nil, fmt.Errorf("%s: sm_%d: %w", b.disassembler, arch, err)
	}
	return sass.Functions(text), nil
}
