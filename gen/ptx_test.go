package gen

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/gen/cudac"
)

// fakeCompiler is a script that passes for a clang of the given version.
func fakeCompiler(t *testing.T, version string) *cudac.Compiler {
	t.Helper()
	if goruntime.GOOS == "windows" {
		t.Skip("the fake compiler is a shell script")
	}
	path := filepath.Join(t.TempDir(), "clang")
	script := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = --version ] && { echo clang version %s; exit; }\necho .version 6.0\necho .entry decode\n", version)
	if err := os.WriteFile(path, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	c, err := cudac.Find(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPTX(t *testing.T) {
	p := plan(t, bare(every(20)), "ptx")
	first, second := fakeCompiler(t, "1.0"), fakeCompiler(t, "2.0")
	compiled := generate(t, p, Options{Compiler: first}).Files
	other := generate(t, plan(t, bare(every(21)), "ptx"), Options{Compiler: first}).Files
	tests := []struct {
		name   string
		opts   Options
		by     string // the compiler, "" for no decode.ptx
		report string
	}{
		{"no compiler", Options{}, "", "none"},
		{"no compiler and why", Options{NoCompiler: errors.New("no clang here")}, "", "none: no clang here"},
		{"compiler", Options{Compiler: second}, "clang 2.0", "compiled by clang 2.0"},
		{"kept without compiler", Options{Previous: compiled}, "clang 1.0", "kept, compiled from the same decode.cu by clang 1.0"},
		{"kept with another compiler", Options{Previous: compiled, Compiler: second}, "clang 1.0", "kept, "},
		{"recompiled", Options{Previous: compiled, Compiler: second, Recompile: true}, "clang 2.0", "compiled by clang 2.0"},
		{"kept for want of a compiler", Options{Previous: compiled, Recompile: true}, "clang 1.0", "kept, "},
		{"from another source", Options{Previous: other}, "", "none"},
		{"from another source with compiler", Options{Previous: other, Compiler: second}, "clang 2.0", "compiled by clang 2.0"},
		{"not stamped", Options{Previous: []File{{emit.PTXName, []byte("// " + p.Header() + "\n.version 6.0\n")}}}, "", "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := generate(t, p, tt.opts)
			if !strings.Contains(strings.Join(r.Report, "\n"), emit.PTXName+": "+tt.report) {
				t.Errorf("report %q lacks %q", r.Report, tt.report)
			}
			if !bytes.Contains(r.find(ManifestName), []byte(fmt.Sprintf("%q", emit.PTXName))) != (tt.by == "") {
				t.Errorf("the manifest disagrees about decode.ptx: %s", r.find(ManifestName))
			}
			if embeds := bytes.Contains(r.find("ptx.go"), []byte("//go:embed decode.ptx")); embeds != (tt.by != "") {
				t.Errorf("the package embeds decode.ptx: %t", embeds)
			}
			ptx := r.find(emit.PTXName)
			if tt.by == "" {
				if ptx != nil {
					t.Errorf("decode.ptx is there: %s", ptx)
				}
				return
			}
			if by, _ := cudac.CompilerOf(ptx); by != tt.by {
				t.Errorf("compiled by %q, want %q", by, tt.by)
			}
			if !bytes.Contains(r.find(ManifestName), []byte(tt.by)) {
				t.Errorf("the manifest does not name %s", tt.by)
			}
		})
	}
}

func TestPTXCompilerFails(t *testing.T) {
	c := fakeCompiler(t, "1.0")
	if err := os.WriteFile(c.Path(), []byte("#!/bin/sh\necho broken >&2\nexit 1\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := Generate(t.Context(), plan(t, bare(every(20)), "ptx"), Options{Compiler: c})
	if err == nil || !strings.Contains(err.Error(), "gen: decode.ptx: ") || !strings.Contains(err.Error(), "broken") {
		t.Errorf("error %v, want the compiler's words", err)
	}
}
