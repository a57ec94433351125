// Streams and events: when queued work runs.
#include "standin.h"

namespace standin {

bool step() {
    std::vector<Stream *> ready;
    for (Device &device : state.devices)
        for (Stream *s : device.streams)
            if (!s->queue.empty() && (s->queue.front().after == nullptr || s->queue.front().after->reached)) ready.push_back(s);
    if (ready.empty()) return false;
    Stream *s = ready[state.random() % ready.size()];
    const Work work = std::move(s->queue.front());
    s->queue.pop_front();
    work.run();
    return true;
}

CUresult run_until(const std::function<bool()> &holds, const char *what) {
    while (!holds())
        if (!step()) {
            // A condition may hold just because the last work ran.
            if (holds()) break;
            return state.problem(std::string(what) + " waits for work that never runs", CUDA_ERROR_UNKNOWN);
        }
    for (Device &device : state.devices)
        if (device.broken != CUDA_SUCCESS) return device.broken;
    return CUDA_SUCCESS;
}

CUresult enqueue(const Call &call, CUstream stream, const std::string &what, std::function<void()> run) {
    if (stream == nullptr) {
        const CUresult result = run_until([&] { return !step(); }, what.c_str());
        if (result == CUDA_SUCCESS) run();
        return result;
    }
    Stream *s = reinterpret_cast<Stream *>(stream);
    if (call.device->streams.count(s) == 0) return state.problem(what + " on an unknown stream", CUDA_ERROR_INVALID_HANDLE);
    s->queue.push_back({std::move(run), nullptr});
    return CUDA_SUCCESS;
}

void break_device(Device &device, CUresult result) {
    device.broken = result;
    for (Stream *s : device.streams) {
        for (Work &work : s->queue)
            if (work.after != nullptr) work.after->reached = true;
        s->queue.clear();
    }
    for (Event *e : device.events)
        if (e->marker != nullptr) e->marker->reached = true;
}

namespace {

Stream *known(const Call &call, CUstream stream) {
    Stream *s = reinterpret_cast<Stream *>(stream);
    return call.device->streams.count(s) != 0 ? s : nullptr;
}

Event *known(CUevent event) {
    Event *e = reinterpret_cast<Event *>(event);
    for (Device &device : state.devices)
        if (device.events.count(e) != 0) return e;
    return nullptr;
}

}  // namespace
}  // namespace standin

using namespace standin;

extern "C" {

CUresult cuStreamCreate(CUstream *stream, unsigned int) {
    STANDIN_IN_CONTEXT();
    Stream *s = new Stream{call.device, {}};
    call.device->streams.insert(s);
    *stream = reinterpret_cast<CUstream>(s);
    return CUDA_SUCCESS;
}

CUresult cuStreamDestroy(CUstream stream) {
    STANDIN_IN_CONTEXT();
    Stream *s = known(call, stream);
    if (s == nullptr) return state.problem("destroys an unknown stream", CUDA_ERROR_INVALID_HANDLE);
    const CUresult result = run_until([&] { return s->queue.empty(); }, "the end of a stream");
    call.device->streams.erase(s);
    delete s;
    return result;
}

CUresult cuStreamSynchronize(CUstream stream) {
    STANDIN_IN_CONTEXT();
    if (stream == nullptr) return run_until([&] { return !step(); }, "the default stream");
    Stream *s = known(call, stream);
    if (s == nullptr) return state.problem("waits for an unknown stream", CUDA_ERROR_INVALID_HANDLE);
    const CUresult result = run_until([&] { return s->queue.empty(); }, "a stream");
    check_guards(*call.device, "synchronisation");
    return result;
}

CUresult cuStreamQuery(CUstream stream) {
    STANDIN_IN_CONTEXT();
    Stream *s = known(call, stream);
    if (s == nullptr) return state.problem("asks for an unknown stream", CUDA_ERROR_INVALID_HANDLE);
    return s->queue.empty() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int) {
    STANDIN_IN_CONTEXT();
    Event *e = known(event);
    if (stream == nullptr && e != nullptr)
        return run_until([&] { return e->marker == nullptr || e->marker->reached; }, "the default stream");
    Stream *s = known(call, stream);
    if (s == nullptr || e == nullptr) return state.problem("an unknown stream waits, or for an unknown event", CUDA_ERROR_INVALID_HANDLE);
    if (e->marker != nullptr) s->queue.push_back({[] {}, e->marker});
    return CUDA_SUCCESS;
}

CUresult cuEventCreate(CUevent *event, unsigned int flags) {
    STANDIN_IN_CONTEXT();
    Event *e = new Event{call.device, (flags & CU_EVENT_DISABLE_TIMING) == 0, nullptr};
    call.device->events.insert(e);
    *event = reinterpret_cast<CUevent>(e);
    return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent event) {
    STANDIN_IN_CONTEXT();
    Event *e = known(event);
    if (e == nullptr) return state.problem("destroys an unknown event", CUDA_ERROR_INVALID_HANDLE);
    e->device->events.erase(e);
    delete e;
    return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
    STANDIN_IN_CONTEXT();
    Event *e = known(event);
    if (e == nullptr || e->device != call.device) return state.problem("records an event of another device", CUDA_ERROR_INVALID_HANDLE);
    auto marker = std::make_shared<Marker>();
    e->marker = marker;
    const auto reach = [marker] {
        marker->reached = true;
        marker->at = std::chrono::steady_clock::now();
    };
    if (stream == nullptr) {  // behind everything
        const CUresult result = run_until([&] { return !step(); }, "the default stream");
        reach();
        return result;
    }
    Stream *s = known(call, stream);
    if (s == nullptr) return state.problem("records an event on an unknown stream", CUDA_ERROR_INVALID_HANDLE);
    s->queue.push_back({reach, nullptr});
    return CUDA_SUCCESS;
}

CUresult cuEventQuery(CUevent event) {
    STANDIN_IN_CONTEXT();
    Event *e = known(event);
    if (e == nullptr) return state.problem("asks for an unknown event", CUDA_ERROR_INVALID_HANDLE);
    return e->marker == nullptr || e->marker->reached ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuEventSynchronize(CUevent event) {
    STANDIN_IN_CONTEXT();
    Event *e = known(event);
    if (e == nullptr) return state.problem("waits for an unknown event", CUDA_ERROR_INVALID_HANDLE);
    if (e->marker == nullptr) return CUDA_SUCCESS;
    const auto marker = e->marker;
    return run_until([&] { return marker->reached; }, "an event");
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
    STANDIN_IN_CONTEXT();
    Event *from = known(start), *to = known(end);
    if (from == nullptr || to == nullptr || !from->timed || !to->timed || from->marker == nullptr || to->marker == nullptr)
        return state.problem("time between events that take none", CUDA_ERROR_INVALID_HANDLE);
    if (!from->marker->reached || !to->marker->reached) return CUDA_ERROR_NOT_READY;
    *milliseconds = std::chrono::duration<float, std::milli>(to->marker->at - from->marker->at).count();
    return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void) {
    STANDIN_IN_CONTEXT();
    const CUresult result = run_until([&] { return !step(); }, "the device");
    check_guards(*call.device, "synchronisation");
    return result;
}

}  // extern "C"
