// A thread block as fibers: up to 512 contexts of one thread, switched at barriers in random order.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "host.h"
#include "stacks.h"

#if defined(__SANITIZE_ADDRESS__)
#define CUDAHOST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CUDAHOST_ASAN 1
#endif
#endif

#ifdef CUDAHOST_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

constexpr unsigned max_threads = 512;
constexpr unsigned warp_lanes = 32;
constexpr std::size_t stack_bytes = 64 << 10;

[[noreturn]] inline void fail(const char *what) {
    std::fprintf(stderr, "host: block %u, thread %u: %s\n", blockIdx.x, threadIdx.x, what);
    std::abort();
}

class Block {
public:
    Block() : fibers(max_threads) {
        for (Fiber &f : fibers) f.stack.reset(new char[stack_bytes]);
    }

    // Runs one block of the kernel, of n threads, to its end.
    void run(std::mt19937_64 &random, unsigned n, const std::function<void()> &kernel) {
        running = this;
        body = &kernel;
        threads = n;
        ready.clear();
        done = at_block_barrier = 0;
        for (unsigned &n : at_warp_barrier) n = 0;
        for (unsigned t = 0; t < threads; t++) {
            start(t);
            ready.push_back(t);
        }
        while (!ready.empty()) {
            const std::size_t pick = random() % ready.size();
            current = ready[pick];
            ready[pick] = ready.back();
            ready.pop_back();
            threadIdx = {current, 0, 0};
            enter(fibers[current]);
        }
        if (done != threads) fail("threads wait at a barrier that the others never reach");
    }

    // Called by a fiber: waits until all threads of the block are here.
    void block_barrier() {
        if (++at_block_barrier == threads) {
            at_block_barrier = 0;
            for (unsigned t = 0; t < threads; t++) ready.push_back(t);
        }
        leave();
    }

    // Called by a fiber: the values that the lanes of the warp came with, all of which take part. They stay until
    // the next but one exchange.
    const unsigned *exchange(unsigned value) {
        const unsigned me = current, warp = me / warp_lanes;
        // A lane may be one exchange ahead of another, never two: two sets of slots are enough.
        const unsigned set = fibers[me].exchanges++ % 2;
        slots[set][me] = value;
        if (++at_warp_barrier[warp] == warp_lanes) {
            at_warp_barrier[warp] = 0;
            for (unsigned l = 0; l < warp_lanes; l++) ready.push_back(warp * warp_lanes + l);
        }
        leave();
        return slots[set] + warp * warp_lanes;
    }

    // The value of a lane, its number found from this one's.
    template <class Lane>
    unsigned shuffle(unsigned value, Lane from) {
        const unsigned lane = current % warp_lanes;
        return exchange(value)[from(lane) % warp_lanes];
    }

private:
    struct Fiber {
        Place place;
        std::unique_ptr<char[]> stack;
        unsigned exchanges = 0;
        void *fake_stack = nullptr;
    };

    void start(unsigned t) {
        Fiber &f = fibers[t];
        f.exchanges = 0;
        f.fake_stack = nullptr;
#ifdef CUDAHOST_ASAN
        // What called leave for the last time on this stack never returned.
        __asan_unpoison_memory_region(f.stack.get(), stack_bytes);
#endif
        begin(f.place, f.stack.get(), stack_bytes, [] { running->main(); });
    }

    void main() {
        arrive(nullptr);
        (*body)();
        done++;
        leave(true);
        fail("a finished thread was resumed");
    }

    void enter(Fiber &f) {
#ifdef CUDAHOST_ASAN
        void *fake = nullptr;
        __sanitizer_start_switch_fiber(&fake, f.stack.get(), stack_bytes);
#endif
        change_places(scheduler, f.place);
#ifdef CUDAHOST_ASAN
        __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
    }

    void leave(bool finished = false) {
        Fiber &f = fibers[current];
#ifdef CUDAHOST_ASAN
        __sanitizer_start_switch_fiber(finished ? nullptr : &f.fake_stack, scheduler_stack, scheduler_stack_bytes);
#else
        (void)finished;
#endif
        change_places(f.place, scheduler);
        arrive(f.fake_stack);
    }

    // The first thing a fiber does whenever it is switched to.
    void arrive(void *fake_stack) {
#ifdef CUDAHOST_ASAN
        __sanitizer_finish_switch_fiber(fake_stack, &scheduler_stack, &scheduler_stack_bytes);
#else
        (void)fake_stack;
#endif
    }

    static inline Block *running = nullptr;

    std::vector<Fiber> fibers;
    std::vector<unsigned> ready;
    Place scheduler;
    const void *scheduler_stack = nullptr;
    std::size_t scheduler_stack_bytes = 0;
    const std::function<void()> *body = nullptr;
    unsigned threads = 0, current = 0, done = 0, at_block_barrier = 0;
    unsigned at_warp_barrier[max_threads / warp_lanes] = {};
    unsigned slots[2][max_threads] = {};
};
