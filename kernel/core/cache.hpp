// kernel/core/cache.hpp -- the engine: entries in, entries out, and what makes them stale.
//
// A Cache runs one policy over a set of stores. Both are given by install() as one immutable Snapshot;
// every operation works on the snapshot it began with. What outlives a snapshot: the records (so a
// reload drops nothing by itself), the counters, the logs, the flights, the breakers of stores that
// stay. Who loads plugins, reads files and owns threads is above (kernel/config, kernel/api).
//
// All operations speak the structs of larder.cache/1 (<larder/plugin/services.h>, where each is
// promised), so that gateways add nothing but a function pointer. With call->done null they block, at
// most until the deadline; else they may answer LARDER_PENDING, and the structs live until done.
#pragma once

#include "dsl/policy.hpp"
#include "kernel/core/clock.hpp"
#include "kernel/core/executor.hpp"
#include "kernel/core/random.hpp"
#include "kernel/core/shares.hpp"
#include "kernel/core/value_source.hpp"
#include "kernel/core/write_behind.hpp"

#include <larder/plugin/compressor.h>
#include <larder/plugin/services.h>
#include <larder/plugin/shared.h>
#include <larder/plugin/store.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

// A store instance as the cache uses it. `table` is the kernel's own full-size one: every slot can be
// called, nothing throws (the loader's guard). `keep` holds the instance (and its code) alive while any snapshot or value needs it.
struct StoreHandle {
    std::string name;    // as policies say: l1
    std::string plugin;  // memory
    const larder_store_v1* table = nullptr;
    void* self = nullptr;
    std::uint64_t caps = 0;  // LARDER_STORE_CAP_*
    const larder_shared_v1* shared = nullptr;  // its extension, where it has it
    void* shared_self = nullptr;               // what the extension is called with; nullptr: self
    void* sharing() const noexcept { return shared_self != nullptr ? shared_self : self; }
    unsigned workers = 4;    // threads for a blocking store
    Ms timeout{5000};        // of one call
    bool empty_on_reload = false;  // its copies go with every policy
    std::shared_ptr<void> keep;
};

struct CodecHandle {
    std::string name;
    const larder_compressor_v1* table = nullptr;
    void* self = nullptr;
    std::shared_ptr<void> keep;
    std::uint64_t caps = 0;  // LARDER_COMP_CAP_*
};

struct CacheOptions {
    Clock* clock = nullptr;        // all three outlive the cache
    Random* random = nullptr;
    Executor* executor = nullptr;
    std::size_t records = 1u << 20;      // at most so many scope records
    std::size_t fences = 1u << 16;       // keys whose miss is remembered for a fenced set
    std::size_t shared_records = 1u << 18;  // of a shared store, remembered at most
    std::size_t outbox = 10'000;         // scopes and keys that wait for a shared store, at most
    std::uint32_t sweep = 1'000;         // keys of each shared store that are counted a second; 0: none
    bool sweep_removes = false;          // and read, and removed when they were dropped
    std::size_t demotions = 4096;        // evicted entries that wait for their way into the next tier, at most,
    std::size_t demotion_bytes = 16u << 20;  // and their bytes
    std::uint64_t max_key_bytes = 65'536;
    std::uint64_t max_value_bytes = 64u << 20;
    Ms default_deadline{5000};           // of a call without one
    std::string binding_secret;          // of [secrets] binding; empty: a fixed key
};

// What a cache remembers besides entries; the last two are the largest of any shared store.
struct Remembers {
    std::size_t records = 0, shared_records = 0, outbox = 0;
};

// One thing that an invalidation has done, for who is told of it.
struct Change {
    dsl::Action action = dsl::Action::drop;
    dsl::TargetKind kind = dsl::TargetKind::tag;
    std::string text;                     // the key, the pattern or the tag; canonical
    std::vector<std::string> namespaces;  // that it reaches by name; empty for a tag and everything
};

// What install() needs. Stores in the order of larder.toml: the tiers of a namespace that names none.
struct CacheParts {
    std::shared_ptr<const dsl::Policy> policy;
    std::vector<StoreHandle> stores;
    std::vector<CodecHandle> codecs;
    std::vector<SourceHandle> sources;
    // Runs warm items of the policy (indices into policy->warms) when something asks for them; empty:
    // they sleep. Returns how many were queued.
    std::function<std::uint32_t(const std::vector<std::uint32_t>& warms)> warm;
    // Loads one key of a namespace that has a source, soon; empty: nothing does. False: it is not done.
    std::function<bool(std::uint32_t ns, std::string_view key)> reload;
    // Ends sessions of a user; empty: no session plugin.
    std::function<void(std::string_view session, std::string_view user)> end_sessions;
    // Where a namespace's `log misses` writes; empty: the event ring alone.
    std::function<void(std::string_view line)> log_miss;
    // Told of each invalidation after it was done, on its thread; empty: nobody wants to know. Does not block.
    std::function<void(const std::vector<Change>& changes)> changed;
};

// Makes a value of one version into one of a newer version; see migrations.hpp for where it is called. key: as a
// client writes it, inside the namespace. OK: `out` has it; anything else: the old value is of no use.
using Migrate = std::function<larder_status(std::string_view key, std::string_view old, std::string& out)>;

// Metrics as numbers: what stats() renders and exporters read.
struct SpaceCounts {
    std::string name;
    std::uint64_t hits = 0, misses = 0, stale = 0, absent = 0, puts = 0, removes = 0, refused = 0,
                  errors = 0, fenced = 0, loads = 0, load_errors = 0, waits = 0, damaged = 0, dropped = 0, migrated = 0, unmigrated = 0, warmed = 0, withheld = 0, stripped = 0;
};

// One entry to be made before anybody asks for it. Borrowed for the time of the call.
struct WarmAsk {
    std::uint32_t ns = 0;
    std::string_view key;      // raw, as a client writes it
    std::string_view source;   // who makes it; empty: the namespace's own source, and its address and options
    std::string_view address;  // {name} for what `fields` and the key's own fields say
    std::span<const larder_pair> fields, options;
    std::uint32_t reason = 0, priority = 0;  // LARDER_WARM_*
    Ms lasting{0};             // an entry that lives on for longer than this is left as it is
    bool force = false;        // whatever is there
};
struct Warmed {
    enum class Is : std::uint8_t { loaded, absent, fresh, flying, lost, failed };
    // loaded: it is there. absent: its source has no such value. fresh: it was. flying: somebody loads it already.
    // lost: loaded, and not kept, since something dropped it meanwhile or no tier takes it.
    Is is = Is::failed;
    larder_status status = LARDER_OK;  // of failed
    std::uint64_t took_us = 0, bytes = 0;
};

struct Figures;  // figures.hpp
struct Removal;  // event_log.hpp
struct EntryHistory;  // entry_history.hpp
class Tape;      // tape.hpp
class AccessSamples;

// What a store did with a key that is nobody's.
struct StoreProbe {
    std::string store;
    bool set = false, get = false, exists = false, removed = false, gone = false;
};

class Cache {
  public:
    explicit Cache(const CacheOptions& options);
    ~Cache();
    Cache(const Cache&) = delete;
    Cache& operator=(const Cache&) = delete;

    // Replaces policy and stores in one step. Namespaces keep their numbers by name; a namespace whose
    // key, tags or patterns changed goes cold. [control]
    void install(CacheParts parts);
    std::shared_ptr<const dsl::Policy> policy() const;

    // larder.cache/1, one for one. [any thread]
    larder_status ns_find(std::string_view name, std::uint32_t* ns) const;
    larder_status ns_name(std::uint32_t ns, larder_bytes* name) const;
    larder_status resolve(std::string_view full_key, std::uint32_t fallback, std::uint32_t* ns, std::uint32_t* prefix) const;
    larder_status check_key(std::uint32_t ns, std::string_view key, larder_errbuf* err) const;
    larder_status get_many(larder_cache_get* items, std::size_t n, const larder_call* call);
    larder_status set_many(larder_cache_set* items, std::size_t n, const larder_call* call);
    larder_status remove_many(larder_cache_key* items, std::size_t n, const larder_call* call);
    larder_status visit(std::uint32_t ns, std::string_view key, const larder_call* call,
                        void (*fn)(void*, larder_bytes) noexcept, void* ctx);
    larder_status update(std::uint32_t ns, std::string_view key, larder_update_fn fn, void* ctx, const larder_call* call);
    larder_status expire(std::uint32_t ns, std::string_view key, std::int64_t ttl_ms, std::uint32_t flags, const larder_call* call);
    larder_status persist(std::uint32_t ns, std::string_view key, const larder_call* call);
    larder_status scan(larder_cache_scan* scan, const larder_call* call);
    larder_status count(std::uint32_t ns, std::uint64_t* out, const larder_call* call);
    larder_status change(std::uint32_t action, const larder_target* targets, std::size_t n, larder_receipt* receipt, const larder_call* call);
    larder_status request(const larder_request& rq, larder_receipt* receipt, const larder_call* call);
    larder_status serve(const larder_request& rq, larder_serve& out) const;
    // As `names` of larder.cache/1.
    larder_status names(std::uint32_t ns, std::string_view raw, const larder_pair* with, std::size_t with_count,
                        const std::function<void(std::string_view)>& out) const;
    larder_status event(std::string_view name, const larder_pair* values, std::size_t n, larder_receipt* receipt, const larder_call* call);

    // One loader per key; others wait for it, at most coalesce wait or the deadline, and load
    // themselves when it is over. The value of a load that began before an invalidation goes to its
    // caller and into no tier; a caller that comes after the invalidation never joins that load.
    // out.status: OK, MISS (the loader said so), or the loader's error when nothing stale may be served.
    void get_or_load(larder_cache_get& out, const Loader& loader, const larder_call* call);

    // Makes one entry, by the rules of any load: the fence, one at a time for each key, no error is kept. [worker]
    Warmed warm(const WarmAsk& ask, const larder_call* call);
    // Whether that source is there, and, where it is empty, whether the namespace has one. [any thread]
    bool has_source(std::uint32_t ns, std::string_view source) const;
    // Who asks for what, from now on; see access_samples.hpp. [any thread]
    AccessSamples& accesses();
    // As `withheld` of larder.cache/1.
    larder_status withheld(std::uint32_t ns, const larder_pair* fields, std::size_t n, std::uint8_t* verdicts) const;
    larder_status storable(std::uint32_t ns, std::string_view body, std::string& left) const;

    // Makes `write behind` possible: opens its journal, before the first install(). False: `problem` says why.
    // `said`: what was found in it. [control]
    bool open_writes(const WriteBehindOptions& options, std::vector<std::string>& said, std::string& problem);
    // Brings sources what is written behind, until the deadline; what is left stays in the journal. Later ones
    // are refused. [control]
    void stop_writes(std::uint64_t deadline_ns);

    // From now on values of version `from` of that namespace, whether it is there yet or not, become ones of version
    // `to` by fn, in the place of what was registered for these two. An empty fn takes it back; no call of it runs
    // when this returns. Not from within one. [any thread]
    void set_migration(std::string_view ns, std::uint32_t from, std::uint32_t to, Migrate fn);

    // Entries expired but not reclaimed, where stores can list them: raw full keys, at most `limit`.
    std::vector<std::string> expired_keys(std::uint32_t ns, std::size_t limit);
    // Removes what expired_keys() would list, in every tier of this process; see services.h. [worker]
    larder_status reclaim(std::uint32_t ns, std::uint64_t* removed, const larder_call* call);
    // A dependency of one entry on another at run time: dropping `on` drops `key`. Kept as long as the
    // entry lives; MISS when there is no such entry.
    larder_status add_dependency(std::uint32_t ns, std::string_view key, std::uint32_t on_ns, std::string_view on_key, const larder_call* call);

    // Entries that can be read now, namespace by namespace: all of it `goes`, as if everything were dropped.
    // As far as a walk of 250 ms sees; each with a word for it. [worker]
    std::vector<SpaceShare> holdings() const;

    // Reports. [any thread]
    // Where an entry is, how it came there, why it went; nothing when the key does not fit. No use of the entry.
    std::optional<EntryHistory> history(std::uint32_t ns, std::string_view key) const;
    std::string explain_entry(std::uint32_t ns, std::string_view key) const;  // the same in words
    std::string stats_json(std::string_view section) const;  // "": everything
    std::vector<SpaceCounts> counts() const;
    Remembers remembers() const;
    // Sets, gets and removes a key of no namespace in every store: no entry is touched. [worker]
    std::vector<StoreProbe> probe();
    // The keys that most gets asked for, most asked first, as one get in a thousand tells. They are what clients
    // asked for: not for everybody's eyes. With what each is worth, where its entry lies in this process.
    struct HotKey {
        std::string space, key;
        std::uint64_t reads = 0;
        std::uint64_t bytes = 0;    // of its value, as it is stored; 0: it is not here
        std::uint32_t load_us = 0;  // what its load took; 0: not known
    };
    std::vector<HotKey> hot_keys() const;
    Figures figures() const;  // all of it as numbers; some us for each namespace
    std::uint64_t each_event(std::uint64_t after, const std::function<void(std::uint64_t number, std::uint64_t at_ms, int severity, std::string_view type, std::string_view text)>& fn) const;
    Tape& tape();  // what callers do, for whoever records it
    void note(int severity, std::string_view type, std::string text);  // into the event ring
    // "user_details:42 was dropped by hotel.larder:19 ..." or empty.
    std::string why(std::uint32_t ns, std::string_view key) const;
    // The last change of a scope of this key that is remembered; tags that only its value named are not asked.
    std::optional<Removal> removal(std::uint32_t ns, std::string_view key) const;

    struct Impl;  // kernel/core/cache_impl.hpp

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder
