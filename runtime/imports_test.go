package runtime_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestImports checks that this package and generated packages do not depend on the generators, or on packages that
// only tests need. So programs that decode need not build those, on the CPU or with CUDA.
func TestImports(t *testing.T) {
	for _, tc := range []struct {
		tags string
		want []string // some packages that they do depend on
	}{
		{"", []string{"bespoke/runtime/kernel", "bespoke/runtime/internal/cpu", "bespoke/runtime/internal/cuda"}},
		{"cuda", []string{"bespoke/runtime/internal/cuda", "bespoke/internal/cuda/gpu"}},
	} {
		list := exec.Command("go", "list", "-deps", "-tags", tc.tags, ".", "../out/...")
		list.Env = append(os.Environ(), "CGO_ENABLED=1") // this needs no C compiler, because nothing is built
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
