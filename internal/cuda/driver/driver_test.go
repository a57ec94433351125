//go:build cuda

package driver_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
)

// child is set in processes that this test starts, to the library that they look for.
const child = "BESPOKE_TEST_DRIVER"

// TestMissing runs programs for which there is no driver, or one that is none.
func TestMissing(t *testing.T) {
	if os.Getenv(child) != "" {
		n, err := cu.NumDevices()
		if n != 0 || err != nil {
			t.Errorf("%d devices, error %v", n, err)
		}
		if _, err := cu.MemAlloc(8); err == nil {
			t.Error("allocated device memory without a device")
		}
		if v := cu.Version(); v != -1 {
			t.Errorf("driver version %d", v)
		}
		t.Logf("missing: %s", driver.Missing())
		return
	}
	for _, tc := range []struct{ name, library, want string }{
		{"no library", "/nowhere/libcuda.so.1", "missing: no driver: /nowhere/libcuda.so.1: cannot open"},
		{"another library", "libc.so.6", "missing: libc.so.6 is no CUDA driver: it lacks cuInit"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestMissing$", "-test.v")
			cmd.Env = append(os.Environ(), child+"=1", driver.LibraryEnv+"="+tc.library)
			text, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(text), tc.want) {
				t.Errorf("error %v, output %s", err, text)
			}
		})
	}
}
