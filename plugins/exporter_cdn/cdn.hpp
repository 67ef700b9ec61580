// plugins/exporter_cdn/cdn.hpp -- the component "cdn": drops of tags become purges at a CDN.
//
// events() only writes down what to purge, so a CDN that hangs holds nobody; a thread of its own sends, one request
// at a time. On stop() what waits is sent at once, and the request under way is given up at the deadline. What was
// not sent by then, and what is given up, is counted and said in the log: it ends at the CDN by its own lifetime.
#pragma once

#include "mapping.hpp"
#include "outbox.hpp"
#include "plugins/http_post/post.hpp"
#include "shape.hpp"

#include <larder/plugin/exporter.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace larder::exporter_cdn {

class Cdn {
  public:
    static constexpr const char* name = "cdn";
    static constexpr std::uint64_t caps = LARDER_EXP_CAP_EVENTS | LARDER_EXP_CAP_CHANGES;

    Cdn(plugin::Host host, const plugin::Config& config);
    ~Cdn();
    Cdn(const Cdn&) = delete;
    Cdn& operator=(const Cdn&) = delete;

    void start();
    void stop(std::uint64_t deadline_ns);
    larder_status events(plugin::Events events, const larder_call& call);
    plugin::Health health() const;

  private:
    using Lock = std::unique_lock<std::mutex>;
    void run();
    bool wait(Lock& lock);  // until something is to be sent; false: the end
    bool send(const Batch& batch, std::chrono::milliseconds timeout);
    void lose(std::size_t purges, std::string_view why);
    void add(std::string tag, bool soft);  // under mutex_

    const plugin::Host host_;
    const Shape shape_;
    const std::string id_;
    const http_post::Target api_;
    const std::chrono::milliseconds timeout_;
    const Mapping mapping_;
    std::string token_;
    const plugin::Metric sent_, failed_, purged_, lost_;
    http_post::Cancel cancel_;
    std::atomic<bool> working_{true};  // the last request went well

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Outbox outbox_;  // guarded by mutex_, as what follows
    bool stopping_ = false, ended_ = true, full_ = false;
    std::uint64_t deadline_ns_ = 0;  // of stop()
    std::thread thread_;             // start() and stop() only
};

}  // namespace larder::exporter_cdn
