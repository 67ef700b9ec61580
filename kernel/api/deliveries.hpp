// kernel/api/deliveries.hpp -- events on their way to exporters that take them, each at its own pace.
//
// A queue for each exporter, of at most most_waiting events (then the oldest are lost, with a line in the
// log): one that hangs or fails is waited for by nobody else. One call at a time for each, on a thread that may block; what fails is tried again with
// the same events, later and later, and given up after most_tries, with a line in the log.
#pragma once

#include "kernel/config/log.hpp"
#include "kernel/core/clock.hpp"
#include "kernel/core/executor.hpp"
#include "kernel/loader/instance.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace larder::api {

struct OutgoingEvent {
    int severity = 0;  // LARDER_LOG_*
    std::uint64_t at_ms = 0;
    std::string type, subject, json;
};

// Safe for any number of threads.
class Deliveries : public std::enable_shared_from_this<Deliveries> {
  public:
    static constexpr std::size_t most_waiting = 4096, most_at_once = 16;
    static constexpr unsigned most_tries = 8;

    Deliveries(Executor& executor, Clock& clock, std::shared_ptr<config::Log> log)
        : executor_(executor), clock_(clock), log_(std::move(log)) {}
    // The exporter has LARDER_EXP_CAP_EVENTS.
    void send(const std::shared_ptr<loader::PluginInstance>& exporter, OutgoingEvent event);
    // No call begins after it.
    void close();

    struct Counts {
        std::uint64_t delivered = 0, failed = 0, lost = 0;
    };
    Counts counts() const;

  private:
    struct Queue {
        std::shared_ptr<loader::PluginInstance> exporter;
        std::deque<OutgoingEvent> waiting;
        bool busy = false;  // a call runs, or is to be tried again
        unsigned tries = 0;
        std::size_t sending = 0;  // of `waiting`, from the front: the call under way has them
        bool overflown = false;  // said once, until it is empty
    };
    void run(const std::shared_ptr<Queue>& queue);
    void post(const std::shared_ptr<Queue>& queue);

    Executor& executor_;
    Clock& clock_;
    const std::shared_ptr<config::Log> log_;
    mutable std::mutex mutex_;
    std::map<const void*, std::shared_ptr<Queue>> queues_;  // guarded by mutex_, as the rest
    Counts counts_;
    bool closed_ = false;
};

}  // namespace larder::api
