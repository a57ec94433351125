// How a program leaves one stack for another.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)

// A place in a program that goes on there later: what a call preserves lies on its stack, from top on.
struct Place {
    void *top = nullptr;
};

// Saves where the caller is and goes on at another place. Unlike swapcontext it asks nothing of the kernel, and leaves
// what AddressSanitizer knows of the stacks as it is.
__attribute__((naked, noinline)) static void change_places(Place &, const Place &) {
    asm("push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
        "mov %rsp, (%rdi)\n"
        "mov (%rsi), %rsp\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n"
        "ret\n");
}

// Makes a place where a function begins that never returns, on a stack of its own.
inline void begin(Place &p, char *stack, std::size_t bytes, void (*function)()) {
    auto *top = reinterpret_cast<std::uintptr_t *>(reinterpret_cast<std::uintptr_t>(stack + bytes) & ~std::uintptr_t{15});
    *--top = 0;  // where it would return to
    *--top = reinterpret_cast<std::uintptr_t>(function);
    for (int registers = 0; registers < 6; registers++) *--top = 0;
    p.top = top;
}

#else

#include <ucontext.h>

struct Place {
    ucontext_t context;
};

inline void change_places(Place &from, const Place &to) { swapcontext(&from.context, &to.context); }

inline void begin(Place &p, char *stack, std::size_t bytes, void (*function)()) {
    getcontext(&p.context);
    p.context.uc_stack.ss_sp = stack;
    p.context.uc_stack.ss_size = bytes;
    p.context.uc_link = nullptr;
    makecontext(&p.context, function, 0);
}

#endif
