// kernel/core/cache_impl.hpp -- what the parts of the cache share. Included by kernel/core/cache_*.cpp.
//
//   cache_install.cpp   a policy and stores become a State
//   cache_read.cpp      lookup through the tiers, the verdict on an entry
//   cache_write.cpp     put, remove, conditional writes, expire
//   cache_pack.cpp      values made small and themselves again, dictionaries
//   cache_demote.cpp    entries that go from the first tier to the next when it is full
//   cache_load.cpp      get_or_load: flights, stale answers
//   cache_migrate.cpp   entries of an older version
//   cache_source.cpp    sources: what is missing is loaded, what is put is written there
//   cache_warm.cpp      entries made before anybody asks; who asks for what
//   cache_withhold.cpp  what may be in no tier
//   cache_drop.cpp      drop, expire, refresh: of one scope or of a rule's
//   cache_rules.cpp     requests and events: which rules fire, with what values
//   cache_walk.cpp      scan, count, the sweep
//   cache_report.cpp    stats, explain, why
//   cache_measure.cpp   how long operations take: one in 64, and misses that are logged
//   cache_figures.cpp   all counters as numbers of one moment
//   cache_probe.cpp     whether stores do what they say
//   cache_tape.cpp      what callers do, for whoever records it
//   cache_rehearse.cpp  what an invalidation would change, without doing it
//
// Order of locks: a stripe, then what a store locks. A stripe serialises the writers of a key, so that
// tiers cannot end up in different order, and the fence check of a fill is one step with its put.
#pragma once

#include "kernel/core/absent_budget.hpp"
#include "kernel/core/access_samples.hpp"
#include "kernel/core/authority.hpp"
#include "kernel/core/ban_log.hpp"
#include "kernel/core/cache.hpp"
#include "kernel/core/demotion.hpp"
#include "kernel/core/dictionary_home.hpp"
#include "kernel/core/event_log.hpp"
#include "kernel/core/fence.hpp"
#include "kernel/core/flight.hpp"
#include "kernel/core/headed.hpp"
#include "kernel/core/hot_keys.hpp"
#include "kernel/core/key_turns.hpp"
#include "kernel/core/migrations.hpp"
#include "kernel/core/pending.hpp"
#include "kernel/core/shared_envelope.hpp"
#include "kernel/core/snapshot.hpp"
#include "kernel/core/space.hpp"
#include "kernel/core/stamp.hpp"
#include "kernel/core/tape.hpp"

#include <larder/plugin/warmer.h>

#include <array>
#include <functional>
#include <optional>
#include <set>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

namespace larder {

inline std::string_view view(larder_bytes bytes) {
    return bytes.size == 0 ? std::string_view{} : std::string_view{static_cast<const char*>(bytes.data), bytes.size};
}
inline larder_bytes bytes_of(std::string_view text) { return {text.data(), text.size()}; }
// A value that owns a copy of `text`.
larder_value owned_value(std::string text);

// The longest a sliding or client-set life may get where the policy does not say more.
inline constexpr Ms default_absolute_limit{24 * 3600 * 1000};

// Of one entry's `with` pairs.
inline constexpr std::size_t max_with_pairs = 32, max_with_bytes = 1024;

enum class Verdict : std::uint8_t {
    live,
    stale,    // past its soft deadline or expired by a rule, hard deadline not reached
    gone,     // hard deadline, dropped, other schema or version
    damaged   // foreign bytes, another key's, checksum
};

struct Found {
    Verdict verdict = Verdict::gone;
    Pinned value;
    EnvelopeView entry;
    std::uint64_t stale_since_ns = 0;
    std::uint64_t epoch = 0, ban_number = 0;  // of records and bans, read before the verdict
    std::size_t tier = 0;
    std::vector<ScopeId> scopes;  // of one from a shared store that is to be written again: all it carries
    SharedStamp stamp;            // of one from a shared store
    // It was migrated, and is not the entry that stands there: that one's id, and its version.
    std::uint64_t replaces = 0;
    std::uint32_t was_version = 0;
    bool newer = false;           // nothing was found but an entry of a newer version
    bool any() const { return verdict == Verdict::live || verdict == Verdict::stale; }
};

// What happened to one entry, so that a receipt and the drop log can say it.
struct Cause {
    std::string text;  // "hotel.larder:19 PUT /v1.0/user/update/42"
    std::uint64_t client = 0;
    std::size_t kind = 2;  // ChangeCause
};

struct ChangeOrder {  // one target, ready to be done
    dsl::Action action = dsl::Action::drop;
    dsl::TargetKind kind = dsl::TargetKind::namespace_;
    dsl::NamespaceIndex ns = dsl::none;
    std::string text;               // key: canonical; tag; matching: glob over canonical keys
    std::uint32_t pattern = dsl::none;  // matching a declared pattern
    std::string tuple;              // of it
    std::string shown;              // `drop user_details "42"`
    auto order() const { return std::tie(kind, ns, text, pattern, tuple, action); }
};

struct Receipt {
    struct Fired {
        std::string where, head;
    };
    std::vector<Fired> rules;
    std::vector<std::string> lines;  // what was done
    std::uint32_t dropped = 0, expired = 0, refreshed = 0, warmed = 0;
    std::vector<std::string> notes;
    bool rehearsal = false;  // nothing is done: it says what would be, and
    std::uint64_t entries = 0;     // how many entries would go,
    const char* counted = "exact"; // "exact", "at least" or "about",
    std::vector<std::string> samples;  // some of them
    std::vector<SpaceShare> shares;    // the same by namespace
    std::vector<GuardBreach> refused;  // by guards: nothing was done
};

// An entry that was found, as an envelope that can be written again, in either form: with all its
// scopes, those of the chain in front.
class Remade {
  public:
    // What `found` views outlives this. `more`: scopes it gets besides. REQUIRES: found.scopes, where it
    // came from a shared store.
    Remade(const Space& space, Cache::Impl& impl, const Found& found, std::span<const ScopeId> more = {});
    // False: too many scopes, or one of them changed meanwhile.
    bool good() const { return good_; }
    const Envelope& envelope() const { return envelope_; }
    void live(std::uint64_t soft_ms, std::uint64_t hard_ms) {
        envelope_.head.soft_ms = soft_ms;
        envelope_.head.hard_ms = hard_ms;
    }
    void born(std::uint64_t at_ns) { envelope_.head.created_ns = at_ns; }
    void rename(std::uint64_t id) { envelope_.head.id = id; }

  private:
    ScopeList scopes_;
    std::vector<std::pair<std::string_view, std::string_view>> with_;
    Envelope envelope_;
    bool good_ = true;
};

// Those of its scopes that neither key nor pairs say: an entry of a shared store names no others.
std::vector<ScopeId> unsaid_scopes(const State& s, const Space& space, const ScopeNames& names, std::string_view canonical, const Envelope& envelope);

class SharedRead;
class SharedWalk;
struct SharedItem;

// What one invalidation changes in shared stores: gathered while it is done here, sent once.
class SharedChanges {
  public:
    // Those made within another one are the outer's.
    SharedChanges(Cache::Impl& impl, const State& s);
    ~SharedChanges();
    SharedChanges(const SharedChanges&) = delete;
    SharedChanges& operator=(const SharedChanges&) = delete;
    // To the one of this thread, if there is one.
    static void add(ScopeId scope, bool expire);
    static void remove(const Space& space, std::string_view canonical);
    // False: some of it waits in an outbox.
    bool send(std::uint64_t now_ns, std::uint64_t deadline_ns);

  private:
    Cache::Impl& impl_;
    const State& state_;
    SharedChanges* const outer_;
    std::vector<Authority::Change> changes_;
    std::vector<std::pair<const Authority*, std::string>> keys_;
};

struct Cache::Impl {
    explicit Impl(const CacheOptions& given);
    ~Impl();

    CacheOptions options;
    Clock& clock;
    Random& random;
    Executor& executor;
    ScopeNames names;
    RecordTable records;
    BanLog bans;
    EventLog events;
    DropLog drops;
    FenceBook fences;
    AbsentBudget absents;
    PendingPool pending;
    FlightTable flights;
    MigrationBook migrations;
    const plugin::HashSecret process_secret;

    Snapshot<State> state;
    std::unique_ptr<Demotions> demotions;  // null until a namespace demotes; made by install
    larder_demotion demotion_sink() const { return demotions != nullptr ? demotions->sink() : larder_demotion{}; }
    mutable std::mutex install_mutex;  // guards what follows; taken by install and reports only
    std::shared_ptr<const dsl::Policy> policy;
    std::map<std::string, std::unique_ptr<SpaceRuntime>, std::less<>> runtimes;
    // How often a rule fired, by where it stands and what it says: a reload that keeps it keeps its count.
    std::map<std::string, std::atomic<std::uint64_t>, std::less<>> rule_counts;
    std::uint32_t next_number = 1;
    std::atomic<std::uint32_t> next_shelf{1};

    struct alignas(64) Stripe {
        std::mutex mutex;
        std::atomic<std::uint64_t> writes{0};   // rises at each write of a key of this stripe
        std::atomic<std::uint64_t> changed{0};  // epoch of the last drop or expire of one of its keys
        std::atomic<bool> sliding{false};       // a shared store is being told that one of them lives on
    };
    std::array<Stripe, 1024> stripes;
    Stripe& stripe(const EntryKey& key) { return stripes[(key.hash >> 20) % stripes.size()]; }
    const Stripe& stripe(const EntryKey& key) const { return stripes[(key.hash >> 20) % stripes.size()]; }

    Counters targets;    // targets of invalidations: ChangeScope times the causes, and ChangeCause
    Durations changing;  // whole invalidations
    std::atomic<std::uint64_t> guard_refusals{0};
    std::atomic<bool> stopping{false};
    std::atomic<std::uint64_t> sweep_timer{0};
    struct SweepState {
        std::size_t space = 0;
        std::uint64_t cursor = 0;
        std::atomic<bool> over_shared{false};  // a step is under way, and `shared` is its
        std::vector<std::shared_ptr<SharedWalk>> shared;
    } sweep;  // used by the sweep alone

    std::uint64_t deadline(const larder_call* call, std::uint64_t now_ns) const;

    // ---- reading (cache_read.cpp)
    Verdict judge(const Space& space, const EntryKey& key, const Tier& tier, larder_bytes bytes,
                  std::uint64_t now_ns, std::uint64_t epoch, EnvelopeView& entry, std::uint64_t& stale_since_ns);
    Verdict judge_long(const Space& space, const EntryKey& key, const Tier& tier, larder_bytes bytes, std::uint64_t now_ns,
                       EnvelopeView& entry, std::uint64_t& stale_since_ns);
    Verdict judge_headed(const Space& space, const EntryKey& key, larder_bytes bytes, std::uint64_t now_ns,
                         std::uint64_t epoch, EnvelopeView& entry, std::uint64_t& stale_since_ns);
    // Whether nothing changed after `epoch` that could drop or expire an entry of this key with these
    // scopes of its own; false: perhaps. [hot]
    bool untouched_since(std::uint64_t epoch, const Space& space, const EntryKey& key, std::span<const ScopeId> own) const noexcept;
    // Whether a value that somebody began to load at `point` is out of date: one of all its scopes, its
    // key or a ban changed.
    bool overtaken(const FencePoint& point, const Space& space, const EntryKey& key, std::span<const ScopeId> scopes) const;
    // What the world was like before the first tier was asked.
    struct Moment {
        std::uint64_t epoch, ban_number, writes;
        FencePoint fence() const { return {epoch, ban_number}; }
    };
    // `writes` matters only where an entry may be copied up.
    Moment moment(const Space& space, const EntryKey& key) const {
        return {records.epoch(), bans.number(), space.tiers.size() > 1 ? stripe(key).writes.load(std::memory_order_acquire) : 0};
    }
    // What a lookup has found so far, tier by tier from the top.
    struct Search {
        Moment began;
        std::uint64_t now_ns, deadline_ns;
        bool peek = false;  // not a use: nothing is copied up
        Found best{};
    };
    // Where the payload of a live entry begins that needs no more than a look at its head: fresh until the
    // store's deadline, stored as it is, nothing but scopes in front. 0: it is another one, or not live. [hot]
    std::size_t plain_payload(const Space& space, const EntryKey& key, larder_bytes bytes) const noexcept;
    // Answers with such an entry; the value is then the item's.
    bool answer_plain(const Space& space, const EntryKey& key, Pinned& value, std::uint64_t now_ns, larder_cache_get& item) const;
    // Weighs what tier `i` answered; true: search.best is live and was copied up. What is gone is removed.
    bool weigh(Search& search, const Space& space, const EntryKey& key, std::size_t i, larder_status status, Pinned value);
    // Asks tiers [from, to) until one has a live entry.
    void look_on(Search& search, const State& s, const Space& space, const EntryKey& key, std::size_t from, std::size_t to, std::uint32_t flags);
    Found lookup(const State& s, const Space& space, const EntryKey& key, std::uint32_t flags, std::uint64_t now_ns, std::uint64_t deadline_ns);
    // The entry as a writer sees it: live and not a negative one, else verdict gone. Copies nothing up and
    // reclaims nothing, so it may be called with the stripe held.
    Found present(const State& s, const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns);
    void promote(const Space& space, const EntryKey& key, const Found& found, std::uint64_t writes_before, std::uint64_t now_ns);
    void slide(const Space& space, const EntryKey& key, const Found& found, std::uint64_t now_ns);
    // Gives the entry of head.id this head in every tier, without its value. OK when one took it, else the
    // last error, or MISS. `must`: a copy that a failing store keeps as it is, is of no use any more.
    larder_status touch_tiers(const Space& space, const EntryKey& key, const EnvelopeHead& head, std::uint64_t now_ns,
                              std::uint64_t deadline_ns, bool must = false);
    larder_status touch_headed(const SpaceTier& use, const Space& space, const EntryKey& key, const EnvelopeHead& head,
                               const larder_touch& touch, std::uint64_t now_ns, std::uint64_t deadline_ns);
    // Moves the payload, decompressed, into out. CORRUPT when it cannot be; PENDING: a dictionary has to be fetched for it.
    larder_status take_value(const State& s, const Space& space, const EntryKey& key, Found& found, larder_value& out);
    // Makes what was found, live or stale, into an entry of this policy's version. False: it cannot be, which is
    // counted, and is a miss. One that a dictionary has to be fetched for stays as it is, for now. REQUIRES a
    // ReadGuard. Nothing is written.
    bool bring_up(const Space& space, const EntryKey& key, Found& found) {
        return found.entry.head().version == space.ns->version || migrate(space, key, found);
    }
    bool migrate(const Space& space, const EntryKey& key, Found& found);
    // The same where one may wait for the dictionary; nothing: a reader would miss.
    Found readable(const Space& space, const EntryKey& key, Found found);
    // Puts a migrated entry in the place of the one it was made of, unless somebody else wrote meanwhile; into a shared
    // store later, by another thread.
    void write_back(const Space& space, const EntryKey& key, const Found& found, std::uint64_t now_ns, std::uint64_t deadline_ns);
    void write_back_shared(const Space& space, const EntryKey& key, const Found& found);
    // Entries by version, of memory: a walk.
    std::string versions_json();
    std::int64_t ttl_left(const EnvelopeHead& head, std::uint64_t now_ns) const;
    // Finds an item's space and key; else the item says what is wrong.
    const Space* begin_item(const State& s, larder_cache_get& item, EntryKey& key);
    // The first tier has answered with `status`: asks the others where that is not enough.
    void end_item(const State& s, const Space& space, const EntryKey& key, const Moment& began, larder_status status,
                  Pinned value, std::size_t to, std::uint64_t now_ns, const larder_call* call, larder_cache_get& item);
    // What was found is the answer, or there is none.
    void end_found(const State& s, const Space& space, const EntryKey& key, Search& search, const Moment& began, std::size_t to,
                   std::uint64_t now_ns, const larder_call* call, larder_cache_get& item);
    [[gnu::noinline]] larder_status missed(const State& s, const Space& space, const EntryKey& key, const Moment& began,
                                           std::uint64_t now_ns, const larder_call* call);
    [[gnu::noinline]] larder_status visit_by_get(Cache& cache, std::uint32_t ns, std::string_view raw, const larder_call* call,
                                                 void (*fn)(void*, larder_bytes) noexcept, void* ctx);
    // Nothing but a shared store may have it: it is PENDING.
    void leave_to_shared(larder_cache_get& item) const;
    void get_one(const State& s, larder_cache_get& item, const larder_call* call, bool sync_only);
    // As get_one for each with sync_only, at most batch_size of them, in one call of the store they begin with.
    static constexpr std::size_t batch_size = 16;
    void get_batch(const State& s, std::span<larder_cache_get> items, const larder_call* call);
    // For LARDER_GET_STALE; false: there was nothing stale either.
    bool fill_stale(const State& s, const Space& space, const EntryKey& key, Found& found, std::uint32_t flags,
                    std::uint64_t now_ns, larder_cache_get& item);
    // One in detail::sample_every operations of a thread, with its time (cache_measure.cpp).
    larder_status measured_get(Cache& cache, larder_cache_get* items, std::size_t n, const larder_call* call);
    larder_status measured_visit(Cache& cache, std::uint32_t ns, std::string_view raw, const larder_call* call,
                                 void (*fn)(void*, larder_bytes) noexcept, void* ctx);
    larder_status measured_set(Cache& cache, larder_cache_set* items, std::size_t n, const larder_call* call);
    void add_measured(std::uint32_t ns, bool set, std::uint64_t took_ns, bool below);
    void weigh(HotKey& one, std::uint32_t ns);
    // The line of a namespace that says `log misses`; took_ns: of the load that the miss cost.
    void log_miss(const Space& space, const EntryKey& key, std::uint64_t took_ns);
    HotKeys hot;
    mutable AccessSamples accesses;
    // A miss, or what a measured hit stands for. Called where accesses.on() only.
    [[gnu::cold, gnu::noinline]] void note_access(const Space& space, const EntryKey& key, std::uint32_t what, std::uint32_t weight,
                                                  std::uint32_t cost_us) const;
    void note_measured(std::uint32_t ns, std::string_view raw);
    void note_miss(const Space& space, const EntryKey& key) const {
        if (accesses.on()) [[unlikely]] note_access(space, key, LARDER_ACCESS_MISS, 1, 0);
    }
    // A hit: the first one of an entry that nobody had asked for is told. [hot]
    void note_hit(const Space& space, const EntryKey& key) const {
        if (accesses.is_watched(key.hash)) [[unlikely]] note_access(space, key, LARDER_ACCESS_FIRST_HIT, 1, 0);
    }
    void fill_item(const State& s, const Space& space, const EntryKey& key, Found& found, std::uint32_t flags,
                   std::uint64_t now_ns, larder_cache_get& item);

    // ---- recording (cache_tape.cpp). Each is called where tape.on() only.
    mutable Tape tape;
    enum class TapedOutcome : std::uint8_t { hit, miss, stale, absent };
    [[gnu::cold, gnu::noinline]] void tape_get(const Space& space, const EntryKey& key, TapedOutcome outcome, std::uint32_t flags,
                                               std::int64_t ttl_ms, std::uint64_t size, std::uint64_t now_ns) const;
    [[gnu::cold, gnu::noinline]] void tape_item(const Space& space, const EntryKey& key, TapedOutcome outcome, std::uint32_t flags,
                                                const larder_cache_get& item, std::uint64_t now_ns) const;
    [[gnu::cold, gnu::noinline]] void tape_visit(const Space& space, const EntryKey& key, Tier& tier, std::uint64_t now_ns);
    struct NewEntry;
    [[gnu::cold, gnu::noinline]] void tape_put(const Space& space, const EntryKey& key, const NewEntry& entry, std::uint64_t now_ns) const;
    [[gnu::cold, gnu::noinline]] void tape_key(TapedKind kind, const Space& space, const EntryKey& key, std::int64_t ttl_ms,
                                               std::uint64_t now_ns) const;
    [[gnu::cold, gnu::noinline]] void tape_change(std::uint32_t action, const larder_target& target) const;
    [[gnu::cold, gnu::noinline]] void tape_request(const State& s, const larder_request& rq, dsl::MethodSet method, std::string_view path) const;
    // served null: no rule serves it, or not this one.
    [[gnu::cold, gnu::noinline]] void tape_ask(const State& s, const larder_request& rq, std::string_view path, const larder_serve* served) const;
    [[gnu::cold, gnu::noinline]] void tape_event(std::string_view name, const larder_pair* pairs, std::size_t n) const;
    // A get that is answered with what `item` has, or with nothing.
    void tape_answer(const Space& space, const EntryKey& key, const larder_cache_get& item, std::uint32_t flags, std::uint64_t now_ns) const {
        if (!tape.on()) [[likely]] return;
        const bool none = item.status != LARDER_OK;
        tape_item(space, key,
                  none                                               ? TapedOutcome::miss
                  : (item.found & LARDER_FOUND_STALE) != 0  ? TapedOutcome::stale
                  : (item.found & LARDER_FOUND_ABSENT) != 0 ? TapedOutcome::absent
                                                                     : TapedOutcome::hit,
                  flags, item, now_ns);
    }

    // ---- making small (cache_pack.cpp)
    struct Packed {
        std::string_view bytes;  // empty: it is stored as it is
        std::uint16_t codec = 0;
        std::uint32_t dictionary = 0;
    };
    // The bytes are the thread's until its next pack().
    Packed pack(const Space& space, std::string_view value);
    larder_status unpack(const State& s, const Space& space, const Found& found, larder_value& out);
    // Where others find its dictionaries; none above memory alone.
    std::optional<DictionaryHome> dictionary_home(const Space& space) const;
    // Fetches what readers of this namespace want. [worker]
    void fetch_dictionaries(const Space& space);
    std::uint64_t longest_life_ms(const Space& space) const;  // of an entry; 0: for ever
    // As fill_item where one may wait: also for a dictionary.
    void fill_item_here(const State& s, const Space& space, const EntryKey& key, Found& found, std::uint32_t flags,
                        std::uint64_t now_ns, larder_cache_get& item);
    // Items that are PENDING for want of a dictionary are asked for again with it; none is PENDING then. [worker]
    void end_unread(std::span<larder_cache_get* const> items, const larder_call* call);
    void tend_packing(std::uint32_t ns);  // [worker]
    void tend_soon(std::uint32_t ns);
    void start_tending();
    std::atomic<std::uint64_t> tend_timer{0};

    // ---- writing (cache_write.cpp)
    struct NewEntry {
        std::string_view value;
        std::int64_t ttl_ms = 0;  // 0: the namespace's, -1: none
        bool absent = false;
        const larder_pair* with = nullptr;
        std::size_t with_count = 0;
        const FencePoint* fence = nullptr;
        std::optional<std::uint64_t> replaces;  // the id that has to stand in the shared store; 0: none
        const Found* judged = nullptr;   // what stands there, and has to be as valid when it is replaced
        // Where the store may answer later: told what became of it, if the put is answered LARDER_PENDING.
        const Tier::Then* later = nullptr;
        // Of its scopes those that neither key nor pairs say.
        std::span<const ScopeId> own{};
        std::uint32_t cost_us = 0;
        std::uint64_t id = 0;     // in: of a copy, which has its original's; else 0. out
        bool kept = true;         // out
        bool sure = false;        // out: it is in a shared store, and nobody had invalidated it until then
    };
    // REQUIRES: the caller holds the key's stripe.
    larder_status write_entry(const State& s, const Space& space, const FieldedKey& key, NewEntry& entry,
                              std::uint64_t now_ns, std::uint64_t deadline_ns);
    // ---- above a far tier (cache_far.cpp). REQUIRES: space.below, and the key's stripe where something is changed.
    // write_entry() into this space's own tiers, whatever is below.
    larder_status write_near(const State& s, const Space& space, const FieldedKey& key, NewEntry& entry, std::uint64_t now_ns, std::uint64_t deadline_ns);
    larder_status write_far(const State& s, const Space& space, const FieldedKey& key, NewEntry& entry, std::uint64_t now_ns, std::uint64_t deadline_ns);
    // Takes copies away, and the leases of who is about to make some.
    void forget_copies(const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns);
    // The lease of a copy that is about to be made; 0: somebody else makes one, or there is none to be had.
    std::uint64_t begin_copy(const State& s, const Space& space, const FieldedKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns);
    // What the far tier has, as a load would bring it, and its id. Nothing: no live entry is there.
    std::optional<Loaded> load_far(const State& s, const Space& space, const FieldedKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns, std::uint64_t& id);
    // The entry as the far tier has it, to be judged there. False: the namespace has none, nothing was done.
    bool get_far(larder_cache_get& item, std::uint64_t deadline_ns);
    // A namespace with a far tier and no source has that as its source.
    void join_far(State& next);
    // Puts it into every tier, from the bottom up, in the tier's form. envelope.scopes has all of them.
    larder_status put_entry(const Space& space, const EntryKey& key, const Envelope& envelope, std::string_view payload,
                            std::uint64_t now_ns, std::uint64_t deadline_ns, bool above_only = false);
    // Into one tier; `flags` LARDER_PUT_*; with IF_VERSION over the entry of that id, 0: its own.
    larder_status put_in(const SpaceTier& use, const Space& space, const EntryKey& key, const Envelope& envelope,
                         std::string_view payload, std::uint32_t flags, std::uint64_t now_ns, std::uint64_t deadline_ns,
                         std::uint64_t over = 0);
    // True: `later` will be told, and the item's status is not touched.
    bool set_one(const State& s, larder_cache_set& item, const larder_call* call, std::uint64_t now_ns, const Tier::Then* later = nullptr);
    // Changes the key's own scope. REQUIRES the stripe.
    void change_own_scope(const Space& space, const EntryKey& key, bool expire, const Cause& cause);
    // Removes it from every tier and changes its key scope; REQUIRES the stripe.
    void erase(const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns, const Cause& cause);
    // Out of one tier of this process; what a failing one keeps is known to be of no use.
    // Of a namespace that demotes (cache_demote.cpp). REQUIRES: the stripe.
    larder_status put_demoting(const Space& space, const EntryKey& key, const Envelope& envelope, std::string_view payload,
                               std::uint64_t now_ns, std::uint64_t deadline_ns);
    larder_status put_below(const Space& space, const EntryKey& key, const Envelope& envelope, std::string_view payload,
                            std::uint64_t now_ns, std::uint64_t deadline_ns);
    // Whether a put of that key may have to ask a store that does not answer at once.
    bool may_wait_to_put(const Space& space, std::string_view raw);
    // Brings down what memory let go, unless something came between. [worker]
    void demote(Demotions::Victim& victim);
    void count_lost(std::uint32_t shelf);
    void take_out(const SpaceTier& use, const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns);
    bool remove_one(const Space& space, const EntryKey& key, const larder_call* call, const Cause& cause);
    larder_status set_life(const Space& space, const EntryKey& key, const Found& found, std::int64_t ttl_ms,
                           std::uint64_t now_ns, std::uint64_t deadline_ns);
    Ms absolute_limit(const Space& space) const;

    // ---- sources (cache_source.cpp). The three answer nothing where none of the items has to do with one.
    std::atomic<bool> sourced{false};     // some namespace has a source
    std::shared_ptr<WriteBehind> behind;  // set once, before the first install; null: there is no journal
    KeyTurns turns;
    void join_sources(State& next, const State* old);
    std::optional<larder_status> get_sourced(std::span<larder_cache_get> items, const larder_call* call);
    std::optional<larder_status> set_sourced(Cache& cache, std::span<larder_cache_set> items, const larder_call* call);
    std::optional<larder_status> remove_sourced(std::span<larder_cache_key> items, const larder_call* call);
    // A write of this key that waits to be synced; 0: none does.
    std::uint64_t set_one_sourced(Cache& cache, larder_cache_set& item, const larder_call* call);
    std::uint64_t remove_one_sourced(larder_cache_key& item, const larder_call* call);
    Loaded load_from(const SourceUse& use, const std::string& canonical, std::uint64_t deadline_ns, const WarmAsk* warm = nullptr) const;
    // ---- `never store` (cache_withhold.cpp)
    // False: the value may not be stored. What may be, where that is not all of it, is in `left`, and value views it.
    bool may_store(const Space& space, const EntryKey& key, std::string_view& value, std::string& left);
    void tell_withheld(const Space& space, SpaceDetail what, const dsl::NeverStore& rule, const std::string& name);
    // One write, at once: as SourceChange::status.
    larder_status write_to(const SourceUse& use, std::string_view canonical, std::string_view value, bool remove, std::uint64_t deadline_ns) const;
    void send_behind(std::string_view space, std::span<SourceWrite> writes) const;
    // What loads of this key bring that are under way is older than what was just written.
    void overtake_loads(const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns);
    // Loads as a miss would, whatever is there, unless somebody does already. (cache_load.cpp)
    struct Ahead {
        bool flying = false, kept = false;
        larder_status status = LARDER_OK;  // of the loader
        std::uint64_t cost_us = 0, bytes = 0;
    };
    Ahead load_ahead(std::uint32_t ns, std::string_view raw, const Loader& loader, std::uint64_t until_ns);
    // As get_or_load, of one whose miss was counted. (cache_load.cpp)
    void load_missed(larder_cache_get& out, const Loader& loader, const larder_call* call);
    // The tiers of this thread alone; whether one of the items is PENDING.
    bool get_here(std::span<larder_cache_get> items, const larder_call* call);

    // ---- above a shared store (cache_shared.cpp)
    static constexpr std::size_t longest_plain_key = 120;  // longer ones may be hashed, and pushes would not say which
    Authority::Listener listener(const std::string& store);
    void touched(std::string_view whole);
    // Whose key this is in a shared store. False, with its namespace if that can be told: not one that can be read back.
    bool entry_of(const State& s, std::string_view whole, const Space*& space, EntryKey& key) const;
    void forget_above(const Space& space, const EntryKey& key, std::uint64_t now_ns);
    std::shared_ptr<SharedRead> shared_read(const State& s, const Space& space);
    bool weigh_shared(Search& search, const Space& space, const EntryKey& key, SharedRead& read, SharedItem& item);
    bool look_at_shared(Search& search, const State& s, const Space& space, const EntryKey& key);
    // As present(); `id` is that of whatever stands there.
    Found present_shared(const State& s, const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns,
                         std::uint64_t& id, larder_status& status);
    larder_status put_shared(const Space& space, const EntryKey& key, NewEntry& entry, Envelope& envelope, std::string_view payload,
                             std::uint64_t now_ns, std::uint64_t deadline_ns);
    // The lease of a load that begins now; 0: there is none, or no authority.
    std::uint64_t begin_load(const State& s, const Space& space, const FieldedKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns);
    // Remembers what misses of this call were judged under, each with a lease. [worker]
    // Whether a set of this item needs nothing but one call of the shared store.
    bool may_begin_set(const State& s, const larder_cache_set& item) const;
    // All items, each in one call, waited for together. UNSUPPORTED: not all of them are such sets.
    larder_status set_shared(std::span<larder_cache_set> items, const larder_call* call);
    void fence_misses(const std::vector<larder_cache_get*>& items, const larder_call& call);
    // Another node loads this key: waits for what it fills, at most so long. [worker]
    void wait_for_fill(const std::string& canonical, std::uint32_t ns, std::chrono::nanoseconds most);
    std::mutex fills_mutex;
    std::condition_variable fills;  // somebody wrote to a shared store
    void end_load(const Space& space, const EntryKey& key, std::uint64_t lease, std::uint64_t now_ns);
    void get_shared(std::span<larder_cache_get*> items, const larder_call& call, std::function<void()> then);
    void get_shared_here(std::span<larder_cache_get*> items, const larder_call* call);
    // Whether all that is pending can be asked for in one call of a shared store.
    bool all_pending_shared(std::span<larder_cache_get> items) const;
    void settle_write(const larder_cache_set& item);
    larder_status get_later(std::span<larder_cache_get> items, const larder_call* call);
    void end_shared(const State& s, SharedRead& read, SharedItem& shared, larder_cache_get& item, const larder_call& call, std::uint64_t now_ns,
                    std::uint64_t deadline_ns);

    // ---- invalidation (cache_drop.cpp, cache_rules.cpp)
    static void tell(const State& s, const std::vector<ChangeOrder>& orders);
    void carry_out(const State& s, std::vector<ChangeOrder>& orders, const Cause& cause, Receipt& receipt);
    std::uint64_t change_scope(ScopeId scope, bool expire, const std::string& what, const Cause& cause);  // its epoch
    void change_key(const State& s, const ChangeOrder& order, const Cause& cause);
    void expire_shared(const State& s, const Space& space, const EntryKey& key, std::uint64_t now, std::uint64_t until, const Cause& cause);
    void change_tag(const State& s, const ChangeOrder& order, const Cause& cause);
    void change_matching(const State& s, const ChangeOrder& order, const Cause& cause, Receipt& receipt);
    void change_namespace(const State& s, dsl::NamespaceIndex ns, bool expire, const Cause& cause);
    void new_shelves(const State& s, const std::vector<dsl::NamespaceIndex>& spaces);
    void clear_shelf(const std::vector<std::shared_ptr<Tier>>& tiers, std::uint32_t shelf);  // in the background
    void ban(const State& s, const ChangeOrder& order, const Cause& cause, Receipt& receipt);
    // Takes the copies out of one store; validity is as before. MISS: there is no such store.
    larder_status empty_tier(const State& s, std::string_view name, std::uint64_t began_ns, larder_receipt* receipt);
    using FiredOnDrop = std::set<std::pair<std::uint32_t, std::string>>;  // rule, key; an empty one: all
    void fire_on_drop(const State& s, const ChangeOrder& order, std::vector<ChangeOrder>& more, FiredOnDrop& fired, Receipt& receipt);
    // Instead of doing them: fills in what they would do.
    void rehearse(const State& s, const std::vector<ChangeOrder>& orders, Receipt& receipt);
    // Whether it names entries by their keys, and nothing goes with them.
    bool is_single(const State& s, const std::vector<ChangeOrder>& orders) const;
    // What guards have against a person doing this; `counts` gets what it would do, where they were asked.
    std::vector<GuardBreach> judge_guards(const State& s, const std::vector<ChangeOrder>& orders, const Cause& cause, Receipt& counts);
    std::vector<GuardBreach> judge_guards_of_tier(const State& s, std::string_view store);
    std::vector<SpaceShare> holdings(const State& s);
    // Notes and counts a refusal, fills in the receipt. Answers E_REFUSED.
    larder_status refuse(const Receipt& made, const std::string& what, std::uint64_t began_ns, larder_receipt* receipt);
    void write_receipt(const Receipt& from, std::uint64_t began_ns, larder_receipt* to) const;
    // Warms what it can reach.
    void refresh(const State& s, const ChangeOrder& order, Receipt& receipt);
    void refresh(const State& s, dsl::NamespaceIndex ns, Receipt& receipt);
    // Turns a rule's changes into orders; `values` by slot, null data where the request gave none.
    void rule_orders(const State& s, const dsl::Rule& rule, const std::vector<std::string_view>& values,
                     std::vector<ChangeOrder>& orders, Receipt& receipt);

    // ---- walking (cache_walk.cpp)
    void start_sweep();
    void sweep_some();
    // One step over each shared store. [worker]
    void sweep_shared();
    void install(CacheParts parts);
    SpaceRuntime& runtime(std::string_view name);
    std::string stats(std::string_view section) const;
};

struct PackRules;
PackRules pack_rules(const dsl::Namespace& ns);
SpaceCounts counts_of(const SpaceRuntime& r);
// Whether the caller wants to know what would change, and nothing else.
inline bool is_rehearsal(const larder_call* call) { return call != nullptr && (call->flags & LARDER_CALL_REHEARSE) != 0; }
// Whether a person asks who has not confirmed it.
inline bool is_guarded(const larder_call* call) { return call != nullptr && (call->flags & LARDER_CALL_GUARDED) != 0; }
// A key text for people: `user_details "42"`.
std::string shown_key(const Space& space, std::string_view canonical);

}  // namespace larder
