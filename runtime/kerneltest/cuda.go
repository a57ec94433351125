//go:build cuda

package kerneltest

import (
	"os"
	"testing"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
)

// hasCUDA says that tests of the decoder cuda can run.
const hasCUDA = true

// startCUDA replaces the GPU by a stand-in until the test ends. The stand-in runs the kernel's source on the CPU.
// If the environment names a driver library, as in BESPOKE_LIBCUDA=libcuda.so.1, its GPUs are used instead.
func (s *Suite) startCUDA(t *testing.T) {
	if path := os.Getenv(driver.LibraryEnv); path != "" && !standin.InUse() {
		return
	}
	standin.Start(t, "device=80:256")
	standin.Provide(t, standin.Image{Code: s.Kernel.PTX, Source: s.Kernel.CUDA})
}
