// plugins/gateway_resp/key_events.hpp -- keyspace notifications: what happened to a key, as a message.
//
// Off until `CONFIG SET notify-keyspace-events` says which; then commands of this gateway publish what
// they did to a key, and the gateway what it finds expired among the keys it was given with a time to
// live. What rules drop is told by LARDER's own means (MONITOR, CLIENT TRACKING), not here: a drop
// names no keys.
#pragma once
#include "channels.hpp"

#include <cstdint>

namespace larder::resp {

// The classes of Redis, by their letters. Those of data types that are not here never happen.
enum KeyEventClass : std::uint32_t {
    kEventKeyspace = 1u << 0,  // K: to __keyspace@0__:key
    kEventKeyevent = 1u << 1,  // E: to __keyevent@0__:event
    kEventGeneric = 1u << 2,   // g
    kEventString = 1u << 3,    // $
    kEventExpired = 1u << 4,   // x
    kEventEvicted = 1u << 5,   // e
    kEventNew = 1u << 6,       // n
    kEventMiss = 1u << 7,      // m
    kEventList = 1u << 8,      // l
    kEventSet = 1u << 9,       // s
    kEventHash = 1u << 10,     // h
    kEventSorted = 1u << 11,   // z
    kEventStream = 1u << 12,   // t
    kEventModule = 1u << 13    // d
};

class KeyEvents {
  public:
    explicit KeyEvents(Channels& channels) : channels_(channels) {}

    // "KEA", "Ex", "": whether each letter is one.
    [[nodiscard]] static bool valid(std::string_view letters) noexcept;
    // REQUIRES: they are valid.
    void choose(std::string_view letters) noexcept;
    [[nodiscard]] std::string letters() const;
    [[nodiscard]] bool wants(std::uint32_t kind) const noexcept {
        const std::uint32_t chosen = chosen_.load(std::memory_order_relaxed);
        return (chosen & kind) != 0 && (chosen & (kEventKeyspace | kEventKeyevent)) != 0;
    }
    [[nodiscard]] bool idle() const noexcept {
        return chosen_.load(std::memory_order_relaxed) == 0;
    }
    void publish(std::uint32_t kind, std::string_view event, std::string_view key,
                 const Client& from = nullptr, const std::function<void(Mail)>& own = nullptr);

  private:
    Channels& channels_;
    std::atomic<std::uint32_t> chosen_{0};
};

}  // namespace larder::resp
