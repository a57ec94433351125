//go:build cuda

#include "bind.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

// The driver once it is initialised. These are written once, before any trampoline reads them.
static void *library;              // null when the driver cannot be used
static CUresult unusable;          // why it cannot
static char why[512];              // the same in words
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void initialise(void) {
    const char *path = getenv("BESPOKE_LIBCUDA");
    if (path == NULL || *path == '\0') path = "libcuda.so.1";
    unusable = CUDA_ERROR_NO_DEVICE;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *error = dlerror();
        snprintf(why, sizeof why, "no driver: %s", error != NULL ? error : path);
        return;
    }
    CUresult (*init)(unsigned int) = (CUresult(*)(unsigned int))dlsym(handle, "cuInit");
    if (init == NULL) {
        snprintf(why, sizeof why, "%s is no CUDA driver: it lacks cuInit", path);
        return;
    }
    const CUresult result = init(0);
    if (result != CUDA_SUCCESS) {
        CUresult (*get_name)(CUresult, const char **) = (CUresult(*)(CUresult, const char **))dlsym(handle, "cuGetErrorName");
        const char *name = NULL;
        if (get_name == NULL || get_name(result, &name) != CUDA_SUCCESS || name == NULL) name = "an unknown error";
        unusable = result;
        snprintf(why, sizeof why, "the driver %s does not initialise: %s (%d)", path, name, (int)result);
        return;
    }
    library = handle;
}

void *bespoke_bind(void **kept, const char *name) {
    void *function = __atomic_load_n(kept, __ATOMIC_ACQUIRE);
    if (function != NULL) return function;
    pthread_once(&once, initialise);
    if (library == NULL) return NULL;
    function = dlsym(library, name);
    __atomic_store_n(kept, function, __ATOMIC_RELEASE);
    return function;
}

CUresult bespoke_unbound(void) {
    return library == NULL ? unusable : CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND;
}

const char *bespoke_missing(void) {
    pthread_once(&once, initialise);
    return library == NULL ? why : NULL;
}

// cu calls this when the program starts, and ends the program when it fails.
CUresult CUDAAPI cuInit(unsigned int flags) {
    (void)flags;
    return CUDA_SUCCESS;
}
