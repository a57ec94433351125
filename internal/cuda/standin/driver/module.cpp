// Modules and launches. An image, PTX or fatbin, stands for the host code of the same kernels: a shared
// library HASH.so in the folder of modules, and HASH.txt with the facts that a driver reads from the image:
//
//   isa 60                          version of the PTX, 0 for a fatbin
//   target 50                       lowest compute capability; a fatbin has a line for each
//   entry decode 64 512 8 8 4       static shared bytes, most threads, size of each argument
#include <dlfcn.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "standin.h"

namespace standin {

namespace {

constexpr std::uint32_t fatbin_magic = 0xba55ed50;
constexpr unsigned shared_limit = 48 << 10;  // static and dynamic, without asking for more

bool is_fatbin(const void *image) {
    std::uint32_t magic;
    std::memcpy(&magic, image, sizeof magic);
    return magic == fatbin_magic;
}

// The length of an image: that in the header of a fatbin, that of the text of PTX.
std::size_t length(const void *image) {
    const unsigned char *p = static_cast<const unsigned char *>(image);
    if (!is_fatbin(image)) return std::strlen(static_cast<const char *>(image));
    std::uint16_t header;
    std::uint64_t rest;
    std::memcpy(&header, p + 6, sizeof header);
    std::memcpy(&rest, p + 8, sizeof rest);
    return header + rest;
}

// FNV-1a of 64 bits, in hexadecimal.
std::string hash(const void *image) {
    std::uint64_t h = 0xcbf29ce484222325;
    const unsigned char *p = static_cast<const unsigned char *>(image);
    for (std::size_t n = length(image); n > 0; n--) h = (h ^ *p++) * 0x100000001b3;
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(h));
    return text;
}

// The PTX version that a driver knows, times 10.
int known_isa(int driver) {
    const int major = driver / 1000, minor = driver % 1000 / 10;
    return major >= 11 ? 10 * (major - 4) + minor : major == 10 ? 63 + minor : major == 9 ? 60 + minor : 50;
}

CUresult load(const Call &call, Module **module, const void *image, std::string *log) {
    const std::string base = state.modules + "/" + hash(image);
    std::ifstream facts(base + ".txt");
    if (!facts) {
        *log = "stand-in: no host code for this image";
        return is_fatbin(image) ? CUDA_ERROR_INVALID_IMAGE : CUDA_ERROR_INVALID_PTX;
    }
    auto m = std::make_unique<Module>();
    m->device = call.device;
    int isa = 0;
    bool runs = false;
    std::string line;
    std::vector<std::unique_ptr<Entry>> entries;
    while (std::getline(facts, line)) {
        std::istringstream words(line);
        std::string what;
        words >> what;
        if (what == "isa") {
            words >> isa;
        } else if (what == "target") {
            int target = 0;
            words >> target;
            // Machine code serves its own generation, PTX every later one.
            runs |= isa == 0 ? target / 10 == call.device->capability / 10 && target <= call.device->capability
                             : target <= call.device->capability;
        } else if (what == "entry") {
            auto e = std::make_unique<Entry>();
            words >> e->name >> e->static_shared >> e->max_threads;
            for (unsigned n; words >> n;) e->arguments.push_back(n);
            entries.push_back(std::move(e));
        }
    }
    if (isa > known_isa(state.driver_version)) {
        *log = "stand-in: the driver is older than the PTX";
        return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    }
    if (!runs) return CUDA_ERROR_NO_BINARY_FOR_GPU;
    m->library = dlopen((base + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (m->library == nullptr) return state.problem(std::string("host code: ") + dlerror(), CUDA_ERROR_INVALID_IMAGE);
    m->launch = reinterpret_cast<decltype(m->launch)>(dlsym(m->library, "host_launch"));
    for (auto &e : entries) {
        e->run = reinterpret_cast<void (*)()>(dlsym(m->library, e->name.c_str()));
        if (e->run == nullptr) return state.problem("host code lacks the entry " + e->name, CUDA_ERROR_INVALID_IMAGE);
        m->entries[e->name] = std::move(e);
    }
    *module = m.release();
    call.device->modules.insert(*module);
    return CUDA_SUCCESS;
}

Module *known(const Call &call, CUmodule module) {
    Module *m = reinterpret_cast<Module *>(module);
    return call.device->modules.count(m) != 0 ? m : nullptr;
}

// The module of an entry of this device.
Module *owner(const Call &call, const Entry *entry) {
    for (Module *m : call.device->modules)
        for (const auto &[name, e] : m->entries)
            if (e.get() == entry) return m;
    return nullptr;
}

// Runs a kernel, the fault that was asked for included.
void run(Device &device, const Module &module, const Entry &entry, const std::vector<std::uint64_t> &arguments, unsigned blocks,
         unsigned threads, unsigned shared) {
    if (++state.kernels == state.fault_at) {
        break_device(device, state.fault);
        return;
    }
    module.launch(entry.run, arguments.data(), static_cast<unsigned>(arguments.size()), blocks, threads, shared, state.random());
    check_guards(device, entry.name.c_str());
}

}  // namespace
}  // namespace standin

using namespace standin;

extern "C" {

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned int n, CUjit_option *options, void **values) {
    STANDIN_IN_CONTEXT();
    std::string log;
    Module *m = nullptr;
    const CUresult result = load(call, &m, image, &log);
    *module = reinterpret_cast<CUmodule>(m);
    char *buffer = nullptr;
    std::size_t size = 0;
    for (unsigned i = 0; i < n; i++) {
        if (options[i] == CU_JIT_ERROR_LOG_BUFFER) buffer = static_cast<char *>(values[i]);
        if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) size = reinterpret_cast<std::size_t>(values[i]);
    }
    if (buffer != nullptr && size > 0) std::snprintf(buffer, size, "%s", log.c_str());
    return result;
}

CUresult cuModuleUnload(CUmodule module) {
    STANDIN_IN_CONTEXT();
    Module *m = known(call, module);
    if (m == nullptr) return state.problem("unloads an unknown module", CUDA_ERROR_INVALID_HANDLE);
    const CUresult result = run_until([&] { return !step(); }, "unloading");
    call.device->modules.erase(m);
    dlclose(m->library);
    delete m;
    return result;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    STANDIN_IN_CONTEXT();
    Module *m = known(call, module);
    if (m == nullptr) return state.problem("asks an unknown module", CUDA_ERROR_INVALID_HANDLE);
    const auto it = m->entries.find(name);
    if (it == m->entries.end()) return CUDA_ERROR_NOT_FOUND;
    *function = reinterpret_cast<CUfunction>(it->second.get());
    return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int threads, size_t) {
    STANDIN_IN_CONTEXT();
    Entry *entry = reinterpret_cast<Entry *>(function);
    if (owner(call, entry) == nullptr) return state.problem("asks an unknown kernel", CUDA_ERROR_INVALID_HANDLE);
    *blocks = threads <= static_cast<int>(entry->max_threads) ? 1 : 0;
    return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned int grid, unsigned int grid_y, unsigned int grid_z, unsigned int block,
                        unsigned int block_y, unsigned int block_z, unsigned int shared, CUstream stream, void **parameters,
                        void **) {
    STANDIN_IN_CONTEXT();
    Entry *entry = reinterpret_cast<Entry *>(function);
    Module *m = owner(call, entry);
    if (m == nullptr) return state.problem("launches an unknown kernel", CUDA_ERROR_INVALID_HANDLE);
    if (grid == 0 || block == 0 || grid_y != 1 || grid_z != 1 || block_y != 1 || block_z != 1 || block > entry->max_threads)
        return state.problem("launch of " + std::to_string(grid) + " blocks of " + std::to_string(block) + " threads");
    if (shared + entry->static_shared > shared_limit) return state.problem("launch with too much shared memory");
    std::vector<std::uint64_t> arguments;
    for (std::size_t i = 0; i < entry->arguments.size(); i++) {
        std::uint64_t word = 0;
        std::memcpy(&word, parameters[i], entry->arguments[i]);
        if (entry->arguments[i] == 8) word &= ~device_bit;
        arguments.push_back(word);
    }
    state.launches++;
    Device *device = call.device;
    return enqueue(call, stream, "a launch", [=] { run(*device, *m, *entry, arguments, grid, block, shared); });
}

}  // extern "C"
