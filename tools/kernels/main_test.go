package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed54244801/bespoke/internal/testenv"
)

// TestInstructions checks the number of instructions a weight of the kernels of a committed package. Without a
// compiler, assembler or disassembler (BESPOKE_NVDISASM or PATH) it is skipped, or fails if BESPOKE_REQUIRE names
// them.
func TestInstructions(t *testing.T) {
	limits := map[string]float64{"decode": 16.5, "decode_native": 12, "decode_tiles": 12, "matvec": 16.5}
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
	source, err := os.ReadFile(filepath.Join(folder, "decode.cu"))
	if err != nil {
		t.Fatal(err)
	}
	var p page
	if err := b.ours(t.Context(), &p, source); err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, r := range p.Rows {
		if r.PerWeight > 0 {
			counted++
			if limit := limits[r.Kernel]; r.PerWeight > limit {
				t.Errorf("sm_%d: %s: %.1f instructions a weight, want at most %.1f", r.Arch, r.Kernel, r.PerWeight, limit)
			}
		}
		if r.Kernel == "decode" && r.Shared+r.Dynamic > 28<<10 {
			t.Errorf("sm_%d: decode: %d bytes of shared memory, want at most 28 KiB", r.Arch, r.Shared+r.Dynamic)
		}
	}
	if counted == 0 {
		t.Error("nothing was counted")
	}
}

func missing(t *testing.T, tool string, err error) {
	t.Helper()
	if testenv.Required(tool) {
		t.Fatal(err)
	}
	t.Skip(err)
}
