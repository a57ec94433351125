// The driver itself: its configuration, devices, contexts, and what every call goes through.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "standin.h"

namespace standin {

State state;

namespace {

thread_local Device *current;

void retire(Device &device);

// A number of calls: "3" the third, "3+" the third and all after it.
void parse_range(const std::string &text, unsigned *from, unsigned *to) {
    *from = static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 10));
    *to = !text.empty() && text.back() == '+' ? ~0u : *from;
}

std::vector<std::string> split(const std::string &text, char at) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, at);) parts.push_back(part);
    return parts;
}

int number(const std::vector<std::string> &parts, std::size_t i) { return i < parts.size() ? std::atoi(parts[i].c_str()) : 0; }

}  // namespace

// Words of the form key=value:
//
//   seed=7  driver=12040  modules=FOLDER  report=FILE
//   late=1                    work runs only when someone waits, not in between too
//   init=100                  the result of cuInit
//   abort=1                   ends the program when the driver is initialised
//   device=80:1024:100        compute capability 8.0, 1024 MiB, 100 of them in use by others; once for each device
//   fail=cuMemAlloc:3:2       the third call of cuMemAlloc returns error 2; 3+ for all from there, * for any function
//   fault=2:719               the second kernel that runs breaks its context with error 719
void State::configure(const std::string &text) {
    for (Device &device : devices) retire(device);
    random.seed(1);
    driver_version = 12040;
    modules.clear();
    report.clear();
    devices.clear();
    failures.clear();
    problems.clear();
    for (auto &[p, memory] : pinned) memory.release();
    pinned.clear();
    fault_at = kernels = launches = uploads = 0;
    uploaded = 0;
    init = CUDA_SUCCESS;
    late = false;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        const std::string key = word.substr(0, equals), value = equals == std::string::npos ? "" : word.substr(equals + 1);
        const std::vector<std::string> parts = split(value, ':');
        if (key == "seed") random.seed(std::strtoull(value.c_str(), nullptr, 10));
        if (key == "driver") driver_version = number(parts, 0);
        if (key == "modules") modules = value;
        if (key == "report") report = value;
        if (key == "late") late = number(parts, 0) != 0;
        if (key == "abort") std::abort();
        if (key == "init") init = static_cast<CUresult>(number(parts, 0));
        if (key == "device") {
            Device device{};
            device.ordinal = static_cast<int>(devices.size());
            device.capability = number(parts, 0);
            device.memory = static_cast<std::size_t>(number(parts, 1)) << 20;
            device.taken = static_cast<std::size_t>(number(parts, 2)) << 20;
            devices.push_back(std::move(device));
        }
        if (key == "fail" && parts.size() == 3) {
            Failure f{parts[0], 0, 0, static_cast<CUresult>(number(parts, 2))};
            parse_range(parts[1], &f.from, &f.to);
            failures.push_back(f);
        }
        if (key == "fault") {
            fault_at = static_cast<unsigned>(number(parts, 0));
            fault = static_cast<CUresult>(number(parts, 1));
        }
    }
}

CUresult State::problem(const std::string &what, CUresult result) {
    problems.push_back(what);
    write("problem: " + what);
    return result;
}

std::string State::summary() const {
    std::size_t allocations = 0, queued = 0, streams = 0, events = 0, loaded = 0, bytes = 0;
    unsigned contexts = 0;
    for (const Device &device : devices) {
        allocations += device.allocations.size();
        bytes += device.used;
        streams += device.streams.size();
        events += device.events.size();
        loaded += device.modules.size();
        contexts += device.retained;
        for (const Stream *s : device.streams) queued += s->queue.size();
    }
    std::ostringstream out;
    out << "allocations=" << allocations << " bytes=" << bytes << " pinned=" << pinned.size() << " streams=" << streams
        << " events=" << events << " modules=" << loaded << " contexts=" << contexts << " queued=" << queued
        << " launches=" << launches << " uploads=" << uploads << " uploaded=" << uploaded << "\n";
    for (const std::string &p : problems) out << "problem: " << p << "\n";
    return out.str();
}

// Lines reach the report at once: a Go program ends without a last word to its libraries.
void State::write(const std::string &line) const {
    if (report.empty()) return;
    if (FILE *f = std::fopen(report.c_str(), "a")) {
        std::fprintf(f, "%s\n", line.c_str());
        std::fclose(f);
    }
}

namespace {

void retire(Device &device) {
    for (auto &[address, memory] : device.allocations) memory.release();
    for (Stream *s : device.streams) delete s;
    for (Event *e : device.events) delete e;
    device.allocations.clear();
    device.streams.clear();
    device.events.clear();
    device.modules.clear();  // threads may still run their code: it stays loaded
    device.used = 0;
    std::erase_if(state.pinned, [&](auto &p) {
        if (p.second.owner != &device) return false;
        p.second.release();
        return true;
    });
}

// Functions that answer whatever has become of the current context.
bool asks_the_driver(const char *function) {
    return std::strncmp(function, "cuDevice", 8) == 0 || std::strncmp(function, "cuDriver", 8) == 0 ||
           std::strncmp(function, "cuCtxSetCurrent", 15) == 0 || std::strcmp(function, "cuInit") == 0;
}

// The name without the version that cuda.h puts behind it.
std::string plain(const std::string &function) {
    const std::size_t v = function.rfind("_v");
    return v == std::string::npos ? function : function.substr(0, v);
}

}  // namespace

Call::Call(const char *function) : lock(state.mutex) {
    device = current;
    for (Failure &f : state.failures)
        if ((f.function == "*" || f.function == plain(function)) && ++f.calls >= f.from && f.calls <= f.to) {
            result = f.result;
            return;
        }
    if (device != nullptr && device->broken != CUDA_SUCCESS && !asks_the_driver(function)) {
        result = device->broken;
        return;
    }
    if (!state.late && state.random() % 4 == 3) step();
}

}  // namespace standin

using namespace standin;

extern "C" {

// For tests: a new driver in place of the old one.
void standin_configure(const char *text) {
    std::lock_guard<std::mutex> lock(state.mutex);
    state.configure(text);
}

// For tests: what is left and what went wrong, in text that is good until the next call.
const char *standin_summary(void) {
    static std::string text;
    std::lock_guard<std::mutex> lock(state.mutex);
    text = state.summary();
    return text.c_str();
}

CUresult cuInit(unsigned int) {
    const char *text = std::getenv("BESPOKE_STANDIN");
    if (text != nullptr) standin_configure(text);
    return state.init;
}

CUresult cuGetErrorName(CUresult error, const char **name) {
    static const std::map<int, const char *> names = {
        {2, "CUDA_ERROR_OUT_OF_MEMORY"}, {46, "CUDA_ERROR_DEVICE_UNAVAILABLE"}, {100, "CUDA_ERROR_NO_DEVICE"},
        {201, "CUDA_ERROR_INVALID_CONTEXT"}, {209, "CUDA_ERROR_NO_BINARY_FOR_GPU"}, {214, "CUDA_ERROR_ECC_UNCORRECTABLE"},
        {218, "CUDA_ERROR_INVALID_PTX"}, {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"}, {500, "CUDA_ERROR_NOT_FOUND"},
        {700, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {719, "CUDA_ERROR_LAUNCH_FAILED"}, {999, "CUDA_ERROR_UNKNOWN"},
    };
    const auto it = names.find(error);
    *name = it == names.end() ? nullptr : it->second;
    return it == names.end() ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version) {
    STANDIN_CALL();
    *version = state.driver_version;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
    STANDIN_CALL();
    *count = static_cast<int>(state.devices.size());
    return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    STANDIN_CALL();
    if (ordinal < 0 || static_cast<std::size_t>(ordinal) >= state.devices.size()) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
    STANDIN_CALL();
    std::snprintf(name, static_cast<std::size_t>(length), "Stand-in %d", device);
    return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) {
    STANDIN_CALL();
    *bytes = state.devices[static_cast<std::size_t>(device)].memory;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    STANDIN_CALL();
    const Device &d = state.devices[static_cast<std::size_t>(device)];
    switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = d.capability / 10; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = d.capability % 10; break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 4; break;
    default: return state.problem("attribute " + std::to_string(attribute) + " is not known here");
    }
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    STANDIN_CALL();
    Device &d = state.devices[static_cast<std::size_t>(device)];
    d.retained++;
    *context = reinterpret_cast<CUcontext>(&d);
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
    STANDIN_CALL();
    Device &d = state.devices[static_cast<std::size_t>(device)];
    if (d.retained == 0) return state.problem("releases a context that nobody retains", CUDA_ERROR_INVALID_CONTEXT);
    if (--d.retained > 0) return CUDA_SUCCESS;
    check_guards(d, "the end of the context");
    const bool pinned = std::any_of(state.pinned.begin(), state.pinned.end(), [&](const auto &p) { return p.second.owner == &d; });
    if (d.broken == CUDA_SUCCESS && (pinned || !d.allocations.empty() || !d.streams.empty() || !d.events.empty() || !d.modules.empty()))
        state.problem("context released before " + state.summary());
    retire(d);
    d.broken = CUDA_SUCCESS;
    state.write("released: " + state.summary());
    return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context) {
    STANDIN_CALL();
    current = reinterpret_cast<Device *>(context);
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context) {
    STANDIN_CALL();
    *context = reinterpret_cast<CUcontext>(current);
    return CUDA_SUCCESS;
}

}  // extern "C"
