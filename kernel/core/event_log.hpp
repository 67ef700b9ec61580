// kernel/core/event_log.hpp -- the last things that happened, for people and tools.
//
// Two bounded rings. The event ring holds lines for MONITOR, `larder tail` and the admin API. The
// drop log holds, by scope, who changed it: entries die lazily, so the cause of a removal is found
// by asking which of its scopes changed last. Both are bounded in number and in the length of their
// texts: what is longer is cut at a character.
#pragma once

#include "kernel/core/records.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

inline constexpr std::size_t max_event_text = 2'048;

struct Event {
    std::uint64_t number = 0;  // rises by one
    std::uint64_t at_ms = 0;   // wall clock
    int severity = 2;          // LARDER_LOG_*
    std::string type, text;
};

// Safe for any number of threads; not for the hit path.
class EventLog {
  public:
    explicit EventLog(std::size_t capacity = 4096);
    ~EventLog();
    void add(std::uint64_t at_ms, int severity, std::string_view type, std::string text);
    // Events after `after`, oldest first, up to the one that is last when it begins; returns the
    // last number seen (`after` if none). A first number above after + 1: some had gone already. fn
    // runs without a lock and may add events.
    std::uint64_t each(std::uint64_t after, const std::function<void(const Event&)>& fn) const;
    std::uint64_t last() const;

  private:
    struct Ring;
    std::unique_ptr<Ring> ring_;
};

struct Removal {  // a change of one scope
    ScopeId scope = 0;
    std::uint64_t at_ms = 0, epoch = 0;
    bool expire = false;
    std::string what;   // `tag "category:5"`, `user_details "42"`
    std::string cause;  // `hotel.larder:19 PUT /v1.0/user/update/42`, `LARDER DROP`, `DEL`
};

class DropLog {
  public:
    explicit DropLog(std::size_t capacity = 4096);
    ~DropLog();
    void add(Removal removal);
    // The latest change of any of these scopes that the log still holds.
    std::optional<Removal> find(const ScopeId* scopes, std::size_t n) const;
    // The last `n`, newest first.
    std::vector<Removal> last(std::size_t n) const;

  private:
    struct Ring;
    std::unique_ptr<Ring> ring_;
};

}  // namespace larder
