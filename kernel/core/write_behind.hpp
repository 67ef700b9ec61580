// kernel/core/write_behind.hpp -- writes that are answered now and brought to their source a little later.
//
// A write stands in the journal before it is answered, and here until the source has it. Of a key at most
// two are here: one that is being sent, and the newest one behind it, which covers all that came between
// (they are never sent). So a key's writes reach the source in their order, a key that is written a
// thousand times in its delay costs the source one write, and memory is bounded by what is not sent.
//
// Each namespace has a queue of its own, in the order in which its writes are due: a source that is away
// holds up nobody else's. A batch that fails as a whole is tried again after a pause that doubles, up to a
// bound, with jitter; of a batch that fails in part only those writes wait. Nothing is ever given up: a
// source that refuses a write for good keeps it here, which the age of the oldest write shows.
//
// When as much waits as may, whoever writes waits too, at most until the deadline; but only a few at a time:
// their threads are those that bring sources what waits.
//
// At least once: what was sent and not yet noted as done is sent again after a crash. Several nodes each
// have a journal: between them the order of one key's writes is not kept.
#pragma once

#include "kernel/core/clock.hpp"
#include "kernel/core/executor.hpp"
#include "kernel/core/journal.hpp"
#include "kernel/core/random.hpp"

#include <larder/plugin/abi.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace larder {

struct WriteBehindOptions {
    std::string file;                    // of the journal; its folder exists
    std::size_t writes = 100'000;        // that wait, at most
    std::uint64_t bytes = 64u << 20;     // of their keys and values
    std::size_t batch = 256;             // sent at once, at most
    unsigned waiters = 2;                // threads that wait for room; more are turned away at once
    Ms retry_least{100}, retry_most{5'000};  // the pause after a failure: the first, and the longest
};

// A write on its way to a source.
struct SourceWrite {
    std::string_view key;  // canonical
    std::string_view value;
    bool remove = false;
    larder_status status = LARDER_E_CLOSED;  // out
};

struct WriteBehindFigures {
    std::uint64_t waiting = 0, bytes = 0;  // writes that their source does not have
    std::uint64_t oldest_ms = 0;           // age of the oldest; 0: none waits
    std::uint64_t journal_bytes = 0;
    std::uint64_t sent = 0, covered = 0, retries = 0, turned_away = 0;  // covered: by a newer one of its key
};

// Safe for any number of threads.
class WriteBehind : public std::enable_shared_from_this<WriteBehind> {
  public:
    // Brings writes of one namespace to its source, in their order, and says in each what became of it. Of a
    // key there is never more than one under way. [worker]
    using Send = std::function<void(std::string_view space, std::span<SourceWrite> writes)>;

    struct Parts {
        Clock* clock = nullptr;  // all three outlive it
        Random* random = nullptr;
        Executor* executor = nullptr;
        Send send;
    };
    // Opens the journal; what it has is sent from start() on. Null: `problem` says why. `said`: what was found
    // damaged, and how much is left of before.
    static std::shared_ptr<WriteBehind> open(const WriteBehindOptions& options, Parts parts, std::vector<std::string>& said, std::string& problem);
    WriteBehind(const WriteBehind&) = delete;
    WriteBehind& operator=(const WriteBehind&) = delete;

    void start();
    // Sends what it can until the deadline, due or not; what it cannot stays in the journal. Nothing is sent
    // after it. [control]
    void stop(std::uint64_t deadline_ns);

    // Takes a write, to be sent after `delay`. Its number, which sync() takes; 0: as much waits as may until
    // the deadline, or the journal cannot be written. REQUIRES: one write of a key at a time. [worker]
    std::uint64_t add(std::string_view space, std::string_view key, std::string_view value, bool remove, Ms delay, std::uint64_t deadline_ns);
    // Whether it will outlive this process. False: it is not known; it may still reach the source. [worker]
    bool sync(std::uint64_t number) { return journal_->sync(number); }

    // The newest write of a key that its source may not have yet. [any thread]
    struct Newest {
        bool remove = false;
        std::string value;
    };
    std::optional<Newest> newest(std::string_view space, std::string_view key) const;
    WriteBehindFigures figures() const;

  private:
    struct Write {
        std::uint64_t number = 0, at_ms = 0, at_ns = 0;
        std::shared_ptr<const std::string> value;  // null: remove
        std::vector<std::uint64_t> covers;         // numbers of those that it came after
    };
    struct Queue;
    struct Entry {  // of a key
        std::string key;
        Queue* queue = nullptr;
        std::optional<Write> flying, next;
        std::uint64_t due_ns = 0, pause_ns = 0;  // of next
        std::size_t weight(const Write& write) const { return key.size() + (write.value ? write.value->size() : 0); }
    };
    struct Queue {  // of a namespace
        std::string space;
        std::unordered_map<std::string_view, std::unique_ptr<Entry>> entries;  // by Entry::key
        std::set<std::pair<std::uint64_t, Entry*>> due;
        std::uint64_t pause_ns = 0, not_before_ns = 0;
        std::uint64_t timer = 0, timer_ns = 0;  // 0: none is set
        bool pumping = false;                   // posted, or on its way
    };

    WriteBehind(const WriteBehindOptions& options, Parts parts) : options_(options), parts_(std::move(parts)) {}
    Queue& queue_of(std::string_view space);
    Entry* find(std::string_view space, std::string_view key) const;
    bool fits(std::string_view space, std::string_view key, std::size_t weight) const;
    void put(Queue& queue, std::string_view key, Write write, std::uint64_t due_ns);
    void enqueue(Entry& entry, std::uint64_t due_ns);
    void forget(const Entry& entry, const Write& write);  // from what is counted
    void wake(Queue& queue);
    void pump(Queue& queue);
    bool send_some(std::unique_lock<std::mutex>& lock, Queue& queue, bool all);
    void settle(Queue& queue, std::span<Entry* const> sent, std::span<const SourceWrite> outcome);
    std::uint64_t longer(std::uint64_t& pause_ns) const;
    bool rewrite();

    const WriteBehindOptions options_;
    const Parts parts_;
    std::unique_ptr<Journal> journal_;
    mutable std::mutex mutex_;  // before the journal's own
    std::condition_variable room_, idle_;
    std::map<std::string, Queue, std::less<>> queues_;  // guarded by mutex_, as all that follows
    std::size_t waiting_ = 0;
    std::uint64_t bytes_ = 0;
    std::multiset<std::uint64_t> ages_;  // at_ns of all that wait
    std::uint64_t sent_ = 0, covered_ = 0, retries_ = 0, turned_away_ = 0;
    bool started_ = false, stopping_ = false;
    unsigned busy_ = 0;     // pumps that are posted or run
    unsigned waiters_ = 0;  // who waits for room
};

}  // namespace larder
