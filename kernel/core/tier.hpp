// kernel/core/tier.hpp -- one store in a chain, as the cache calls it.
//
// Whatever the store is, a call here ends by its deadline with a status: a store that answers later is
// waited for through the PendingPool, one that may block is entered by at most `workers` threads. Errors
// go to the breaker; while it is open the answer is LARDER_E_CLOSED at once and the store is not asked.
// Exceptions and nonsense are errors already when they come here: tables are guarded by the loader
// (kernel/loader/plugin_guard.hpp).
//
// The caller decides where to wait: sync() tiers are called on the request thread, others where
// blocking is allowed.
#pragma once

#include "kernel/core/breaker.hpp"
#include "kernel/core/ramp.hpp"
#include "kernel/core/cache.hpp"
#include "kernel/core/counters.hpp"
#include "kernel/core/durations.hpp"
#include "kernel/core/pending.hpp"
#include "kernel/core/unremoved.hpp"

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

namespace larder {

// A value with its release; movable, frees what it holds.
class Pinned {
  public:
    Pinned() = default;
    explicit Pinned(const larder_value& v) noexcept : value_(v) {}
    Pinned(Pinned&& other) noexcept : value_(other.value_) { other.value_ = {}; }
    Pinned& operator=(Pinned&& other) noexcept {
        if (this != &other) {
            reset();
            value_ = other.value_;
            other.value_ = {};
        }
        return *this;
    }
    ~Pinned() { reset(); }
    void reset() noexcept {
        if (value_.release != nullptr) value_.release(&value_);
        value_ = {};
    }
    larder_value* out() noexcept {
        reset();
        return &value_;
    }
    larder_value give() noexcept {
        const larder_value v = value_;
        value_ = {};
        return v;
    }
    larder_bytes bytes() const noexcept { return {value_.data, value_.size}; }

  private:
    larder_value value_{};
};

class SharedCall;

// Safe for any number of threads.
class Tier : public std::enable_shared_from_this<Tier> {
  public:
    Tier(StoreHandle store, const BreakerOptions& breaker, Clock& clock, PendingPool& pending);

    const StoreHandle& store() const noexcept { return store_; }
    bool sync() const noexcept { return (store_.caps & LARDER_STORE_CAP_SYNC) != 0; }
    bool has(std::uint64_t cap) const noexcept { return (store_.caps & cap) != 0; }
    // Takes the short form of an entry (headed.hpp).
    bool headed() const noexcept { return has(LARDER_STORE_CAP_MARK) && !foreign(); }
    // Bytes in here may be somebody else's or damaged.
    bool foreign() const noexcept { return has(LARDER_STORE_CAP_SHARED | LARDER_STORE_CAP_PERSISTENT); }

    // OK, MISS or an error; `now_ns` for the breaker, `deadline_ns` for the store. [hot] when sync()
    larder_status get(const larder_key& key, std::uint32_t flags, std::uint64_t now_ns, std::uint64_t deadline_ns, Pinned& out);
    // Of a sync() tier: fills status and value of each item. [hot]
    void get_many(std::span<larder_get_item> items, std::uint32_t flags, std::uint64_t now_ns, std::uint64_t deadline_ns);
    larder_status visit(const larder_key& key, std::uint64_t now_ns, void (*fn)(void*, larder_bytes) noexcept, void* ctx);
    larder_status put(const larder_key& key, const larder_put& put, std::uint64_t now_ns, std::uint64_t deadline_ns);
    larder_status remove(const larder_key& key, std::uint64_t if_version, std::uint64_t now_ns, std::uint64_t deadline_ns);
    larder_status touch(const larder_key& key, const larder_touch& touch, std::uint64_t now_ns, std::uint64_t deadline_ns);
    larder_status clear(std::uint32_t ns);

    // Whether whoever waits anyway is best off in the store itself: its calls without a `done` take no other
    // thread and end by their deadline.
    bool waits() const noexcept { return has(LARDER_STORE_CAP_WAITS); }

    // larder.shared/1 (kernel/core/shared_call.hpp). REQUIRES: store().shared.
    // Of a waits() tier: reads, on this thread.
    larder_status read_here(SharedCall& call, std::uint64_t now_ns, std::uint64_t deadline_ns);
    using Then = std::function<void(larder_status)>;
    // Begins a call, and runs `then` once, here or on the store's thread, at the latest shortly after the
    // deadline. What it answers stands in *call, unless it is LARDER_E_TIMEOUT.
    enum class Shared { read, make };
    void begin(Shared what, const std::shared_ptr<SharedCall>& call, std::uint64_t ttl_ms, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then);
    void begin_change(const std::shared_ptr<SharedCall>& call, std::uint64_t ttl_ms, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then);
    void begin_lease(const std::shared_ptr<SharedCall>& call, std::uint64_t token, std::uint64_t ttl_ms, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then);
    // Without a lease, or by one.
    void begin_put(const larder_key& key, const larder_put& put, std::uint64_t lease, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then);
    larder_status fill(const larder_key& key, std::uint64_t token, const larder_put& put, std::uint64_t now_ns, std::uint64_t deadline_ns);
    larder_status scan(larder_scan& scan, std::uint64_t deadline_ns);
    larder_status limits(std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes);
    larder_status evict(std::uint32_t ns, dsl::EvictOrder order);
    larder_status demote(std::uint32_t ns, const larder_demotion* to);
    // Where the store does not count its entries: what the last walk saw of them.
    larder_store_stats stats(std::uint32_t ns) const;
    void walked(std::map<std::uint32_t, std::uint64_t> entries);  // by namespace

    Breaker& breaker() noexcept { return breaker_; }
    const Breaker& breaker() const noexcept { return breaker_; }
    // Of the loads of what lies in this tier; begun when its breaker closes.
    Ramp& ramp() noexcept { return ramp_; }
    // Of a tier of this process that is not headed().
    Unremoved& unremoved() noexcept { return unremoved_; }
    const Unremoved& unremoved() const noexcept { return unremoved_; }
    const Ramp& ramp() const noexcept { return ramp_; }
    // errors: of any kind; after `bypassed` come the kinds of StoreError (figures.hpp).
    enum Count : std::size_t { hits, misses, errors, bypassed, error_kinds };
    enum class Timed { get, put, remove };
    Durations& durations(Timed what) noexcept { return durations_[static_cast<std::size_t>(what)]; }
    const Durations& durations(Timed what) const noexcept { return durations_[static_cast<std::size_t>(what)]; }
    Counters& counters() noexcept { return counters_; }
    const Counters& counters() const noexcept { return counters_; }

  private:
    template <class Call>
    larder_status guarded(Timed what, std::uint64_t now_ns, std::uint64_t deadline_ns, Pinned* out, Call&& call);
    template <class Call>
    larder_status wait(std::uint64_t now_ns, std::uint64_t deadline_ns, Pinned* out, Call&& call);
    void succeeded() noexcept {
        if (breaker_.success()) [[unlikely]] ramp_.begin();
    }
    void judge(larder_status status, std::uint64_t now_ns) noexcept;
    template <class Call>
    void begin_any(Timed what, const std::shared_ptr<SharedCall>& shared, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then, Call&& call);
    void keep_for_late_answer(const std::shared_ptr<SharedCall>& call, std::uint64_t now_ns);

    StoreHandle store_;
    Breaker breaker_;
    Ramp ramp_;
    Unremoved unremoved_;
    Clock& clock_;
    PendingPool& pending_;
    Counters counters_;
    std::array<Durations, 3> durations_;
    // How many threads may still enter a blocking store.
    std::mutex door_mutex_;
    std::condition_variable door_open_;
    unsigned door_ = 0;
    mutable std::mutex walked_mutex_;
    std::map<std::uint32_t, std::uint64_t> walked_;
    // Calls that were given up, in case the store still writes to them.
    std::mutex given_up_mutex_;
    std::deque<std::pair<std::uint64_t, std::shared_ptr<SharedCall>>> given_up_;
};

}  // namespace larder
