// plugins/warmer_redis/question.hpp -- one GET, SET or DEL between a thread that waits for it and the loop that asks.
//
// Whoever waits leaves at its deadline, whatever the loop does; the loop keeps what was left in its place in the line,
// because the answers behind it are told apart by their order alone.
//
// A GET goes with a PTTL behind it. In this order a time to live is never longer than the value's: should the key
// expire or change in between, the time is that of what comes after.
#pragma once

#include "plugins/redis_wire/reply.hpp"

#include <larder/plugin/host.hpp>
#include <larder/plugin/value.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace larder::warmer_redis {

class Question {
  public:
    enum class Heard : std::uint8_t { more, whole, nonsense };

    static std::shared_ptr<Question> get(std::string_view key);
    // ttl_ms: 0: for ever.
    static std::shared_ptr<Question> set(std::string_view key, std::string_view value,
                                         std::int64_t ttl_ms);
    static std::shared_ptr<Question> del(std::string_view key);
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    // ---- for who waits
    // OK; MISS: nothing was there; or an error, and its cause. A write whose time is over is E_IO when it was not sent,
    // else E_TIMEOUT.
    larder_status wait(plugin::Host host, std::uint64_t deadline_ns, std::string& cause);
    // Of a GET for which wait() said OK.
    plugin::Value& value() noexcept { return value_; }
    std::int64_t left_ms() const noexcept { return left_ms_; }  // -1: it does not expire

    // ---- for the loop
    bool reads() const noexcept { return verb_ == Verb::get; }
    // Appends it to the wire; false: nobody waits any more.
    bool send(std::string& wire, std::uint64_t now_ns);
    std::uint32_t times_sent() const noexcept { return times_sent_; }
    Heard hear(redis_wire::Reply& reply, std::uint64_t now_ns);
    // After hear() said whole.
    void answered();
    // Instead of an answer.
    void failed(larder_status status, std::string cause);

  private:
    enum class Verb : std::uint8_t { get, set, del };
    explicit Question(Verb verb) : verb_(verb) {}
    bool hear_get(redis_wire::Reply& reply, std::uint64_t now_ns);
    void end(larder_status status);

    const Verb verb_;
    std::string wire_;
    // The loop's until it ended, then the waiting thread's.
    std::uint32_t times_sent_ = 0, replies_ = 0;
    std::uint64_t sent_ns_ = 0;
    bool found_ = false, refused_ = false;
    std::int64_t left_ms_ = -1;
    plugin::Value value_;
    std::string cause_;

    std::mutex mutex_;
    std::condition_variable ended_;
    // Guarded by mutex_.
    bool over_ = false, left_ = false, sent_ = false;
    larder_status status_ = LARDER_E_IO;
};

}  // namespace larder::warmer_redis
