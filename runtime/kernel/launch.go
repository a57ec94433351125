package kernel

import "github.com/seed54244801/bespoke/internal/cuda/launch"

// A CUDALaunch says how a kernel of a generated CUDA source is launched.
type CUDALaunch = launch.Launch
