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

// startCUDA puts a stand-in for a GPU in place, which runs the kernel's source on the CPU, until the test ends. Where the
// environment names a driver library, as BESPOKE_LIBCUDA=libcuda.so.1, its GPUs are used instead.
func (s *Suite) startCUDA(t *testing.T) {
	if path := os.Getenv(driver.LibraryEnv); path != "" && !standin.InUse() {
		return
	}
	standin.Start(t, "device=80:256")
	standin.Provide(t, standin.Image{Code: s.Kernel.PTX, Source: s.Kernel.CUDA})
}
