// plugins/redis_wire/journal.hpp -- what is said of servers in the log: who, command, cause, and no more
// often than somebody can read.
//
// A server that is away makes every operation fail with the same cause. Each pair of command and cause
// is said once in ten seconds, with how often it came meanwhile; causes are the server's and the
// system's texts, cut, and never what was sent.
#pragma once

#include <larder/plugin/host.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace larder::redis_wire {

class Journal {
  public:
    // speaker: "redis l2", what each line begins with.
    Journal(plugin::Host host, std::string speaker) : host_(host), speaker_(std::move(speaker)) {}

    // "redis l2: GET at 127.0.0.1:6379: READONLY ..." [any]
    void trouble(std::string_view command, std::string_view server, std::string_view cause);
    // Said as it stands, each time: what happens once. [any]
    void say(std::int32_t level, std::string_view server, std::string_view text);

  private:
    struct Said {
        std::uint64_t at_ns = 0, withheld = 0;
    };
    static constexpr std::uint64_t pause_ns = 10'000'000'000;
    static constexpr std::size_t most_causes = 64;  // then all are forgotten

    plugin::Host host_;
    const std::string speaker_;
    std::mutex mutex_;
    std::map<std::string, Said> said_;  // guarded by mutex_
};

}  // namespace larder::redis_wire
