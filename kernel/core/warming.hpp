// kernel/core/warming.hpp -- entries made ahead of demand: which, when, how many at once, and how far it got.
//
// A `warm` of the policy is a list of keys and a source. Something asks for it (the start, its schedule, a rule
// that refreshes its namespace, a person): that is a run. A run's items are loaded by Cache::warm one after the
// other, `at most` so many at once and per second, runs of a higher priority first, all of them together within
// Options. What is fresh already is skipped.
//
// Of one `warm` there is at most one run that goes on and one that waits: who asks while it waits is answered by
// that one, and who asks while it goes on gets another, since what has just been dropped may have been loaded
// before. So the memory of all runs is bounded by the policy, and by Options::planned for what is foreseen.
//
// A source that fails is given time: pauses that double from 1 s to 60 s, half of each by chance, and three
// attempts for each item; after eight failures in a row the run gives up what is left, and its next time, or a
// minute for what is warmed at the start, begins anew. No error is stored (Cache::warm).
//
// Times of day are UTC, as the policy's dates are. Everything follows the clock and the executors given, so that
// tests play a week in moments.
#pragma once

#include "dsl/policy.hpp"
#include "kernel/core/cache.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

// A run, as it is told.
struct WarmRun {
    enum class State : std::uint8_t {
        waiting,   // for its turn, for a pause to end, or for the time of its next item
        going,
        done,
        gave_up,   // its source failed too often
        closed     // its `between` ended, or the policy has no such item any more
    };
    std::uint64_t id = 0;
    std::string space, head, where;  // head: `stats "{scope}"`
    std::uint32_t reason = 0;        // LARDER_WARM_*
    std::uint32_t priority = 0;
    State state = State::waiting;
    // total = loaded + absent + fresh + flying + lost + failed + left
    std::uint64_t total = 0, loaded = 0, absent = 0, fresh = 0, flying = 0, lost = 0, failed = 0, left = 0;
    std::uint64_t bytes = 0, load_us = 0;
    std::uint64_t asked_ms = 0, began_ms = 0, ended_ms = 0;  // wall clock; 0: not yet
    std::uint64_t took_ms = 0;       // since it began
    std::string problem;             // the last one

    bool over() const noexcept { return state >= State::done; }
    std::uint64_t handled() const noexcept { return total - left; }
    double percent() const noexcept { return total == 0 ? 100.0 : 100.0 * static_cast<double>(handled()) / static_cast<double>(total); }
    double per_second() const noexcept { return took_ms == 0 ? 0 : 1000.0 * static_cast<double>(handled()) / static_cast<double>(took_ms); }
    // Until it is done, at the rate it had so far; 0: nobody knows.
    std::uint64_t remaining_ms() const noexcept { return per_second() <= 0 ? 0 : static_cast<std::uint64_t>(1000.0 * static_cast<double>(left) / per_second()); }
};

// The word for a reason: "startup", "schedule", ...
std::string_view warm_reason(std::uint32_t reason);
std::string_view warm_state(WarmRun::State state);
// One JSON object; some lines for people, the receipt of a run that is over among them.
std::string warm_json(const std::vector<WarmRun>& runs);
std::string warm_text(const std::vector<WarmRun>& runs);

// A `warm` as it stands, for people.
struct WarmPlan {
    std::string space, head, source, where, doc;
    std::uint32_t number = 0;  // index into Policy::warms
    bool enabled = true, sleeps = false;  // sleeps: it has no source
    std::size_t items = 0;
    std::int64_t next_ms = -1;  // until it runs by itself; -1: it does not
    bool learns = false;
};

class Warming {
  public:
    struct Options {
        unsigned at_once = 20;         // loads, of all runs
        std::uint64_t per_second = 0;  // of each source; 0: no limit
        std::size_t planned = 10'000;  // items of one forecast
    };
    // One entry that somebody foresees.
    struct Foreseen {
        std::string key;
        std::uint64_t due_ms = 0;  // wall clock; 0: now
        std::uint32_t priority = 0;
    };
    struct Parts {
        Cache* cache = nullptr;
        Clock* clock = nullptr;
        Random* random = nullptr;
        Executor* timers = nullptr;
        Executor* workers = nullptr;
        std::function<void(int severity, std::string text)> note;
        // What a `learn` foresees until the next run; empty: nothing learns. [worker]
        std::function<std::vector<Foreseen>(std::uint32_t ns, const dsl::Warm& warm, std::size_t most)> foresee;
    };
    Warming(Parts parts, const Options& options);
    ~Warming();  // stops
    Warming(const Warming&) = delete;
    Warming& operator=(const Warming&) = delete;

    void configure(const Options& options);  // [any thread]
    // The items of this policy from now on. Those that are the same keep their schedule; new ones that say `at
    // startup` run now. REQUIRES: the cache has the policy. [control]
    void install(std::shared_ptr<const dsl::Policy> policy);
    // Runs of these, an index into `of.warms` each; those that sleep are left out. [any thread]
    std::vector<std::uint64_t> queue(const dsl::Policy& of, const std::vector<std::uint32_t>& warms, std::uint32_t reason, bool force = false);
    // Of all below a namespace; dsl::none: of all.
    std::vector<std::uint64_t> queue_under(dsl::NamespaceIndex ns, std::uint32_t reason, bool force = false);
    // Loads one key from its namespace's source. False: too much waits. [any thread]
    bool reload(std::uint32_t ns, std::string_view key);

    std::vector<WarmRun> runs() const;  // what goes on and waits, then the last that are over, newest first
    std::optional<WarmRun> run(std::uint64_t id) const;
    std::vector<WarmPlan> plans() const;
    // Waits until what was begun at startup is over. False: it is not yet. [control]
    bool wait_startup(Ms at_most);
    // Nothing begins any more. [control]
    void stop();

  private:
    struct Item {
        std::string key;
        std::vector<std::string> values;
        std::uint64_t due_ns = 0;
        std::uint32_t attempts = 0;
    };
    struct Run {
        WarmRun told;
        std::shared_ptr<const dsl::Policy> policy;
        std::uint32_t number = 0;  // of its warm
        std::string same;          // what makes it the same `warm`
        std::uint32_t ns = 0;
        std::deque<Item> todo;
        std::size_t going = 0;
        std::uint32_t failures = 0;  // in a row
        std::uint64_t paused_until_ns = 0, next_ns = 0, began_ns = 0;
        bool force = false, planned = true, planning = false;
        const dsl::Warm& warm() const { return policy->warms[number]; }
    };
    struct Planned {  // a `warm` that runs by itself
        std::uint64_t timer = 0, at_ns = 0;
    };
    using RunPtr = std::shared_ptr<Run>;

    static constexpr std::size_t kept = 64;  // runs that are over
    static constexpr std::size_t most_reloads = 1024;

    static std::string head_of(const dsl::Policy& policy, const dsl::Warm& warm);
    static std::string same_of(const dsl::Policy& policy, const dsl::Warm& warm);  // what two policies know it again by
    RunPtr make(std::uint32_t number, std::uint32_t reason, bool force);
    std::uint64_t queue_one(std::uint32_t number, std::uint32_t reason, bool force);
    void schedule(std::uint32_t number, bool anew);
    void due(std::uint64_t generation, std::uint32_t number);
    void pump();
    void begin(const RunPtr& run);
    void fill(const RunPtr& run);  // [worker]
    void load(const RunPtr& run, Item item);  // [worker]
    void account(Run& run, Item item, const Warmed& done);
    void end(const RunPtr& run, WarmRun::State state);
    bool startup_over() const;
    std::uint64_t delay_ns(const dsl::Warm& warm, bool first) const;
    void wake_at(std::uint64_t at_ns);

    const Parts parts_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    Options options_;
    std::shared_ptr<const dsl::Policy> policy_;
    std::uint64_t generation_ = 0;  // of the policy
    std::uint64_t next_id_ = 1;
    std::vector<RunPtr> active_;    // in the order they were asked for
    std::deque<WarmRun> over_;      // newest first
    std::map<std::string, Planned> planned_;  // by what makes a `warm` the same
    std::map<std::string, std::uint64_t> next_of_source_;  // ns, where Options::per_second
    std::size_t going_ = 0, reloads_ = 0;
    std::uint64_t wake_timer_ = 0, wake_ns_ = 0;
    bool stopped_ = false;
};

}  // namespace larder
