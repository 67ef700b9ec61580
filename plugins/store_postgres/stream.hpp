// plugins/store_postgres/stream.hpp -- what other nodes changed, as the server tells it: one session that listens.
//
// There is trust as long as a word of one's own, said every third of max_staleness, comes back: then so does everybody
// else's. It ends at once when the connection ends, and when no word came back for max_staleness. After it the kernel is
// told that anything may have changed before there is trust again.
//
// The same words bring the server's clock, right to half their way.
#pragma once

#include "statements.hpp"

#include "plugins/postgres_wire/session.hpp"

#include <larder/plugin/host.hpp>
#include <larder/plugin/shared.h>
#include <larder/plugin/sink.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace larder::store_postgres {

// A key as the payload of a NOTIFY, which is text; and back. Empty: too long to be told.
std::string payload_of(std::string_view key);
std::string key_of_payload(std::string_view payload);

class Stream {
  public:
    // `beat`: called about every third of max_staleness while there is a connection, on the stream's thread.
    Stream(plugin::Host host, const Options& options, const Statements& statements, std::function<void()> beat)
        : host_(host), options_(options), statements_(statements), beat_(std::move(beat)) {}
    ~Stream() { stop(); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void start();
    void stop() noexcept;
    larder_status listen(const larder_sink* sink);
    // 0: not known yet. [any]
    std::uint64_t now_ms() const noexcept;
    bool connected() const noexcept { return connected_.load(std::memory_order_relaxed); }
    std::string trouble() const;

  private:
    void run();
    bool join(postgres_wire::Session& session);
    void follow(postgres_wire::Session& session);
    bool say_word(postgres_wire::Session& session);
    void told(std::string_view payload);
    void set_trust(bool yes) noexcept;
    void fail(const std::string& why);
    bool running() const noexcept { return running_.load(std::memory_order_relaxed); }
    bool pause(std::uint64_t ms);

    const plugin::Host host_;
    const Options& options_;
    const Statements& statements_;
    const std::function<void()> beat_;
    std::thread thread_;
    std::atomic<bool> running_{false}, connected_{false};
    std::atomic<std::int64_t> ahead_ms_{0};  // of the boot-time clock
    std::atomic<bool> knows_time_{false};

    mutable std::mutex mutex_;  // guards the sink, and is held while it is told
    plugin::Sink sink_;
    bool trusted_ = false, before_ = false;

    mutable std::mutex trouble_mutex_;
    std::string trouble_ = "not connected yet";
    std::condition_variable stopping_;

    // The stream's thread's own.
    std::string word_;
    std::uint64_t words_ = 0, said_ns_ = 0, proved_ns_ = 0;
    bool heard_ = false;
};

}  // namespace larder::store_postgres
