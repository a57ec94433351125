package main

import (
	"cmp"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed54244801/bespoke/internal/testenv"
)

// TestInstructions counts the instructions a weight of the kernels of a committed package on one architecture; make kernels
// does so on all. Too many are an error. Without a compiler, assembler or disassembler (BESPOKE_NVDISASM or PATH) it is
// skipped, or fails if BESPOKE_REQUIRE names them.
func TestInstructions(t *testing.T) {
	folder := filepath.Join("..", "..", "out", "shakespeare")
	m, err := readManifest(folder)
	if err != nil {
		t.Fatal(err)
	}
	disassembler, err := exec.LookPath(cmp.Or(os.Getenv("BESPOKE_NVDISASM"), "nvdisasm"))
	if err != nil {
		missing(t, "nvdisasm", err)
	}
	b, err := newBench(t.Context(), disassembler, m)
	if err != nil {
		missing(t, "ptxas", err)
	}
	b.architectures = []int{90}
	source, err := os.ReadFile(filepath.Join(folder, "decode.cu"))
	if err != nil {
		t.Fatal(err)
	}
	var p page
	uncounted := maps.Clone(mostIssued)
	if err := b.ours(t.Context(), &p, source); err != nil {
		t.Fatal(err)
	}
	if err := b.rans(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Rows {
		if mostIssued[r.Kernel] == 0 {
			continue
		}
		if r.PerWeight == 0 {
			t.Errorf("%s: nothing was counted", r.Kernel)
		}
		delete(uncounted, r.Kernel)
		if r.PerWeight *= 2; r.check() == nil {
			t.Errorf("%s: %.1f instructions a weight are no error", r.Kernel, r.PerWeight)
		}
	}
	for kernel := range uncounted {
		t.Errorf("there is no kernel %s", kernel)
	}
}

func missing(t *testing.T, tool string, err error) {
	t.Helper()
	if testenv.Required(tool) {
		t.Fatal(err)
	}
	t.Skip(err)
}
