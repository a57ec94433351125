package gen

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"testing"

	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/gen/cudac"
)

// TestKernels holds the kernels in package cuda of the runtime, which are cut for no model, to their generators. With
// -update the sources are written, and compiled where they changed.
func TestKernels(t *testing.T) {
	for kernels, generate := range map[string]func() ([]byte, error){"anybook": emit.CUDATable, "rans": emit.CUDARans} {
		source, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		name := "../runtime/internal/cuda/" + kernels + ".cu"
		if *update {
			if err := os.WriteFile(name, source, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if old, err := os.ReadFile(name); err != nil || !bytes.Equal(old, source) {
			t.Errorf("%s is not what emit makes (%v): run make golden", name, err)
		}
		compiled(t, name, "../runtime/internal/cuda/"+kernels+".ptx")
	}
}

// TestGEMV holds the kernel that make gpu-check times beside ours to its source.
func TestGEMV(t *testing.T) {
	compiled(t, "../tools/gpucheck/gemv.cu", "../tools/gpucheck/gemv.ptx")
}

// compiled wants PTX that was compiled from a source. With -update it is, where the source changed.
func compiled(t *testing.T, sourceName, ptxName string) {
	t.Helper()
	source, err := os.ReadFile(sourceName)
	if err != nil {
		t.Fatal(err)
	}
	ptx, _ := os.ReadFile(ptxName)
	hash, _ := cudac.SourceHash(ptx)
	if hash == fmt.Sprintf("sha256:%x", sha256.Sum256(source)) {
		return
	}
	if !*update {
		t.Fatalf("%s was not compiled from %s: run make golden", ptxName, sourceName)
	}
	compiler, err := cudac.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ptx, err = compiler.PTX(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ptxName, ptx, 0o666); err != nil {
		t.Fatal(err)
	}
}
