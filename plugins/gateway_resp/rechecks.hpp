// plugins/gateway_resp/rechecks.hpp -- looking again at entries that end without any command.
//
// An entry's time ends, a rule drops its tag: no command of this gateway says so, and for a drop nobody
// looks for entries at all. Those who asked to be told (CLIENT TRACKING, keyspace notifications) hear of
// it because the gateway looks again: at what clients have read, when its time is over or when the
// kernel tells of a drop; and at what commands have written, while
// somebody wants to hear of expiry. A version that is no longer the one that was read, or no entry, is a
// change.
//
// Of drops it hears from the kernel's ring of events, which names no entries: so all that clients hold
// is looked at. What the host puts past the gateway is no event; it is found at the next look only.
//
// All looking is done on a thread that may wait, a few hundred entries a call, one look at a time.
#pragma once
#include "tracking.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::resp {

class Gateway;

class Rechecks {
  public:
    explicit Rechecks(Gateway& gateway) : gateway_(gateway) {}

    // A command has written this entry, or removed it. [any]
    void written(std::uint32_t ns, std::string_view key, std::string_view name);
    void removed(std::uint32_t ns, std::string_view key);
    // CLIENT TRACKING begins: what happened before does not matter. [any]
    void begin();
    // A command of this gateway drops everything, and tells so itself. [any]
    void flushes() noexcept { own_flushes_.fetch_add(1, std::memory_order_relaxed); }
    // Entries of ns (UINT32_MAX: any) may have changed without a command. [any]
    void may_have_changed(std::uint32_t ns);
    // Now and then, from any thread: what is due. [any, hot while there is nothing]
    void beat(std::uint64_t now_ns) noexcept;

  private:
    struct Entry {
        std::string name;  // as SCAN prints it
        std::uint64_t deadline_ns = 0;  // 0: not looked at yet
    };
    using Key = std::pair<std::uint32_t, std::string>;
    static constexpr std::size_t most_entries = 65'536;  // more are not told when they expire

    void start() noexcept;
    void look();
    void read_events();
    void look_at_scopes();
    void look_at_read(const std::vector<TrackingTable::Suspect>& read);
    void look_at_written(std::uint64_t now_ns);
    [[nodiscard]] std::vector<std::string> beginnings_of(std::uint32_t ns) const;

    // REQUIRE: mutex_ is held.
    void put(const Key& key, Entry entry);
    void erase(const Key& key);

    Gateway& gateway_;
    std::mutex mutex_;
    // Guarded by mutex_.
    std::map<Key, Entry> entries_;
    std::set<std::pair<std::uint64_t, Key>> order_;  // entries_ by deadline
    std::set<std::uint32_t> scopes_;  // namespaces to look at

    std::atomic<std::uint64_t> event_number_{0};  // the last that was read
    std::atomic<std::uint32_t> own_flushes_{0};   // whose events were not read yet
    std::atomic<bool> waiting_{false};  // there is something in one of them
    std::atomic<bool> looking_{false};
    std::atomic<std::uint64_t> next_ns_{0};
};

}  // namespace larder::resp
