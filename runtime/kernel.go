package runtime

import (
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// A Kernel has the decoders of a generated package, which are cut for the code books of one model, or, for a model coded with
// rANS, for the forms of its tensors. Then there are decoders for GPUs alone.
type Kernel struct {
	// ABI is the version of the contract that the package was generated for: the value of kernel.ABI at that time.
	ABI int
	// Name is the name of the generated package.
	Name string
	// Books are the code books that the decoders were cut for. With rANS there are none.
	Books []*codebook.Book
	// AVX512 are the decoders in assembly: AVX512[i] decodes Books[i]. It is nil if the book cannot be decoded by
	// windows. Builds without assembly have no decoders here.
	AVX512 []kernel.WindowDecoder
	// CUDA is the source of the GPU decoder.
	CUDA string
	// PTX is the compiled GPU decoder, or empty if it was not compiled.
	PTX string
	// Fatbin is the GPU decoder as machine code for several generations of GPUs, or empty if it was not compiled.
	// It is preferred to PTX, because the driver has to compile PTX.
	Fatbin string
	// Launches says how the kernels in PTX and Fatbin are launched. If several do the same, the first one is used.
	Launches []kernel.CUDALaunch
}

// forRANS reports whether the kernel decodes checkpoints that are coded with rANS.
func (k *Kernel) forRANS() bool { return len(launch.RansOf(k.Launches)) > 0 }

// decodes is the error of a kernel, if there is one, with a checkpoint of a codec: "" where nothing is coded.
func (k *Kernel) decodes(codec model.Codec) error {
	switch {
	case k == nil || k.forRANS() == (codec == model.RANS):
		return nil
	case k.forRANS():
		return fmt.Errorf("the checkpoint is not coded with rANS, which kernel %s decodes", k.Name)
	default:
		return fmt.Errorf("the checkpoint is coded with rANS, kernel %s decodes DF11", k.Name)
	}
}
