package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/gen/cudac"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/cuda/sass"
	"github.com/seed54244801/bespoke/internal/isolated"
)

// countFrom is the first architecture that today's disassemblers know.
const countFrom = 75

// bench has what kernels are compiled and examined with.
type bench struct {
	compiler     *cudac.Compiler
	assembler    *cudac.Assembler
	disassembler string // empty if there is none
	launches     []launch.Launch
	symbols      float64 // in a window
	// architectures are those to assemble for, nil for all that the assembler knows.
	architectures []int
}

// mostIssued is the largest number of instructions a weight for each kernel, mostShared the largest amount of shared memory
// for decode, in bytes.
var mostIssued = map[string]float64{
	"decode": 16.5, "decode_native": 12, "decode_tiles": 12, "matvec": 16.5,
	"decode_rans": 23, "decode_rans_joint": 26.5, "matvec_rans": 28.5, "matvec_rans_joint": 32,
}

// ransTurn is the number of weights of a lane in a turn of the loop of kernels of package rans.
const ransTurn = 16

const mostShared = 28 << 10

func newBench(ctx context.Context, disassembler string, m *manifest) (*bench, error) {
	b := &bench{launches: launch.OfModel(m.CUDA.TableBits, m.CUDA.NativeThreads()), symbols: m.symbols()}
	var err error
	if b.compiler, err = cudac.Find(ctx); err != nil {
		return nil, err
	}
	if b.assembler, err = cudac.FindAssembler(ctx); err != nil {
		return nil, err
	}
	if path, err := exec.LookPath(disassembler); err == nil {
		if b.disassembler, err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *bench) tools() string {
	return b.compiler.Version() + " and " + b.assembler.Version()
}

// ours adds our kernels to the page.
func (b *bench) ours(ctx context.Context, p *page, source []byte) error {
	rows, err := b.assemble(ctx, source, b.our)
	p.Rows = append(p.Rows, rows...)
	return err
}

// assemble returns the rows of all kernels of a source on all architectures. of makes them of what the assembler says and
// the machine code, nil if there is no disassembler for it.
func (b *bench) assemble(ctx context.Context, source []byte, of func(u cudac.Usage, text []byte) (*row, error)) ([]row, error) {
	ptx, err := b.compiler.PTX(ctx, source)
	if err != nil {
		return nil, err
	}
	marked, err := b.compiler.PTX(ctx, withMarks(source))
	if err != nil {
		return nil, err
	}
	return b.byArchitecture(ctx, func(ctx context.Context, arch int) ([]row, error) {
		_, usage, err := b.assembler.Assemble(ctx, ptx, arch)
		if err != nil {
			return nil, err
		}
		var functions map[string][]byte
		if b.counts(arch) {
			cubin, _, err := b.assembler.Assemble(ctx, marked, arch)
			if err != nil {
				return nil, err
			}
			if functions, err = b.disassemble(ctx, cubin, arch); err != nil {
				return nil, err
			}
		}
		var rows []row
		for _, u := range usage {
			r, err := of(u, functions[u.Kernel])
			if err != nil {
				return nil, fmt.Errorf("sm_%d: %s: %w", arch, u.Kernel, err)
			}
			r.Arch = arch
			rows = append(rows, *r)
		}
		return rows, nil
	})
}

// rans adds the kernels of package rans to the page.
func (b *bench) rans(ctx context.Context, p *page) error {
	source, err := emit.CUDARans()
	if err != nil {
		return err
	}
	rows, err := b.assemble(ctx, source, ransRow)
	p.Rows = append(p.Rows, rows...)
	return err
}

// ransRow returns the row of a kernel of package rans. text is its machine code, nil if there is none.
func ransRow(u cudac.Usage, text []byte) (*row, error) {
	if u.Stack+u.Spilled > 0 {
		return nil, fmt.Errorf("%d bytes of stack, %d spilled", u.Stack, u.Spilled)
	}
	r := &row{Usage: u, Threads: launch.RansThreads}
	if text == nil || mostIssued[u.Kernel] == 0 {
		return r, nil
	}
	k, err := sass.Parse(text)
	if err != nil {
		return nil, err
	}
	if r.Issued, err = k.Turn(); err != nil {
		return nil, err
	}
	r.PerWeight = r.Issued / ransTurn
	return r, r.check()
}

// our returns the row of one of our kernels. text is its machine code, nil if there is none.
func (b *bench) our(u cudac.Usage, text []byte) (*row, error) {
	if u.Stack+u.Spilled > 0 {
		return nil, fmt.Errorf("%d bytes of stack, %d spilled", u.Stack, u.Spilled)
	}
	l, err := b.launch(u.Kernel)
	if err != nil {
		return nil, err
	}
	r := &row{Usage: u, Threads: l.Threads, Dynamic: l.Shared(b.chunk())}
	if text == nil {
		return r, r.check()
	}
	k, err := sass.Parse(text)
	if err != nil {
		return nil, err
	}
	k.OneWarp = 32 / float64(l.Threads)
	k.Once = l.Product
	if r.Issued, err = k.Longest(); err != nil {
		return nil, err
	}
	weights := b.symbols * float64(codebook.ChunkWindows/l.Threads) // of a thread
	if l.Tiles {
		weights = codebook.LaneElements
	}
	r.PerWeight = r.Issued / weights
	return r, r.check()
}

// check holds a kernel to its limits.
func (r *row) check() error {
	if shared := r.Shared + r.Dynamic; r.Kernel == "decode" && shared > mostShared {
		return fmt.Errorf("%d bytes of shared memory, want at most %d", shared, mostShared)
	}
	if most := mostIssued[r.Kernel]; r.PerWeight > most {
		return fmt.Errorf("%.1f instructions a weight, want at most %.1f", r.PerWeight, most)
	}
	return nil
}

// byArchitecture collects the rows of all architectures, as many at a time as there are processors.
func (b *bench) byArchitecture(ctx context.Context, of func(ctx context.Context, arch int) ([]row, error)) ([]row, error) {
	all := b.architectures
	if all == nil {
		all = b.assembler.Architectures()
	}
	rows := make([][]row, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, arch := range all {
		group.Go(func() (err error) {
			rows[i], err = of(ctx, arch)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(rows...), err
}

// chunk returns the number of elements of a chunk.
func (b *bench) chunk() int { return int(codebook.ChunkWindows * b.symbols) }

// withMarks adds, below the first line, the definition that marks rare code.
func withMarks(source []byte) []byte {
	first, rest, _ := bytes.Cut(source, []byte("\n"))
	return bytes.Join([][]byte{first, []byte("#define BESPOKE_MARKS"), rest}, []byte("\n"))
}

func (b *bench) launch(name string) (*launch.Launch, error) {
	for i := range b.launches {
		if b.launches[i].Entry == name {
			return &b.launches[i], nil
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
	// A thread counts the codes of the first half of its window, then those of the second half. It goes up and
	// down the tree of the prefix sum. It writes the codes of both halves, those of the second half two a turn,
	// and copies to the output.
	s := b.symbols
	turns := []float64{s / 2, s / 2, 9, 9, s / 2, s / 4, s}
	p.Published, err = b.byArchitecture(ctx, func(ctx context.Context, arch int) ([]row, error) {
		if arch < 52 { // its PTX is made for 52
			return nil, nil
		}
		cubin, usage, err := b.assembler.Assemble(ctx, ptx, arch)
		if err != nil {
			return nil, err
		}
		var functions map[string][]byte
		if b.counts(arch) {
			if functions, err = b.disassemble(ctx, cubin, arch); err != nil {
				return nil, err
			}
		}
		var rows []row
		for _, u := range usage {
			r := row{Arch: arch, Usage: u, Threads: 512, Dynamic: 512*4 + 4 + 2*b.chunk()}
			if text := functions[u.Kernel]; text != nil {
				k, err := sass.Parse(text)
				if err != nil {
					return nil, fmt.Errorf("sm_%d: published %s: %w", arch, u.Kernel, err)
				}
				if r.Issued, err = k.Shortest(turns); err != nil {
					return nil, fmt.Errorf("sm_%d: published %s: %w", arch, u.Kernel, err)
				}
				r.PerWeight = r.Issued / s
			}
			rows = append(rows, r)
		}
		return rows, nil
	})
	return err
}

// counts reports whether there is a disassembler for the architecture.
func (b *bench) counts(arch int) bool { return b.disassembler != "" && arch >= countFrom }

// disassemble returns the text of each kernel.
func (b *bench) disassemble(ctx context.Context, cubin []byte, arch int) (map[string][]byte, error) {
	folder, err := isolated.NewFolder()
	if err != nil {
		return nil, err
	}
	defer folder.Remove()
	const file = "decode.cubin"
	if err := folder.Write(file, cubin); err != nil {
		return nil, err
	}
	text, err := folder.Run(ctx, b.disassembler, "-c", file)
	if err != nil {
		return nil, fmt.Errorf("sm_%d: %w", arch, err)
	}
	return sass.Functions(text), nil
}
