// A CUDA driver without a GPU: device memory is host memory between guard zones, kernels are host
// code, and queued work runs late, in a random order that the streams and events allow.
#pragma once

#include <cuda.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace standin {

// Device addresses have this bit set, which no address of the host has: host code that touches device memory
// ends with a fault, and arguments of kernels that are device addresses are known.
constexpr std::uint64_t device_bit = 1ull << 62;

struct Device;

// Memory between two guard zones of a known pattern, which lie between two pages that nobody may touch.
struct Memory {
    unsigned char *map = nullptr, *data = nullptr;
    std::size_t mapped = 0, size = 0;
    const Device *owner = nullptr;  // of pinned memory: whose context allocated it

    static bool allocate(Memory *memory, std::size_t size, std::mt19937_64 &random);
    bool intact() const;
    void release() const;
};

// What an event waits for: the work that was queued before it when it was recorded.
struct Marker {
    bool reached = false;
    std::chrono::steady_clock::time_point at;
};

struct Work {
    std::function<void()> run;
    std::shared_ptr<Marker> after;  // not before this is reached; may be null
};

struct Stream {
    Device *device;
    std::deque<Work> queue;
};

struct Event {
    Device *device;
    bool timed;
    std::shared_ptr<Marker> marker;  // null before the first record
};

struct Entry {
    std::string name;
    void (*run)();
    unsigned static_shared, max_threads;
    std::vector<unsigned> arguments;  // their sizes in bytes
};

struct Module {
    Device *device;
    void *library;
    std::map<std::string, std::unique_ptr<Entry>> entries;
    // Runs the blocks [0, blocks) of an entry.
    void (*launch)(void (*entry)(), const std::uint64_t *arguments, unsigned count, unsigned blocks, unsigned threads,
                   unsigned shared_bytes, std::uint64_t seed);
};

struct Device {
    int ordinal;
    int capability;  // 10 * major + minor
    std::size_t memory, taken, used = 0;  // in all, by others, and here

    std::size_t free() const { return memory - taken - used; }
    unsigned retained = 0;
    CUresult broken = CUDA_SUCCESS;  // what all calls return since the context broke
    std::map<std::uint64_t, Memory> allocations;  // by device address
    std::set<Stream *> streams;
    std::set<Event *> events;
    std::set<Module *> modules;
};

// Calls of one function from number `from` on (1 for the first) up to number `to` fail.
struct Failure {
    std::string function;  // "*" for all
    unsigned from, to;
    CUresult result;
    unsigned calls = 0;
};

struct State {
    std::mutex mutex;
    std::mt19937_64 random;
    int driver_version;
    std::string modules, report;
    std::deque<Device> devices;
    std::vector<Failure> failures;
    std::map<void *, Memory> pinned;
    bool late = false;  // work runs only when someone waits
    unsigned fault_at = 0, kernels = 0;  // the kernel that faults, and how many have run
    CUresult fault;
    unsigned launches = 0, uploads = 0;
    std::uint64_t uploaded = 0;
    std::vector<std::string> problems;
    CUresult init = CUDA_SUCCESS;

    void configure(const std::string &text);
    // Notes a mistake of the program.
    CUresult problem(const std::string &what, CUresult result = CUDA_ERROR_INVALID_VALUE);
    std::string summary() const;
    void write(const std::string &line) const;
};

extern State state;

// Every call of the driver goes through here: the lock, failures that were asked for, and work that
// happens to run just then.
class Call {
public:
    explicit Call(const char *function);
    CUresult result = CUDA_SUCCESS;  // what to return at once, if it is no success
    Device *device = nullptr;        // of the current context

private:
    std::lock_guard<std::mutex> lock;
};

// Starts the body of a driver function.
#define STANDIN_CALL()      \
    Call call(__func__);    \
    if (call.result != CUDA_SUCCESS) return call.result

// The same for functions that need a current context.
#define STANDIN_IN_CONTEXT() \
    STANDIN_CALL();          \
    if (call.device == nullptr) return state.problem(std::string(__func__) + " without a context", CUDA_ERROR_INVALID_CONTEXT)

// Runs one piece of queued work, false when there is none that may run.
bool step();
// Queues work on a stream of the current context; on the default stream, a null one, it runs behind all other work, and
// at once.
CUresult enqueue(const Call &call, CUstream stream, const std::string &what, std::function<void()> run);
// Runs work until the condition holds; a condition that never does is a problem.
CUresult run_until(const std::function<bool()> &holds, const char *what);
// Breaks a context: the result is returned from then on.
void break_device(Device &device, CUresult result);
void check_guards(Device &device, const char *when);

// The host address of n bytes of device memory, null if they do not lie in one allocation.
unsigned char *host_address(Device &device, std::uint64_t address, std::size_t n);
bool is_pinned(const void *p, std::size_t n);

}  // namespace standin
