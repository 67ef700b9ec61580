// plugins/invalidator_event/teller.hpp -- events handed to the kernel, in the order they came, and what became of
// each.
//
// A message fires the rules of its event, and those that are written for where it came from: `on bus "user_changed"`
// is, to the kernel, the event bus:user_changed.
//
// A kernel that is busy is asked again: eight times over two and a half seconds. What a value is missing for,
// the kernel drops wider instead of narrower; that is counted and told. What may have been lost (a connection that
// was gone, a kernel that did not take an event) is owed as a *resync*: an event of its own, by which the policy
// drops what might be stale; it is told before anything else that comes later.
//
// One thread, the loop's, but for stop().
#pragma once

#include "mapping.hpp"

#include <larder/plugin/host.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace larder::invalidator_event {

class Teller {
  public:
    enum class Told {
        taken,
        refused,  // for good: trying again would not help
        not_now,  // busy after all tries, or stopping
    };
    // resync: the event's name; empty: none is told.
    Teller(plugin::Host host, std::string instance, std::string resync);

    void start();           // [control]
    void stop() noexcept;   // Ends waiting. [any]
    bool stopping() const noexcept { return stopping_; }

    // Reads a message by the mapping, and tells it. place: its channel or stream.
    Told hear(const Mapping& mapping, std::string_view place, std::string_view payload);
    Told hear_entry(const Mapping& mapping, std::string_view place, const Mapping::Fields& fields);
    // Messages may have been lost at `place`: a resync is owed.
    void lost(std::string_view place, std::string_view cause);
    // Tells the resync that is owed, if one is and the kernel takes it.
    void settle();

    void count_connected(bool yes);
    void count_lost_connection() { lost_connections_.add(); }

  private:
    enum Trouble : std::size_t { malformed, too_large, unknown, unbound, failed, kinds };
    struct Said {
        std::uint64_t again_ns = 0, withheld = 0;
    };
    struct Answer {
        larder_status status;
        std::uint32_t rules;
        std::string note;  // what had no value
    };

    Told tell(Mapping::Outcome outcome, std::string_view place, const std::string& why);
    Told tell(const BoundEvent& event, std::string_view place);
    Answer ask(const BoundEvent& event) const;
    Answer ask_patiently(const BoundEvent& event);
    Answer ask_both(const BoundEvent& event, std::string_view topic);
    bool pause(std::uint32_t ms);
    void complain(Trouble kind, std::string_view place, std::string_view text);

    plugin::Host host_;
    const std::string speaker_, instance_, resync_;
    const larder_cache_api* cache_ = nullptr;
    plugin::Metric events_, unknown_, unbound_, malformed_, too_large_, failed_, resyncs_,
        lost_connections_, connected_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::condition_variable stops_;

    // The loop's.
    BoundEvent event_, trigger_;
    std::string owed_place_, owed_cause_;  // cause empty: nothing is owed
    bool resync_unknown_ = false;          // it was said that the policy has no rule for it
    std::array<Said, kinds> said_;
    int connections_ = 0;
};

}  // namespace larder::invalidator_event
