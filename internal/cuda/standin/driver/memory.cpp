// Device memory and pinned memory, and copies between them.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "standin.h"

namespace standin {

namespace {

constexpr unsigned char zone = 0xa5;
constexpr std::size_t alignment = 256;  // of every allocation, as the driver promises

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

}  // namespace

// The data ends right before the page behind it, as close as the alignment lets it.
bool Memory::allocate(Memory *m, std::size_t size, std::mt19937_64 &random) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = page + round_up(size, page);
    m->mapped = inner + 2 * page;
    void *map = mmap(nullptr, m->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) return false;
    m->map = static_cast<unsigned char *>(map);
    mprotect(m->map + page, inner, PROT_READ | PROT_WRITE);
    m->size = size;
    m->data = m->map + page + inner - round_up(size, alignment);
    std::memset(m->map + page, zone, inner);
    // Noise: nothing may rely on what fresh memory holds.
    const unsigned char noise = static_cast<unsigned char>(random());
    for (std::size_t i = 0; i < size; i++) m->data[i] = static_cast<unsigned char>(noise + 31 * i);
    return true;
}

bool Memory::intact() const {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    for (const unsigned char *p = map + page; p < data; p++)
        if (*p != zone) return false;
    for (const unsigned char *p = data + size; p < map + mapped - page; p++)
        if (*p != zone) return false;
    return true;
}

void Memory::release() const { munmap(map, mapped); }

void check_guards(Device &device, const char *when) {
    for (const auto &[address, memory] : device.allocations)
        if (!memory.intact())
            state.problem("device " + std::to_string(device.ordinal) + ": memory around an allocation of " +
                          std::to_string(memory.size) + " bytes was written, seen at " + when);
}

unsigned char *host_address(Device &device, std::uint64_t address, std::size_t n) {
    auto it = device.allocations.upper_bound(address);
    if (it == device.allocations.begin()) return nullptr;
    --it;
    const std::uint64_t offset = address - it->first;
    if (offset > it->second.size || n > it->second.size - offset) return nullptr;
    return it->second.data + offset;
}

bool is_pinned(const void *p, std::size_t n) {
    auto it = state.pinned.upper_bound(const_cast<void *>(p));
    if (it == state.pinned.begin()) return false;
    --it;
    const std::size_t offset = static_cast<std::size_t>(static_cast<const unsigned char *>(p) - it->second.data);
    return offset <= it->second.size && n <= it->second.size - offset;
}

namespace {

CUresult copy(const Call &call, void *to, const void *from, std::size_t n, CUstream stream) {
    return enqueue(call, stream, "a copy", [=] { std::memmove(to, from, n); });
}

CUresult upload(const Call &call, CUdeviceptr to, const void *from, std::size_t n, CUstream stream) {
    unsigned char *host = host_address(*call.device, to, n);
    if (host == nullptr) return state.problem("upload of " + std::to_string(n) + " bytes outside of device memory");
    // The driver allows it, and copies the memory aside first; asynchronous it is no more, so that it is
    // a mistake here.
    if (stream != nullptr && !is_pinned(from, n)) return state.problem("asynchronous upload from memory that is not pinned");
    state.uploads++;
    state.uploaded += n;
    return copy(call, host, from, n, stream);
}

CUresult download(const Call &call, void *to, CUdeviceptr from, std::size_t n, CUstream stream) {
    const unsigned char *host = host_address(*call.device, from, n);
    if (host == nullptr) return state.problem("download of " + std::to_string(n) + " bytes outside of device memory");
    if (stream != nullptr && !is_pinned(to, n)) return state.problem("asynchronous download to memory that is not pinned");
    return copy(call, to, host, n, stream);
}

}  // namespace
}  // namespace standin

using namespace standin;

extern "C" {

CUresult cuMemGetInfo(size_t *free, size_t *total) {
    STANDIN_IN_CONTEXT();
    *total = call.device->memory;
    *free = call.device->free();
    return CUDA_SUCCESS;
}

CUresult cuMemAlloc(CUdeviceptr *address, size_t size) {
    STANDIN_IN_CONTEXT();
    if (size == 0) return state.problem("allocation of 0 bytes");
    Device &device = *call.device;
    Memory memory;
    if (size > device.free() || !Memory::allocate(&memory, size, state.random)) return CUDA_ERROR_OUT_OF_MEMORY;
    device.used += size;
    *address = reinterpret_cast<std::uint64_t>(memory.data) | device_bit;
    device.allocations[*address] = memory;
    return CUDA_SUCCESS;
}

CUresult cuMemFree(CUdeviceptr address) {
    STANDIN_IN_CONTEXT();
    Device &device = *call.device;
    const auto it = device.allocations.find(address);
    if (it == device.allocations.end()) return state.problem("free of memory that is not allocated");
    // Free waits for the device.
    const CUresult result = run_until([&] { return !step(); }, "free");
    check_guards(device, "free");
    device.used -= it->second.size;
    it->second.release();
    device.allocations.erase(it);
    return result;
}

CUresult cuMemHostAlloc(void **p, size_t size, unsigned int) {
    STANDIN_IN_CONTEXT();
    Memory memory;
    if (!Memory::allocate(&memory, size, state.random)) return CUDA_ERROR_OUT_OF_MEMORY;
    memory.owner = call.device;
    *p = memory.data;
    state.pinned[memory.data] = memory;
    return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *p) {
    STANDIN_IN_CONTEXT();
    const auto it = state.pinned.find(p);
    if (it == state.pinned.end()) return state.problem("free of memory that is not pinned");
    const CUresult result = run_until([&] { return !step(); }, "free of pinned memory");
    if (!it->second.intact()) state.problem("memory around " + std::to_string(it->second.size) + " pinned bytes was written");
    it->second.release();
    state.pinned.erase(it);
    return result;
}

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t n) {
    STANDIN_IN_CONTEXT();
    return upload(call, to, from, n, nullptr);
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t n, CUstream stream) {
    STANDIN_IN_CONTEXT();
    return upload(call, to, from, n, stream);
}

CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t n) {
    STANDIN_IN_CONTEXT();
    return download(call, to, from, n, nullptr);
}

CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t n, CUstream stream) {
    STANDIN_IN_CONTEXT();
    return download(call, to, from, n, stream);
}

CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream stream) {
    STANDIN_IN_CONTEXT();
    unsigned char *target = host_address(*call.device, to, n);
    const unsigned char *source = host_address(*call.device, from, n);
    if (target == nullptr || source == nullptr) return state.problem("copy outside of device memory");
    return copy(call, target, source, n, stream);
}

CUresult cuMemsetD32Async(CUdeviceptr to, unsigned int value, size_t n, CUstream stream) {
    STANDIN_IN_CONTEXT();
    unsigned char *host = host_address(*call.device, to, 4 * n);
    if (host == nullptr || to % 4 != 0) return state.problem("memset outside of device memory");
    return enqueue(call, stream, "a memset", [=] { std::fill_n(reinterpret_cast<unsigned *>(host), n, value); });
}

}  // extern "C"
