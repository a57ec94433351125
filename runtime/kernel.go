package runtime

import (
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// A Kernel is what a generated package hands to [Open]: decoders cut for the code books of one
// model.
type Kernel struct {
	// ABI is the version of the contract that it was generated for: kernel.ABI of that time.
	ABI int
	// Name is the name of the generated package.
	Name string
	// Books are the code books that the decoders were cut for.
	Books []*codebook.Book
	// AVX512 are the decoders in assembly: AVX512[i] decodes Books[i], or is nil where the book cannot be decoded by
	// windows. There are none in builds without assembly.
	AVX512 []kernel.WindowDecoder
	// CUDA is the source of the GPU decoder.
	CUDA string
	// PTX is the compiled GPU decoder, empty when none was compiled.
	PTX string
	// Fatbin is the GPU decoder as machine code for several generations of GPUs, empty when none was
	// made. It is preferred to PTX, which the driver has to compile.
	Fatbin string
	// Launches says how the kernels in PTX and Fatbin are launched; of those that do the same, the first is used.
	Launches []kernel.CUDALaunch
}
