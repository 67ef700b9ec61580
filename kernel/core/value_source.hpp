// kernel/core/value_source.hpp -- where a namespace's values come from and go to, as the cache calls it.
//
// A source is no tier: it keeps values, not entries, and is asked when no tier has one. The policy names it
// for each namespace (`source db "SELECT ..."`), with texts in which fields of the key stand as `{sku}`;
// they come here as they were written, with the fields beside them, because only the source knows how a
// value is put into a path or a statement without being taken for a part of it.
//
// Behind the two functions is a plugin (kernel/config/source_calls.cpp) or the host's own code. They are
// called on threads that may wait, at the same time for different keys, never with a lock held; of one key
// there is one load, and one write, at a time.
#pragma once

#include "kernel/core/breaker.hpp"
#include "kernel/core/clock.hpp"
#include "kernel/core/durations.hpp"

#include "dsl/policy.hpp"

#include <larder/plugin/services.h>

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {

// A loader's answer to get_or_load.
struct Loaded {
    larder_status status = LARDER_OK;  // OK: value; MISS: there is no such thing (kept as negative entry
                                       // where the namespace says `absent`); an error: nothing kept
    std::string value;
    std::int64_t ttl_ms = 0;           // 0: the namespace's
    std::vector<std::pair<std::string, std::string>> with;
};
using Loader = std::function<Loaded()>;

// Borrowed, all of it, for the time of the call.
struct SourceAsk {
    std::uint32_t ns = 0;
    std::string_view space, key;          // key: raw, as a client writes it; empty of a batch of writes
    std::string_view address;             // of the policy's `source`
    std::span<const larder_pair> fields;  // of the key, by name
    std::span<const larder_pair> options;
    std::int64_t ttl_ms = 0;              // of the namespace
    std::uint64_t deadline_ns = 0;        // on the clock of the cache
    std::uint32_t reason = 2;             // LARDER_WARM_*; DEMAND: somebody waits for it
    std::uint32_t priority = 0;
};

struct SourceChange {
    std::string_view key, value;
    bool remove = false;
    std::string_view address;  // of the policy's `write` or `remove`; empty: the source's
    std::span<const larder_pair> fields;
    // OK or MISS (there was nothing to remove): it has it. E_TIMEOUT: nobody knows. Other errors: it does not.
    larder_status status = LARDER_E_IO;
};

struct SourceHandle {
    std::string name;  // as policies say
    std::function<Loaded(const SourceAsk&)> load;
    // Writes in this order, and says in each what became of it. Empty: it cannot be written.
    std::function<void(const SourceAsk&, std::span<SourceChange>)> write;
    Ms timeout{5000};            // of one call
    const void* self = nullptr;  // who it is: one that stays keeps its breaker and its figures
    std::shared_ptr<void> keep;  // holds it, and its code, while any call may be under way
};

// One that runs; outlives reloads that keep it.
struct SourceRun {
    explicit SourceRun(SourceHandle given) : handle(std::move(given)), breaker({5, 1, std::chrono::seconds(5)}) {}
    const SourceHandle handle;
    Breaker breaker;
    Durations loads, writes;  // calls; a batch of writes is one
    std::atomic<std::uint64_t> loaded{0}, written{0}, load_errors{0}, write_errors{0}, bypassed{0};
};

// A namespace's use of it, as one policy says. Immutable.
struct SourceUse {
    std::shared_ptr<SourceRun> run;  // null: the policy names one that is not configured
    std::uint32_t ns = 0;
    std::string space;
    dsl::KeyTemplate key;
    std::vector<std::string> field_names;
    std::string address;
    std::vector<std::pair<std::string, std::string>> options;
    dsl::WriteMode mode = dsl::WriteMode::aside;
    Ms delay{0};
    dsl::WriteTarget target;
    std::int64_t ttl_ms = 0;
    bool far_only = false;  // not the policy's: what it brings is in the far tier, or nowhere (cache_far.cpp)
    bool loads() const { return run != nullptr && run->handle.load != nullptr; }
    bool writes() const { return run != nullptr && mode != dsl::WriteMode::aside; }
};

struct SourceFigures {
    std::string name;
    std::uint64_t loaded = 0, written = 0, load_errors = 0, write_errors = 0, bypassed = 0;
    std::uint64_t breaker = 0, breaker_opened = 0;
    DurationFigures loads, writes;
};

}  // namespace larder
