//go:build cuda

package driver

// #include "bind.h"
import "C"

import (
	"fmt"
	"reflect"
)

// A Result is the result of a driver function that failed.
type Result int

// The results that callers tell from others.
const (
	OutOfMemory        Result = C.CUDA_ERROR_OUT_OF_MEMORY
	InvalidImage       Result = C.CUDA_ERROR_INVALID_IMAGE
	NoBinaryForGPU     Result = C.CUDA_ERROR_NO_BINARY_FOR_GPU
	InvalidPTX         Result = C.CUDA_ERROR_INVALID_PTX
	UnsupportedVersion Result = C.CUDA_ERROR_UNSUPPORTED_PTX_VERSION
	NotFound           Result = C.CUDA_ERROR_NOT_FOUND
)

// Error names the result as NVIDIA's documents do.
func (r Result) Error() string {
	var name *C.char
	if C.cuGetErrorName(C.CUresult(r), &name) != C.CUDA_SUCCESS || name == nil {
		return fmt.Sprintf("CUDA error %d", int(r))
	}
	return fmt.Sprintf("%s (%d)", C.GoString(name), int(r))
}

// Translate returns an error of package cu, which knows few names, as a Result, and any other as it
// is.
func Translate(err error) error {
	if v := reflect.ValueOf(err); err != nil && v.Kind() == reflect.Int {
		return Result(v.Int())
	}
	return err
}

// result returns the error that a result stands for, nil for success.
func result(r C.CUresult) error {
	if r == C.CUDA_SUCCESS {
		return nil
	}
	return Result(r)
}
