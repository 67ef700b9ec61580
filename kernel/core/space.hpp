// kernel/core/space.hpp -- a namespace of the policy, ready to run.
//
// A Space joins what the policy says (dsl::Namespace, immutable) with what runs it: tiers, codec, scope
// ids, limits in nanoseconds. Spaces live in a State, which install() builds and readers use through a
// Snapshot. What outlives a State (counters, the number a namespace has) is in SpaceRuntime, by name.
//
// Two numbers. `number` is the namespace's for its users and never changes. `shelf` is what memory
// stores are told: dropping a whole namespace moves it to a new shelf and clears the old one in the
// background, so that its memory comes back at once and counts are right; validity never depends on it.
#pragma once

#include "dsl/policy.hpp"
#include "kernel/core/clock.hpp"
#include "kernel/core/counters.hpp"
#include "kernel/core/durations.hpp"
#include "kernel/core/random.hpp"
#include "kernel/core/stamp.hpp"
#include "kernel/core/tier.hpp"

#include <larder/plugin/key_hash.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace larder {

// What is counted for each namespace.
enum class SpaceCount : std::size_t {
    hits, misses, stale, absent, puts, removes, refused, errors, fenced, loads, load_errors, waits, damaged, dropped,
    migrated, unmigrated
};

// More of it, off the hit path. First, by tier: hits below the first one.
enum class SpaceDetail : std::size_t {
    tier_hits = 0, put_bytes = 8, raw_bytes, stored_bytes, compressed, not_smaller,
    warmed,    // entries made before anybody asked for them
    withheld,  // values refused by `never store`
    stripped   // values stored without what `never store` names
};

class Authority;
class Packing;

struct SpaceRuntime {
    std::string name;
    std::shared_ptr<Packing> packing;  // never null
    std::uint32_t number = 0;
    std::atomic<std::uint32_t> shelf{0};
    // Epoch of the latest change of a scope of its chain, or ban in it (RecordTable::watch).
    std::atomic<std::uint64_t> changed{0};
    std::uint64_t schema = 0, generation = 0;  // how often the schema changed; guarded by install's mutex
    Counters counts, details;
    Durations gets, puts, loads, migrations;
    // Entries that memory let go: now in the tier below; lost, as too many waited or that tier would not have them; of no
    // use any more when it was their turn.
    std::atomic<std::uint64_t> demoted{0}, undemoted{0}, overtaken{0};
    // How many values of which version were migrated. Far from the hit path.
    std::mutex migrated_mutex;
    std::map<std::uint32_t, std::uint64_t> migrated_from;  // guarded by migrated_mutex
    void count(SpaceDetail what, std::uint64_t by = 1) noexcept { details.add(static_cast<std::size_t>(what), by); }
    void count_tier_hit(std::size_t tier) noexcept { details.add(tier < 8 ? tier : 7); }
    std::uint64_t total(SpaceDetail what) const noexcept { return details.sum(static_cast<std::size_t>(what)); }
    void count(SpaceCount what, std::uint64_t by = 1) noexcept { counts.add(static_cast<std::size_t>(what), by); }
    std::uint64_t total(SpaceCount what) const noexcept { return counts.sum(static_cast<std::size_t>(what)); }
};

struct SpaceTier {
    Tier* tier = nullptr;
    std::optional<Ms> ttl;  // at most this long in it
    // What its store is told for an entry that has `left_ms` to live; 0: for ever.
    std::uint64_t life_ms(std::uint64_t left_ms) const {
        if (!ttl) return left_ms;
        const auto most = static_cast<std::uint64_t>(ttl->count());
        return left_ms == 0 ? most : std::min(left_ms, most);
    }
};

// The values of a namespace's parameters for one entry: fields of its key, then `with` values. A `with`
// value that was not given has null data.
using Parameters = std::array<std::string_view, dsl::max_fields + 16>;

struct Space {
    const dsl::Namespace* ns = nullptr;
    dsl::NamespaceIndex index = dsl::none;
    SpaceRuntime* runtime = nullptr;
    std::vector<SpaceTier> tiers;
    std::size_t sync_tiers = 0;   // how many of them, from the top, are called on the request thread
    const CodecHandle* codec = nullptr;
    std::shared_ptr<const SourceUse> source;  // null: values come from whoever puts them
    std::vector<ScopeId> chain;   // root, itself, its parents
    std::uint64_t schema = 0;     // of everything that decides an entry's bytes and scopes
    std::uint64_t generation = 0; // stands for the schema in the short form
    bool all_headed = false;      // each of its tiers takes the short form
    bool demotes = false;         // entries are in the first tier alone until it lets them go (cache_demote.cpp)
    // The records of the shared tier, where it has one; null: those of this process say all.
    Authority* authority = nullptr;
    std::size_t authority_tier = 0;
    ScopeId suspect = 0;          // ScopeNames::above its store
    bool has_scopes = false;      // its entries may carry more than the chain
    bool reads_fields = false;    // scopes or lifetimes are filled from the fields of keys
    plugin::HashSecret hash_secret;  // of the process, and of this namespace
    std::uint64_t max_bytes = 0;  // of one value
    std::uint64_t capacity = 0;   // bytes of its smallest tier that has a bound
    Ms ttl{};                     // 0: none
    Ms stale{};                   // the longest window after it
    // The far tier behind the shared one, where there is one: a space of its own, of that tier alone, with records of its
    // own. What is written goes there; the tiers of this space are copies of it (cache_far.cpp). null: there is none.
    std::shared_ptr<const Space> below;
    bool keeps_entries() const { return ns->key.has_value(); }
    // Whether an entry of that version is one of this policy, or can be made into one.
    bool takes(std::uint32_t version) const {
        return version == ns->version || std::find(ns->accepts.begin(), ns->accepts.end(), version) != ns->accepts.end();
    }
    // A shared store has all its entries, with nothing above or below.
    bool only_shared() const { return authority != nullptr && tiers.size() == 1 && keeps_entries(); }
    bool writes_source() const { return source != nullptr && source->writes(); }
    bool all_sync() const { return sync_tiers == tiers.size(); }
    // A key as it stands in a shared or persistent store: "larder:v:{menu.item:7}".
    std::string physical(const Authority& at, std::string_view canonical) const;
    // The same in the place of what is in `out`.
    void physical(const Authority& at, std::string_view canonical, std::string& out) const;
    // Tells the stores of this process what entries and bytes a shelf may hold, and which go first.
    // `to`: who gets what is evicted, where the namespace demotes.
    void limit(std::uint32_t shelf, const larder_demotion& to) const;
};

struct State {
    std::shared_ptr<const dsl::Policy> policy;
    CacheParts parts;                         // keeps stores and codecs alive
    std::vector<std::shared_ptr<Tier>> tiers;
    std::vector<std::shared_ptr<SourceRun>> sources;
    std::vector<std::shared_ptr<Authority>> authorities;  // by tier; null: it has none
    std::vector<Space> spaces;                // by NamespaceIndex
    std::vector<const Space*> by_number;      // null: not in this policy
    std::vector<const CodecHandle*> by_codec; // by codec id, as far as it goes
    std::vector<std::vector<std::uint32_t>> on_drop;  // by NamespaceIndex: rules `on drop of` it
    std::vector<std::atomic<std::uint64_t>*> fired;   // by rule: how often it did; the cache owns them

    const Space* space(std::uint32_t number) const {
        return number < by_number.size() ? by_number[number] : nullptr;
    }
    // Number of the namespace with this index.
    std::uint32_t number(dsl::NamespaceIndex index) const { return spaces[index].runtime->number; }
};

// Fills in a Space of `state` (tiers, codec, scopes); `tiers` by store name.
void build_space(Space& space, const State& state, const ScopeNames& names, std::uint64_t max_value_bytes);

// One key as the cache works with it: canonical, hashed, bound. The views live as long as `raw` and
// `buffer` do.
struct EntryKey {
    std::string_view canonical;
    std::uint64_t hash = 0;     // of the process: what stores are given
    std::uint64_t binding = 0;  // of the long form; 0 where no tier has it
    larder_key store_key(std::uint32_t shelf) const {
        return {canonical.data(), static_cast<std::uint32_t>(canonical.size()), shelf, hash};
    }
};

// With the fields it was made of, where the space reads_fields.
struct FieldedKey : EntryKey {
    dsl::Fields fields;
};

// False: the key does not fit the namespace's template. Where fields need escaping the canonical key is
// not `raw` and lives until the thread's next call. [hot]
inline bool find_key(const Space& space, const ScopeNames& names, std::string_view raw, EntryKey& out);
bool find_escaped_key(const Space& space, const ScopeNames& names, std::string_view raw, EntryKey& out);
// The same with its fields, dearer; `buffer` is used when they need escaping.
bool make_key(const Space& space, const ScopeNames& names, std::string_view raw, std::string& buffer, FieldedKey& out);
// From a canonical key, as stores list them.
bool make_canonical_key(const Space& space, const ScopeNames& names, std::string_view canonical, EntryKey& out);

// The same with its fields.
bool make_fields(const Space& space, const ScopeNames& names, std::string_view canonical, FieldedKey& out);

// All scopes of an entry: chain, tags, implicit tags, what it depends on. `with` by name.
void entry_scopes(const State& state, const Space& space, const ScopeNames& names, const FieldedKey& key,
                  const larder_pair* with, std::size_t with_count, ScopeList& out);

// The same as texts, for caches in front of this one that are told by name what was dropped: "menu" and
// what is around it, "menu:42", tags without escapes, "menu:*" for what depends on any entry of menu. A name
// may come twice. False: some drop that concerns the entry has no name (it lacks a `with` value).
bool entry_names(const State& state, const Space& space, const FieldedKey& key, const larder_pair* with, std::size_t with_count,
                 const std::function<void(std::string_view)>& out);

// How long an entry lives: ttl (dated, jittered), 0 = for ever.
Ms entry_ttl(const Space& space, const FieldedKey& key, const Clock& clock, Random& random);

// Hashes and binds a canonical key.
inline void bind_key(const Space& space, const ScopeNames& names, std::string_view canonical, EntryKey& out) {
    out.canonical = canonical;
    out.hash = plugin::key_hash(space.hash_secret, canonical.data(), canonical.size());
    if (!space.all_headed) out.binding = names.binding(space.ns->name, canonical);
}

inline bool find_key(const Space& space, const ScopeNames& names, std::string_view raw, EntryKey& out) {
    if (!space.ns->key->is_canonical(raw)) [[unlikely]] return find_escaped_key(space, names, raw, out);
    bind_key(space, names, raw, out);
    return true;
}

}  // namespace larder
