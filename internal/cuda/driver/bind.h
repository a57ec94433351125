// How a trampoline finds its function; see bind.c.
#pragma once

#include <cuda.h>

// The driver's function of that name, null where there is none. It is looked up once and kept in
// *kept.
void *bespoke_bind(void **kept, const char *name);

// What a trampoline returns when it has no function to call.
CUresult bespoke_unbound(void);

// Why the driver cannot be used, null when it can.
const char *bespoke_missing(void);

// The name of a function behind the macros with which cuda.h picks its version, for example
// cuMemAlloc_v2 for cuMemAlloc.
#define BESPOKE_NAME(f) BESPOKE_TEXT(f)
#define BESPOKE_TEXT(f) #f

// The body of the trampoline f, given its arguments in parentheses.
#define BESPOKE_CALL(f, arguments)                                                     \
    do {                                                                               \
        static void *kept;                                                             \
        __typeof__(&f) call = (__typeof__(&f))bespoke_bind(&kept, BESPOKE_NAME(f));    \
        return call != NULL ? call arguments : bespoke_unbound();                      \
    } while (0)
