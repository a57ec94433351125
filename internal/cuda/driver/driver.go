//go:build cuda

package driver

// #cgo CFLAGS: -std=gnu99 -O2 -Wno-deprecated-declarations
// #cgo LDFLAGS: -ldl -lpthread
// #include "bind.h"
import "C"

import _ "gorgonia.org/cu" // what the trampolines serve

// LibraryEnv is the environment variable that names the driver library to use instead of
// libcuda.so.1.
const LibraryEnv = "BESPOKE_LIBCUDA"

// Missing says why there is no driver to use, "" if there is one.
func Missing() string {
	if why := C.bespoke_missing(); why != nil {
		return C.GoString(why)
	}
	return ""
}
