package cudac

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/testenv"
)

// compiler returns the compiler of this machine. Without one the test is skipped, or fails when BESPOKE_REQUIRE names
// "cudac".
func compiler(t *testing.T) *Compiler {
	t.Helper()
	c, err := Find(t.Context())
	if err != nil {
		missing(t, "cudac", err)
	}
	return c
}

// missing skips a test without its tool, or fails it when BESPOKE_REQUIRE names the tool.
func missing(t *testing.T, tool string, err error) {
	t.Helper()
	if testenv.Required(tool) {
		t.Fatal(err)
	}
	t.Skip(err)
}

// plan has the given number of code books, of three kinds.
func plan(t *testing.T, books int) *emit.Plan {
	t.Helper()
	in := emit.Input{Package: "test", Model: "test"}
	for i := range books {
		var h codebook.Histogram
		for s := range 40 {
			h[90+s] = 1 << (max(s, 35-s) / (i + 2))
		}
		b, err := codebook.Canonical(&h, 16+2*i)
		switch i % 4 {
		case 1: // of which the pad differs
			b, err = codebook.Published(&h)
		case 2: // complete, so that there is no pad
			b, err = codebook.NewBook(&[256]codebook.Code{90: {Length: 1}, 91: {Length: 2, Bits: 2}, 92: {Length: 2, Bits: 3}}, codebook.Code{})
		}
		if err != nil {
			t.Fatal(err)
		}
		in.Books = append(in.Books, b)
	}
	p, err := emit.NewPlan(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// source returns the plan's decode.cu.
func source(t *testing.T, p *emit.Plan) []byte {
	t.Helper()
	cu, err := emit.CUDA(p)
	if err != nil {
		t.Fatal(err)
	}
	return cu
}

// wantTables holds the luts and tables that a compiler made of a plan's code books to those of Go.
func wantTables(t *testing.T, ptx []byte, p *emit.Plan) {
	t.Helper()
	shape := p.CUDAShape()
	var luts, tables []byte
	for _, b := range p.Books {
		luts = append(luts, b.Luts()...)
		for _, e := range launch.NewBook(b, nil, shape.TableBits, shape.EntryDigits).Table {
			tables = binary.LittleEndian.AppendUint32(tables, e)
		}
	}
	for name, want := range map[string][]byte{"book_luts": luts, "book_tables": tables} {
		m := regexp.MustCompile(name + `\w*\[(\d+)\] = \{([^}]*)\}`).FindSubmatch(ptx)
		if m == nil {
			t.Errorf("PTX has no %s", name)
			continue
		}
		size, _ := strconv.Atoi(string(m[1]))
		got := make([]byte, size)
		for i, field := range strings.Split(string(m[2]), ",") { // zeros at the end may be left out
			n, err := strconv.ParseUint(strings.TrimSpace(field), 10, 8)
			if err != nil || i >= size {
				t.Fatalf("%s: byte %d of %d is %q", name, i, size, field)
			}
			got[i] = byte(n)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s of %d bytes is not the one of %d bytes that Go makes", name, len(got), len(want))
		}
	}
}

func TestPTX(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	p := plan(t, 1)
	cu := source(t, p)
	ptx, err := c.PTX(t.Context(), cu)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := bytes.Cut(cu, []byte("\n"))
	for _, want := range []string{
		string(header) + "\n// Compiled by " + c.Version() + " from source sha256:",
		"\n.version 6.0\n.target sm_50\n.address_size 64\n",
		".visible .entry decode(",
	} {
		if !strings.Contains(string(ptx), want) {
			t.Errorf("PTX has no %q; it starts with %.400s", want, ptx)
		}
	}
	wantTables(t, ptx, p)
	if hash, ok := SourceHash(ptx); !ok || hash != fmt.Sprintf("sha256:%x", sha256.Sum256(cu)) {
		t.Errorf("source hash is %q, %v", hash, ok)
	}
	if name, ok := CompilerOf(ptx); !ok || name != c.Version() {
		t.Errorf("compiler is %q, %v, want %q", name, ok, c.Version())
	}
	// The smallest kernel compiles at once.
	if ptx, err = c.PTX(t.Context(), []byte(probe)); err != nil {
		t.Fatal(err)
	}
	again, err := c.PTX(t.Context(), []byte(probe))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ptx, again) {
		t.Error("the same source gives two different texts")
	}
}

// TestCompilers compiles with NVIDIA's compilers, where the environment says where they are: kernels that clang takes
// may hold what they do not.
func TestCompilers(t *testing.T) {
	p := plan(t, emit.MaxBooks)
	anyBook, err := emit.CUDATable()
	if err != nil {
		t.Fatal(err)
	}
	rans, err := emit.CUDARans()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, variable string
		source         []byte
		tables         bool
	}{
		{"nvcc", "BESPOKE_NVCC", source(t, p), true},
		{"NVRTC", "BESPOKE_NVRTC", anyBook, false}, // a python3 that has it
		{"nvcc", "BESPOKE_NVCC", rans, false},
		{"NVRTC", "BESPOKE_NVRTC", rans, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := os.Getenv(tc.variable)
			if path == "" {
				missing(t, tc.name, fmt.Errorf("%s is not set", tc.variable))
			}
			c, err := Find(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(c.Version(), tc.name+" ") {
				t.Errorf("it is %s", c.Version())
			}
			ptx, err := c.PTX(t.Context(), tc.source)
			if err != nil {
				t.Fatal(err)
			}
			if want := ".version 6.0\n.target sm_50\n"; !bytes.Contains(ptx, []byte(want)) {
				t.Errorf("PTX has no %q; it starts with %.400s", want, ptx)
			}
			if tc.tables {
				wantTables(t, ptx, p)
			}
			_, usage, err := assembler(t).Assemble(t.Context(), ptx, 90)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range usage {
				if u.Stack+u.Spilled > 0 {
					t.Errorf("%s: %d bytes of stack, %d spilled", u.Kernel, u.Stack, u.Spilled)
				}
			}
		})
	}
}

func TestPTXErrors(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	t.Run("source without header", func(t *testing.T) {
		if _, err := c.PTX(t.Context(), []byte("int x;\n")); err == nil || !strings.Contains(err.Error(), "no comment") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("source that does not compile", func(t *testing.T) {
		_, err := c.PTX(t.Context(), []byte("// header\nint x = undeclared_name;\n"))
		if err == nil || !strings.Contains(err.Error(), "undeclared_name") {
			t.Errorf("error is %v, want the compiler's own words", err)
		}
	})
	t.Run("context ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.PTX(ctx, source(t, plan(t, 1))); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want context.Canceled", err)
		}
	})
}

func TestStampAbsent(t *testing.T) {
	for _, ptx := range []string{"", "// a\n", "// a\n// b\n", "// Compiled by x from source sha256:00.\n"} {
		if hash, ok := SourceHash([]byte(ptx)); ok {
			t.Errorf("source hash of %q is %q", ptx, hash)
		}
		if name, ok := CompilerOf([]byte(ptx)); ok {
			t.Errorf("compiler of %q is %q", ptx, name)
		}
	}
}

func TestNormalise(t *testing.T) {
	in := "//\n// Generated\n.version 6.0 // x\n\n\t.reg .b32 \t%r<9>; \n\t// begin inline asm\n.global _INTERNAL_55bad1dd_8_small;\n"
	want := ".version 6.0\n\t.reg .b32 \t%r<9>;\n.global _INTERNAL_8_small;\n"
	if got := string(normalise([]byte(in))); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFindCandidates looks at compilers that are scripts.
func TestFindCandidates(t *testing.T) {
	script := func(t *testing.T, name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o777); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const clangVersion = `[ "$1" = --version ] && { echo "Fancy clang version 99.1.2-fancy"; exit; }; `
	const nvccVersion = `[ "$1" = --version ] && { echo "Cuda compilation tools, release 12.9, V12.9.86"; exit; }
[ "$1" = --list-gpu-arch ] && { echo compute_75; echo compute_50; exit; }
`
	for _, c := range []struct{ name, text, want, fails string }{
		{"clang", clangVersion + "echo .version 6.0", "clang 99.1.2", ""},
		{"nvcc", nvccVersion + `echo .version 9.5 > decode.ptx`, "nvcc 12.9.86", ""},
		{"clang without NVPTX", clangVersion + "echo no such target >&2; exit 1", "", "no such target"},
		{"nvcc without a host compiler", nvccVersion + "echo no gcc >&2; exit 1", "", "no gcc"},
		{"python3", `[ -f "$5" ] && echo .version 9.5 > $6 || echo NVRTC 13.5`, "NVRTC 13.5", ""},
		{"python3 without NVRTC", "echo no NVRTC >&2; exit 1", "", "no NVRTC"},
		{"gcc", "echo gcc version 12", "", "not clang"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Find(t.Context(), script(t, c.name, c.text))
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("error is %v, want one with %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Version() != c.want {
				t.Errorf("found %q, want %q", got.Version(), c.want)
			}
		})
	}
	t.Run("no such file", func(t *testing.T) {
		if _, err := Find(t.Context(), "/no/such/compiler"); err == nil || !strings.Contains(err.Error(), "/no/such/compiler") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("compiler that hangs", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := Find(ctx, script(t, "clang", "while :; do :; done")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want context.DeadlineExceeded", err)
		}
	})
}
