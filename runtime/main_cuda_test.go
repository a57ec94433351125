//go:build cuda

package runtime

import (
	"os"
	goruntime "runtime"
	"testing"

	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// anyBook has the kernels of package cuda for any code book. anyBookSource is their source.
var anyBook, anyBookSource = read("internal/cuda/anybook.ptx"), read("internal/cuda/anybook.cu")

// ransImage has the kernels of package cuda for rANS.
var ransImage = standin.Image{Code: read("internal/cuda/rans.ptx"), Source: read("internal/cuda/rans.cu")}

func read(name string) string { return string(samples.Must(os.ReadFile(name))) }

// TestMain runs all tests of the package with a stand-in for a GPU.
func TestMain(m *testing.M) {
	os.Exit(standin.Run(m, []standin.Image{{Code: anyBook, Source: anyBookSource}, ransImage}, "seed=1", "device=80:256"))
}

// withoutGPU hides the GPU from a test.
func withoutGPU(t *testing.T) { standin.Start(t) }

// lockThread keeps the goroutine of a test on its thread, because the driver has a current context for each thread.
func lockThread(t *testing.T) {
	goruntime.LockOSThread()
	t.Cleanup(goruntime.UnlockOSThread)
}
