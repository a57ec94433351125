package cudac

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/seed54244801/bespoke/internal/cudahost"
)

// assembler returns the path of ptxas, from the environment variable BESPOKE_PTXAS or PATH. Without one the test is
// skipped, or fails when BESPOKE_REQUIRE names "ptxas".
func assembler(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath(cmp.Or(os.Getenv("BESPOKE_PTXAS"), "ptxas"))
	if err != nil {
		if cudahost.Required("ptxas") {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return path
}

var (
	architectureName = regexp.MustCompile(`'sm_(\d+)'`)
	spillReport      = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	useReport        = regexp.MustCompile(`Used (\d+) registers`)
	sharedReport     = regexp.MustCompile(`(\d+) bytes smem`)
)

// architectures returns the numbers of the architectures that the assembler knows, from sm_50 on.
func architectures(t *testing.T, ptxas string) []int {
	t.Helper()
	help, err := run(t.Context(), "", ptxas, "--help")
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, m := range architectureName.FindAllSubmatch(help, -1) {
		if n, err := strconv.Atoi(string(m[1])); err == nil && n >= 50 {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// number returns the n-th group of a report.
func number(t *testing.T, report *regexp.Regexp, text []byte, n int) int {
	t.Helper()
	m := report.FindSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in %s", report, text)
	}
	v, err := strconv.Atoi(string(m[n]))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAssemble assembles kernels for every architecture and wants no spills, at most 48 registers
// and next to no static shared memory.
func TestAssemble(t *testing.T) {
	const maxRegisters, maxShared = 48, 256
	ptxas, c := assembler(t), compiler(t)
	all := architectures(t, ptxas)
	if len(all) == 0 {
		t.Fatal("the assembler names no architecture")
	}
	for _, books := range []int{1, 8} {
		ptx, err := c.PTX(t.Context(), source(t, books))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "decode.ptx")
		if err := os.WriteFile(file, ptx, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, arch := range all {
			t.Run(fmt.Sprintf("%d books, sm_%d", books, arch), func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), ptxas, "-v", fmt.Sprintf("-arch=sm_%d", arch),
					"-o", filepath.Join(t.TempDir(), "decode.cubin"), file)
				report, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, bytes.TrimSpace(report))
				}
				if stack, spills := number(t, spillReport, report, 1), number(t, spillReport, report, 2); stack+spills > 0 {
					t.Errorf("%d bytes of stack, %d bytes spilled", stack, spills)
				}
				registers, shared := number(t, useReport, report, 1), number(t, sharedReport, report, 1)
				t.Logf("%d registers, %d bytes of static shared memory", registers, shared)
				if registers > maxRegisters {
					t.Errorf("%d registers, want at most %d", registers, maxRegisters)
				}
				if shared > maxShared {
					t.Errorf("%d bytes of static shared memory, want at most %d", shared, maxShared)
				}
			})
		}
	}
}
