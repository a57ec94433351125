//go:build !cuda

package kerneltest

import "testing"

// hasCUDA says that tests of the decoder cuda cannot run.
const hasCUDA = false

func (s *Suite) startCUDA(*testing.T) { panic("unreachable: built without CUDA") }
