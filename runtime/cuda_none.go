//go:build !cuda

package runtime

// cudaInfo says that this build lacks the decoder cuda.
func cudaInfo() DecoderInfo { return DecoderInfo{CUDA, false, "not built in"} }

// openAccelerator is never called: the decoder is not available.
func openAccelerator(*Model, *options) (accelerator, string, error) {
	panic("unreachable: not built in")
}

// GPUs describes the GPUs of this machine, in builds with the tag cuda.
func GPUs() ([]GPU, error) { return nil, nil }
