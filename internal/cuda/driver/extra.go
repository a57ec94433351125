//go:build cuda

package driver

// #include <stdlib.h>
// #include "bind.h"
//
// // Loads an image and returns what the driver's compiler says when it fails.
// static CUresult load(CUmodule *module, const void *image, char *log, size_t size) {
//     CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
//     void *values[] = {log, (void *)size};
//     return cuModuleLoadDataEx(module, image, 2, options, values);
// }
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"gorgonia.org/cu"
)

// What package cu lacks.

// AllocPinned returns n bytes of page-locked host memory, which only cu.MemFreeHost releases. Every
// context may use it.
func AllocPinned(n int) ([]byte, error) {
	var p unsafe.Pointer
	if err := result(C.cuMemHostAlloc(&p, C.size_t(n), C.CU_MEMHOSTALLOC_PORTABLE)); err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), n), nil
}

// logSize bounds what an error repeats of the driver's compiler.
const logSize = 2000

// LoadModule loads PTX, a cubin or a fatbin into the current context. Its error ends with what the driver's compiler
// wrote.
func LoadModule(image string) (cu.Module, error) {
	code := C.CString(image)
	defer C.free(unsafe.Pointer(code))
	text := (*C.char)(C.calloc(1, logSize))
	defer C.free(unsafe.Pointer(text))
	var module cu.Module
	// The only field of a cu.Module is its handle.
	err := result(C.load((*C.CUmodule)(unsafe.Pointer(&module)), unsafe.Pointer(code), text, logSize))
	if said := strings.TrimSpace(C.GoString(text)); err != nil && said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	return module, err
}

// Handle returns the driver's handle behind a stream, an event, a module, a function or a context of package
// cu, each of which is a struct with that only field.
func Handle[T cu.Stream | cu.Event | cu.Module | cu.Function | cu.CUContext](v T) uintptr {
	return *(*uintptr)(unsafe.Pointer(&v))
}

// Stream returns the stream of package cu with that handle.
func Stream(handle uintptr) (s cu.Stream) {
	*(*uintptr)(unsafe.Pointer(&s)) = handle
	return s
}
