package kernel

import (
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/windows"
)

// A WindowDecoder is a decoder in assembly for AVX-512, cut for a code book.
type WindowDecoder = windows.Decoder

// A WindowJob is the argument of a WindowDecoder.
type WindowJob = windows.Job

// A CUDALaunch says how a kernel of a CUDA source is launched.
type CUDALaunch = launch.Launch
