package runtime

import (
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// A Kernel is what a generated package hands to [Open]: decoders cut for the code books of one
// model.
type Kernel struct {
	// Name is the name of the generated package.
	Name string
	// Books are the code books that the decoders were cut for.
	Books []*codebook.Book
	// AVX512 and AVX2 hold the assembly decoders: AVX512[i] and AVX2[i] decode Books[i]. They are nil in
	// builds without assembly.
	AVX512, AVX2 []kernel.Decoder
	// CUDA is the source of the GPU decoder.
	CUDA string
	// PTX is the compiled GPU decoder, empty when none was compiled.
	PTX string
	// Fatbin is the GPU decoder as machine code for several generations of GPUs, empty when none was
	// made. It is preferred to PTX, which the driver has to compile.
	Fatbin string
	// Launches says how the kernels in PTX and Fatbin are launched, the preferred ones first.
	Launches []kernel.CUDALaunch
}
