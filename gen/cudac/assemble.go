package cudac

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/internal/isolated"
)

// An Assembler is ptxas, which makes machine code of PTX.
type Assembler struct {
	path    string
	version string
	all     []int
}

// FindAssembler returns ptxas: the one that the environment variable BESPOKE_PTXAS names, the first in PATH, or that
// of a CUDA toolkit in its usual place.
func FindAssembler(ctx context.Context) (*Assembler, error) {
	path, err := locate("BESPOKE_PTXAS", "ptxas", "/usr/local/cuda/bin/ptxas")
	if err != nil {
		return nil, fmt.Errorf("cudac: no CUDA assembler: %w", err)
	}
	answer, err := isolated.Run(ctx, path, "--version")
	if err != nil {
		return nil, fmt.Errorf("cudac: %w", err)
	}
	m := nvcc.version.FindSubmatch(answer)
	if m == nil {
		return nil, fmt.Errorf("cudac: %s: no version in %.80q", path, answer)
	}
	help, err := isolated.Run(ctx, path, "--help")
	if err != nil {
		return nil, fmt.Errorf("cudac: %w", err)
	}
	a := &Assembler{path: path, version: string(m[1])}
	for _, m := range architectureName.FindAllSubmatch(help, -1) {
		if n, err := strconv.Atoi(string(m[1])); err == nil && n >= 50 {
			a.all = append(a.all, n)
		}
	}
	slices.Sort(a.all)
	if a.all = slices.Compact(a.all); len(a.all) == 0 {
		return nil, fmt.Errorf("cudac: %s names no architecture", path)
	}
	return a, nil
}

// locate returns the absolute path of the program that an environment variable names or, where it is not set, of the
// first of those with these names. The error is that of the last one.
func locate(variable string, names ...string) (path string, err error) {
	if named := os.Getenv(variable); named != "" {
		names = []string{named}
	}
	for _, name := range names {
		if path, err = lookUp(name); err == nil {
			return path, nil
		}
	}
	return "", err
}

// Version names the assembler and its version: "ptxas 12.9.86".
func (a *Assembler) Version() string { return "ptxas " + a.version }

// Architectures returns the numbers of the architectures that the assembler knows, from sm_50 on, ascending.
func (a *Assembler) Architectures() []int { return slices.Clone(a.all) }

// A Usage is what a kernel takes of a multiprocessor.
type Usage struct {
	Kernel    string
	Registers int // of a thread
	Stack     int // bytes of a thread
	Spilled   int // bytes of a thread
	Shared    int // static, bytes of a block
}

var (
	architectureName = regexp.MustCompile(`'sm_(\d+)'`)
	entryReport      = regexp.MustCompile(`Compiling entry function '(\w+)'`)
	spillReport      = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	useReport        = regexp.MustCompile(`Used (\d+) registers`)
	sharedReport     = regexp.MustCompile(`(\d+) bytes smem`)
)

// Assemble makes a cubin for one architecture and reports what each kernel in it takes, by name.
func (a *Assembler) Assemble(ctx context.Context, ptx []byte, arch int) (cubin []byte, usage []Usage, err error) {
	folder, err := isolated.NewFolder()
	if err != nil {
		return nil, nil, fmt.Errorf("cudac: %w", err)
	}
	defer folder.Remove()
	const in, out = "decode.ptx", "decode.cubin"
	if err := folder.Write(in, ptx); err != nil {
		return nil, nil, fmt.Errorf("cudac: %w", err)
	}
	said, err := folder.RunAll(ctx, a.path, "-v", fmt.Sprintf("-arch=sm_%d", arch), "-o", out, in)
	if err != nil {
		return nil, nil, fmt.Errorf("cudac: sm_%d: %w", arch, err)
	}
	if usage, err = parseUsage(string(said)); err != nil {
		return nil, nil, fmt.Errorf("cudac: %s: sm_%d: %w", a.path, arch, err)
	}
	if cubin, err = folder.Read(out); err != nil {
		return nil, nil, fmt.Errorf("cudac: %w", err)
	}
	return cubin, usage, nil
}

// parseUsage reads the assembler's report, a section for each kernel.
func parseUsage(said string) (all []Usage, err error) {
	starts := entryReport.FindAllStringSubmatchIndex(said, -1)
	for i, s := range starts {
		section := said[s[0]:]
		if i+1 < len(starts) {
			section = said[s[0]:starts[i+1][0]]
		}
		u := Usage{Kernel: said[s[2]:s[3]]}
		spill, use := spillReport.FindStringSubmatch(section), useReport.FindStringSubmatch(section)
		if spill == nil || use == nil {
			return nil, fmt.Errorf("no report of %s in %.400q", u.Kernel, section)
		}
		u.Stack, _ = strconv.Atoi(spill[1])
		u.Spilled, _ = strconv.Atoi(spill[2])
		u.Registers, _ = strconv.Atoi(use[1])
		if m := sharedReport.FindStringSubmatch(section); m != nil {
			u.Shared, _ = strconv.Atoi(m[1])
		}
		all = append(all, u)
	}
	if len(all) == 0 {
		return nil, errors.New("no kernel")
	}
	slices.SortFunc(all, func(x, y Usage) int { return strings.Compare(x.Kernel, y.Kernel) })
	return all, nil
}

// fatbinFrom is the first architecture of which fatbins have machine code.
const fatbinFrom = 70

// Fatbin returns a fatbin with machine code for every architecture from sm_70 to sm_120 that the assembler knows,
// and the PTX for those to come. It needs the program fatbinary: the one that the environment variable BESPOKE_FATBINARY
// names, or that beside ptxas or in PATH.
func (a *Assembler) Fatbin(ctx context.Context, ptx []byte) ([]byte, error) {
	program, err := locate("BESPOKE_FATBINARY", filepath.Join(filepath.Dir(a.path), "fatbinary"), "fatbinary")
	if err != nil {
		return nil, fmt.Errorf("cudac: no fatbin: %w", err)
	}
	folder, err := isolated.NewFolder()
	if err != nil {
		return nil, fmt.Errorf("cudac: %w", err)
	}
	defer folder.Remove()
	args := []string{"--64", "--create=decode.fatbin"}
	image := func(kind string, arch int) string {
		name := fmt.Sprintf("decode_%d.%s", arch, kind)
		args = append(args, fmt.Sprintf("--image3=kind=%s,sm=%d,file=%s", kind, arch, name))
		return name
	}
	group, assembling := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, arch := range a.all {
		if arch < fatbinFrom || arch > 120 {
			continue
		}
		file := image("elf", arch)
		group.Go(func() error {
			cubin, _, err := a.Assemble(assembling, ptx, arch)
			if err != nil {
				return err
			}
			return folder.Write(file, cubin)
		})
	}
	if err := folder.Write(image("ptx", 50), ptx); err != nil {
		return nil, fmt.Errorf("cudac: %w", err)
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if _, err := folder.Run(ctx, program, args...); err != nil {
		return nil, fmt.Errorf("cudac: %w", err)
	}
	fatbin, err := folder.Read("decode.fatbin")
	if err != nil {
		return nil, fmt.Errorf("cudac: %w", err)
	}
	return fatbin, nil
}
