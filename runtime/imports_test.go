package runtime_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports holds the line that programs which decode need not build what generates: neither this
// package nor a generated one depends on an emitter.
func TestImports(t *testing.T) {
	list := exec.Command("go", "list", "-deps", ".", "../out/...")
	list.Stderr = nil
	packages, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dep := range strings.Lines(string(packages)) {
		dep = strings.TrimSpace(dep)
		for _, forbidden := range []string{
			"bespoke/emit", "bespoke/avo", "bespoke/templates", "bespoke/gen", "mmcloughlin/avo", "dave/jennifer", "Masterminds/sprig",
		} {
			if strings.Contains(dep, forbidden) {
				t.Errorf("%s is among the dependencies", dep)
			}
		}
	}
	if !strings.Contains(string(packages), "bespoke/runtime/kernel") {
		t.Error("go list names no package of the module")
	}
}
