// kernel/core/authority.hpp -- the records of a shared store, as this node knows them.
//
// Entries of a shared store are stamped with numbers of records that stand in the same store, so every
// node judges them alike. Reading the records with every value would cost a second look-up for each of
// its scopes; so a node remembers those it has read, as long as it is told of every change: a record is
// *known* from an answer of the store until a push names it, until the stream of pushes is lost, or
// until there are too many. What is not known is asked for together with the value.
//
// A push says that a record was written, not what it says now: our own making of it comes back, too. So a
// known record that is pushed is *doubted* (Listener::doubt): no entry in memory that carries it is served, its
// readers ask the store; and it is asked for again at once, all that wait in one call. When it has other
// numbers, those entries are told (Listener::changed), else they are good again. An answer that was on its
// way when the push came may be older than the push: it is not remembered (the placeholder of Redis'
// "Avoiding race conditions" for client-side caching, by a count of pushes instead of one object each).
//
// What is forgotten is dropped, here, in the same step: a push of what was never read is passed over, so nothing
// that may be served, be it as stale, carries a scope whose changes nobody follows. When the stream was lost
// nothing is known any more, but it is remembered: pushes that come afterwards are followed as before.
//
// A change of this node is *held* from before it is sent until the store has it: meanwhile nothing that
// carries the scope is served or stamped here. What cannot be delivered waits in the outbox, each scope
// and key once; when that is full, the root is changed instead, which drops more and forgets nothing.
// What was delivered is remembered for replay_window, and sent again when another server takes over:
// a failover loses acknowledged writes (FusionCache calls the former auto-recovery).
//
// What a load began with, the numbers of its scopes and its lease, is kept here under the lease's token.
#pragma once

#include "kernel/core/records.hpp"
#include "kernel/core/scope_map.hpp"
#include "kernel/core/tier.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace larder {

// What a record says; equal numbers, equal validity.
struct Numbers {
    std::uint64_t drop = 0, expire = 0, expired_at_ms = 0;
    bool operator==(const Numbers&) const = default;
};

// What entries of a load are stamped with: taken before the loader runs.
struct LoadStamp {
    std::vector<std::pair<ScopeId, Numbers>> scopes;
    std::uint64_t until_ns = 0;
    const Numbers* find(ScopeId scope) const noexcept {
        for (const auto& [id, numbers] : scopes)
            if (id == scope) return &numbers;
        return nullptr;
    }
};

// Safe for any number of threads. Made by std::make_shared: calls that are under way hold it.
class Authority : public std::enable_shared_from_this<Authority> {
  public:
    struct Listener {  // Called on the store's threads, `changed` and `suspect` with a lock held; blocks nowhere.
        // Entries in memory that carry this scope were judged by other numbers.
        std::function<void(ScopeId, bool dropped)> changed;
        // Perhaps they were: doubts() says yes until it is known.
        std::function<void(ScopeId)> doubt;
        // Somebody wrote or removed the value with this whole key.
        std::function<void(std::string_view key)> touched;
        // Whatever is in memory above this store has to be asked for there.
        std::function<void()> suspect;
        // One line for the event ring.
        std::function<void(int severity, std::string text)> note;
    };
    struct Options {
        std::size_t records = 1u << 18;    // known at most
        std::size_t outbox = 10'000;       // scopes and keys that wait for delivery, at most
        std::chrono::nanoseconds replay_window = std::chrono::seconds(30);
        std::chrono::nanoseconds retry = std::chrono::milliseconds(250);
    };
    // All but `listener` outlive it. `root`: what is changed when all else fails.
    Authority(std::shared_ptr<Tier> tier, ScopeId root, Clock& clock, Random& random, Executor& executor, Listener listener, Options options);
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;
    // Begins to listen. Once, before anything else.
    void open();
    // The listener is not called any more when it returns. Not from the listener.
    void close();

    const std::string& prefix() const noexcept { return prefix_; }
    Tier& tier() const noexcept { return *tier_; }
    // Pushes arrive. Else nothing is known, and nothing may stay in memory for longer than max_staleness.
    bool trusted() const noexcept { return trusted_.load(std::memory_order_acquire); }
    std::chrono::milliseconds max_staleness() const noexcept { return max_staleness_; }
    // The store's clock; by the node's own while the store has not told it.
    std::uint64_t now_ms() const noexcept;
    // How long a record that is written now has to live.
    void set_record_life(std::chrono::milliseconds life) noexcept { record_life_ms_.store(static_cast<std::uint64_t>(life.count())); }

    // ---- reading
    enum class Known { yes, no, held };
    Known known(ScopeId scope, Numbers& out) const;
    // Many questions under one lock, asked quickly, with no call of anything else in between.
    class Look {
      public:
        explicit Look(const Authority& authority) : authority_(authority), lock_(authority.mutex_) {}
        Known known(ScopeId scope, Numbers& out) const { return authority_.known_locked(scope, out); }
        bool holds_key(const std::string& key) const { return authority_.holds_key_locked(key); }
        bool holds_keys() const { return !authority_.held_keys_.empty() || !authority_.outbox_keys_.empty(); }

      private:
        const Authority& authority_;
        const std::lock_guard<std::mutex> lock_;
    };
    // Whether all these are known to be as they were.
    bool stand(std::span<const std::pair<ScopeId, Numbers>> numbers) const;
    // Whether one of these was pushed and has not been asked for again yet. Without doubts as dear as a load.
    bool doubts(std::span<const ScopeId> scopes) const;
    bool holds_key(std::string_view key) const;
    // Taken before records are asked for, given back with the answers. Rises with every push, and whenever all may
    // have changed: of two that are equal nothing was told in between.
    std::uint64_t asking() const noexcept { return pushes_.load(std::memory_order_seq_cst); }
    void learn(ScopeId scope, const Numbers& numbers, std::uint64_t asked_at);
    std::string record_key(ScopeId scope) const;

    // ---- loading
    // Numbers of all these scopes, made where there are none, and the right to fill `key`. 0: not now; what
    // is loaded belongs into no shared tier. [worker]
    std::uint64_t begin_load(std::string_view key, std::span<const ScopeId> scopes, std::uint64_t now_ns, std::uint64_t deadline_ns);
    std::shared_ptr<const LoadStamp> stamp_of(std::uint64_t token);
    // A load that fills nothing gives its right back, so that the next one may.
    void end_load(std::string_view key, std::uint64_t token, std::uint64_t now_ns);
    // Numbers as they are in force, records made where there are none; empty: the store cannot be asked, or
    // one of them is held. In the order given. `fresh`: asks for all, also for what is known. [worker]
    std::vector<std::pair<ScopeId, Numbers>> numbers_of(std::span<const ScopeId> scopes, bool fresh, std::uint64_t now_ns, std::uint64_t deadline_ns);

    // ---- changing
    struct Change {
        ScopeId scope;
        bool expire;
    };
    // Changes records in this order, then removes values, here at once and in the store before it returns
    // or from the outbox later. False: it waits in the outbox. [worker]
    bool change(std::span<const Change> changes, std::vector<std::string> keys, std::uint64_t now_ns, std::uint64_t deadline_ns);

    struct Counts {
        std::uint64_t known, pushes, verified, renewed, outbox, overflows, replayed;
    };
    Counts counts() const;

  private:
    struct Waiting {  // one change that the store has not got yet
        bool expire = false;
        Numbers numbers;
    };
    struct Sent {
        std::uint64_t at_ns;
        std::vector<std::pair<ScopeId, Waiting>> changes;
        std::vector<std::string> keys;
    };
    static constexpr std::size_t cells = 1u << 14;

    static void LARDER_CALL on_changed(void* ctx, const larder_bytes* keys, size_t n) noexcept;
    static void LARDER_CALL on_changed_all(void* ctx) noexcept;
    static void LARDER_CALL on_trust(void* ctx, std::int32_t yes) noexcept;
    static void LARDER_CALL on_renewed(void* ctx, std::int32_t older) noexcept;
    struct Remembered {
        Numbers numbers;
        std::uint64_t streams = 0;  // of streams_, when it was read; less: perhaps it has changed since
    };
    Known known_locked(ScopeId scope, Numbers& out) const;
    bool holds_key_locked(const std::string& key) const;
    bool pushed(ScopeId scope);
    void forget(ScopeId scope);
    void believe(ScopeId scope);
    void doubt(ScopeId scope);
    void remember(Remembered& at, const Numbers& numbers, ScopeId scope);
    bool held(ScopeId scope) const { return (!held_.empty() && held_.contains(scope)) || (!outbox_.empty() && outbox_.contains(scope)); }
    void ask_again();
    void forget_all();
    Waiting renumbered(const Waiting& waiting);
    Waiting numbers_for(const Change& change);
    bool send(const std::vector<std::pair<ScopeId, Waiting>>& changes, const std::vector<std::string>& keys, std::uint64_t now_ns, std::uint64_t deadline_ns);
    void settle(ScopeId scope);
    void put_off(const std::vector<std::pair<ScopeId, Waiting>>& changes, std::vector<std::string> keys);
    void tell_touched(std::span<const std::string> keys) const;
    void deliver_soon(std::chrono::nanoseconds in);
    void deliver();
    std::atomic<std::uint64_t>& pushed_cell(ScopeId scope) { return pushed_at_[(scope ^ scope >> 32) % cells]; }
    void note(int severity, std::string text) const;

    const std::shared_ptr<Tier> tier_;
    const larder_shared_v1& store_;
    const ScopeId root_;
    Clock& clock_;
    Random& random_;
    Executor& executor_;
    const Listener listener_;
    const Options options_;
    std::string prefix_;
    std::chrono::milliseconds max_staleness_{3000};
    std::atomic<std::uint64_t> record_life_ms_{std::uint64_t{24} * 3600 * 1000};
    std::atomic<bool> trusted_{false};
    std::atomic<std::uint64_t> pushes_{0};
    std::vector<std::atomic<std::uint64_t>> pushed_at_;  // number of the last push of a scope, by pushed_cell
    std::atomic<std::uint64_t> all_pushed_at_{0};
    std::atomic<std::size_t> doubt_count_{0};

    mutable std::mutex mutex_;  // guards what follows
    ScopeMap<Remembered> known_;
    std::uint64_t streams_ = 0;  // how often all may have changed
    std::unordered_set<ScopeId> doubted_;  // of the known ones
    std::unordered_set<ScopeId> to_ask_;   // of the doubted ones
    bool asking_again_ = false;
    std::unordered_map<ScopeId, unsigned> held_;      // changes under way
    std::unordered_map<std::string, unsigned> held_keys_;
    std::unordered_map<ScopeId, Waiting> outbox_;
    std::unordered_set<std::string> outbox_keys_;
    bool delivering_ = false;
    std::vector<Sent> sent_;
    std::unordered_map<std::uint64_t, std::shared_ptr<const LoadStamp>> loads_;
    Counts counts_{};
};

}  // namespace larder
