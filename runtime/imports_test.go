package runtime_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestImports holds the line that programs which decode need not build what generates, nor what only tests need: neither
// this package nor a generated one depends on it, on the CPU or with CUDA.
func TestImports(t *testing.T) {
	for _, tc := range []struct {
		tags string
		want []string // some of what they do depend on
	}{
		{"", []string{"bespoke/runtime/kernel", "bespoke/runtime/internal/cpu", "bespoke/runtime/internal/cuda"}},
		{"cuda", []string{"bespoke/runtime/internal/cuda", "bespoke/internal/cuda/gpu"}},
	} {
		list := exec.Command("go", "list", "-deps", "-tags", tc.tags, ".", "../out/...")
		list.Env = append(os.Environ(), "CGO_ENABLED=1") // without a C compiler, too: nothing is built
		packages, err := list.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for dep := range strings.Lines(string(packages)) {
			dep = strings.TrimSpace(dep)
			for _, forbidden := range []string{
				"bespoke/emit", "bespoke/avo", "bespoke/templates", "bespoke/gen", "mmcloughlin/avo", "dave/jennifer", "Masterminds/sprig",
				"bespoke/runtime/internal/samples", "bespoke/runtime/internal/shapes", "bespoke/runtime/kerneltest",
				"bespoke/internal/cuda/host", "bespoke/internal/cuda/standin", "bespoke/internal/cuda/sass",
			} {
				if strings.Contains(dep, forbidden) {
					t.Errorf("tags %q: %s is among the dependencies", tc.tags, dep)
				}
			}
		}
		for _, want := range tc.want {
			if !strings.Contains(string(packages), want) {
				t.Errorf("tags %q: go list does not name %s", tc.tags, want)
			}
		}
	}
}
