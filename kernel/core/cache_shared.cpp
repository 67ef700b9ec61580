// kernel/core/cache_shared.cpp -- what is different above a store that other nodes use, too.
//
// The store is right, and memory above it is a copy that may be asked for there at any time:
//
//   read    memory, else value and unknown records in one round trip; a live entry is copied up if pushes
//           are told for all it was judged by, and taken away again if one came meanwhile
//   write   records' numbers, then the store, and never memory: the entry settles there on its next read,
//           so that no write of another node is overlooked between ours and its echo
//   load    lease and numbers before the loader; the lease fills, or nothing is kept
//   change  here at once, then in the store or its outbox (authority.hpp)
//
// When the store cannot be reached, what is written or loaded lives in memory for max_staleness at most.
#include "kernel/core/mutant.hpp"
#include "kernel/core/shared_read.hpp"

#include <algorithm>
#include <mutex>

namespace larder {

namespace {

// What a put was stamped with.
struct Stamp {
    Digest digest;
    std::vector<std::pair<ScopeId, Numbers>> numbers;
    bool good = false, overtaken = false;
};

}  // namespace

Authority::Listener Cache::Impl::listener(const std::string& store) {
    Authority::Listener listener;
    listener.changed = [this](ScopeId scope, bool dropped) {
        if (dropped) records.drop(scope);
        else records.expire(scope, clock.mono_ns());
    };
    listener.doubt = [this](ScopeId scope) { records.stir(scope); };
    listener.suspect = [this, above = names.above(store)] {
        records.expire(above, clock.mono_ns());
        const ReadGuard guard;
        const State* const s = state.get();
        if (s == nullptr) return;
        // Copies of what lies in there, above another store.
        for (const Space& space : s->spaces)
            if (space.below != nullptr && space.below->suspect == above) records.expire(space.suspect, clock.mono_ns());
    };
    listener.touched = [this](std::string_view key) { touched(key); };
    listener.note = [this](int severity, std::string text) { events.add(clock.wall_ms(), severity, "store", std::move(text)); };
    return listener;
}

// REQUIRES no lock: writers hold theirs while they wait for the store, whose thread this is. Who copies an
// entry up looks at `writes` again after it has done so.
void Cache::Impl::touched(std::string_view whole) {
    const ReadGuard guard;
    const State& s = *state.get();
    const Space* space = nullptr;
    EntryKey key;
    if (!entry_of(s, whole, space, key)) return;
    stripe(key).writes.fetch_add(1, std::memory_order_seq_cst);
    forget_above(*space, key, clock.mono_ns());
    fills.notify_all();
}

bool Cache::Impl::entry_of(const State& s, std::string_view whole, const Space*& space, EntryKey& key) const {
    const std::size_t open = whole.find('{');
    if (open == std::string_view::npos || whole.back() != '}') return false;
    const std::string_view inside = whole.substr(open + 1, whole.size() - open - 2);
    const auto resolved = s.policy->resolve(inside);
    if (!resolved || s.spaces[resolved->ns].authority == nullptr) return false;
    space = &s.spaces[resolved->ns];
    return make_canonical_key(*space, names, inside.substr(resolved->prefix), key);
}

void Cache::Impl::wait_for_fill(const std::string& canonical, std::uint32_t ns, std::chrono::nanoseconds most) {
    const auto writes = [&]() -> std::uint64_t {
        const ReadGuard guard;
        const Space* space = state.get()->space(ns);
        EntryKey key;
        return space != nullptr && make_canonical_key(*space, names, canonical, key) ? stripe(key).writes.load(std::memory_order_acquire) : 0;
    };
    const std::uint64_t before = writes();
    // A push that comes between looking and waiting is caught at the next turn.
    constexpr std::chrono::milliseconds turn{20};
    std::unique_lock lock(fills_mutex);
    for (std::chrono::nanoseconds waited{0}; waited < most && writes() == before && !stopping.load(); waited += turn)
        fills.wait_for(lock, std::min<std::chrono::nanoseconds>(turn, most - waited));
}

void Cache::Impl::forget_above(const Space& space, const EntryKey& key, std::uint64_t now_ns) {
    for (std::size_t i = 0; i < space.authority_tier; ++i)
        if (space.tiers[i].tier->sync()) space.tiers[i].tier->remove(key.store_key(space.runtime->shelf), 0, now_ns, 0);
}

bool Cache::Impl::weigh_shared(Search& search, const Space& space, const EntryKey& key, SharedRead& read, SharedItem& item) {
    if (item.status < 0) {
        if (item.status != LARDER_E_CLOSED) space.runtime->count(SpaceCount::errors);
        return false;
    }
    // What memory has and the store has not is gone.
    search.best = {};
    search.best.newer = item.found.newer;
    if (item.found.any()) {
        if (!bring_up(space, key, item.found)) {
            forget_above(space, key, search.now_ns);
            return false;
        }
        if (item.found.replaces != 0 && !search.peek) write_back_shared(space, key, item.found);
    }
    switch (item.found.verdict) {
        case Verdict::live:
            if (!search.peek && item.may_stay && space.authority_tier > 0 && key.canonical.size() <= longest_plain_key) {
                const auto scopes = read.scopes_of(item);
                item.found.scopes.assign(scopes.begin(), scopes.end());
                promote(space, key, item.found, item.writes, search.now_ns);
            }
            if (space.authority_tier > 0) space.runtime->count_tier_hit(space.authority_tier);
            search.best = std::move(item.found);
            return true;
        case Verdict::stale: search.best = std::move(item.found); break;
        case Verdict::damaged: space.runtime->count(SpaceCount::damaged); break;
        case Verdict::gone:
            if (item.status == LARDER_OK && !item.found.newer) space.runtime->count(SpaceCount::dropped);
            forget_above(space, key, search.now_ns);
            break;
    }
    return false;
}

std::shared_ptr<SharedRead> Cache::Impl::shared_read(const State& s, const Space& space) {
    for (const auto& authority : s.authorities)
        if (authority.get() == space.authority) return std::make_shared<SharedRead>(*this, authority);
    return nullptr;
}

bool Cache::Impl::look_at_shared(Search& search, const State& s, const Space& space, const EntryKey& key) {
    FieldedKey fielded;
    if (!make_fields(space, names, key.canonical, fielded)) return false;
    const auto read = shared_read(s, space);
    read->add(s, space, fielded);
    read->run(search.now_ns, search.deadline_ns);
    return weigh_shared(search, space, key, *read, read->items().front());
}

Found Cache::Impl::present_shared(const State& s, const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns,
                                  std::uint64_t& id, larder_status& status) {
    FieldedKey fielded;
    if (!make_fields(space, names, key.canonical, fielded)) return {};
    const auto read = shared_read(s, space);
    read->add(s, space, fielded);
    read->run(now_ns, deadline_ns);
    SharedItem& item = read->items().front();
    id = item.id;
    status = item.status;
    if (item.found.verdict != Verdict::live || (item.found.entry.head().flags & envelope_absent) != 0) {
        Found nothing;
        nothing.newer = item.found.newer;
        return nothing;
    }
    const auto scopes = read->scopes_of(item);
    item.found.scopes.assign(scopes.begin(), scopes.end());
    return std::move(item.found);
}

// The numbers an entry of these scopes is stamped with.
static Stamp stamp_shared(Cache::Impl& impl, const Space& space, std::span<const ScopeId> scopes, const FencePoint* fence,
                          std::uint64_t now_ns, std::uint64_t deadline_ns) {
    Authority& authority = *space.authority;
    Stamp out;
    auto& numbers = out.numbers;
    if (fence == nullptr || mutant(Mutant::late_stamp)) {
        numbers = authority.numbers_of(scopes, false, now_ns, deadline_ns);
        if (numbers.size() != scopes.size()) return out;
    } else {
        const auto began = authority.stamp_of(fence->lease);
        if (began == nullptr) {
            out.overtaken = true;
            return out;
        }
        std::vector<ScopeId> late;
        for (const ScopeId scope : scopes) {
            if (const Numbers* known = began->find(scope)) numbers.emplace_back(scope, *known);
            else late.push_back(scope);
        }
        if (!late.empty()) {
            // Tags that only the answer named. Their numbers are of now; the late number, asked for after
            // them, says whether one of them may have changed since the load began.
            const ScopeId late_of = impl.names.late_of(space.ns->name);
            const Numbers* before = began->find(late_of);
            late.push_back(late_of);
            const auto now = authority.numbers_of(late, true, now_ns, deadline_ns);
            if (now.size() != late.size()) return out;
            if (before == nullptr || !(now.back().second == *before)) {
                out.overtaken = true;
                return out;
            }
            numbers.insert(numbers.end(), now.begin(), now.end() - 1);
        }
    }
    for (const auto& [scope, n] : numbers) add_numbers(out.digest, scope, n.drop, n.expire);
    out.good = true;
    return out;
}

// Whether `found`, which was live a moment ago, still is by the numbers that what replaces it is stamped with: else
// what was made from it would be valid again under numbers that say it is not.
static bool still_stands(const Authority& authority, const Space& space, const Found& found, const Stamp& stamp) {
    Digest digest;
    for (const ScopeId scope : found.scopes) {
        const auto at = std::find_if(stamp.numbers.begin(), stamp.numbers.end(), [scope](const auto& one) { return one.first == scope; });
        Numbers numbers;
        if (at != stamp.numbers.end()) numbers = at->second;
        else if (authority.known(scope, numbers) != Authority::Known::yes) return false;
        add_numbers(digest, scope, numbers.drop, numbers.expire);
    }
    return SharedStamp(digest, space.schema) == found.stamp;
}

// For a little while in memory only, as the store cannot be asked: max_staleness, counted from when the value was
// loaded or set (`at_ns`), since whatever changed it after that nobody may have told.
static larder_status put_above(Cache::Impl& impl, const Space& space, const EntryKey& key, Envelope envelope, std::string_view payload,
                               std::uint64_t at_ns) {
    const std::uint64_t now_ns = impl.clock.mono_ns(), age_ms = (now_ns - std::min(now_ns, at_ns)) / 1'000'000 + 1;
    std::uint64_t most = static_cast<std::uint64_t>(space.authority->max_staleness().count());
    if (age_ms >= most) return LARDER_E_IO;
    most -= age_ms;
    EnvelopeHead& head = envelope.head;
    head.created_ns = now_ns;
    head.soft_ms = head.soft_ms == 0 ? most : std::min(head.soft_ms, most);
    head.hard_ms = head.soft_ms;
    larder_status outcome = LARDER_E_IO;
    for (std::size_t i = 0; i < space.authority_tier; ++i)
        if (space.tiers[i].tier->headed() && impl.put_in(space.tiers[i], space, key, envelope, payload, 0, now_ns, 0) == LARDER_OK) outcome = LARDER_OK;
    return outcome;
}

// Where a newer version stands in the store: in memory only, for as long as it lives, because every number it carries is
// one that pushes are told for. What is pushed meanwhile takes it away, as in promote().
static bool keep_above(Cache::Impl& impl, const Space& space, const EntryKey& key, const Envelope& envelope, std::string_view payload,
                       std::uint64_t now_ns) {
    const std::atomic<std::uint64_t>& writes = impl.stripe(key).writes;
    const std::uint64_t before = writes.load(std::memory_order_seq_cst);
    bool kept = false;
    for (std::size_t i = 0; i < space.authority_tier; ++i)
        if (space.tiers[i].tier->headed() && impl.put_in(space.tiers[i], space, key, envelope, payload, 0, now_ns, 0) == LARDER_OK) kept = true;
    if (writes.load(std::memory_order_seq_cst) == before) return kept;
    impl.forget_above(space, key, now_ns);
    return false;
}

larder_status Cache::Impl::put_shared(const Space& space, const EntryKey& key, NewEntry& entry, Envelope& envelope, std::string_view payload,
                                      std::uint64_t now_ns, std::uint64_t deadline_ns) {
    Authority& authority = *space.authority;
    const SpaceTier& use = space.tiers[space.authority_tier];
    const std::string whole = space.physical(authority, key.canonical);
    const bool loaded = entry.fence != nullptr;
    if (loaded && entry.fence->lease == 0) {
        // Another one loads it, or the store did not answer: kept nowhere, or for a little while.
        entry.kept = false;
        if (authority.trusted()) return LARDER_OK;
        entry.kept = put_above(*this, space, key, envelope, payload, entry.fence->at_ns) == LARDER_OK;
        return LARDER_OK;
    }
    const Stamp stamp = stamp_shared(*this, space, envelope.scopes, entry.fence, now_ns, deadline_ns);
    larder_status status = LARDER_E_IO;
    if (stamp.overtaken) {
        authority.end_load(whole, entry.fence->lease, now_ns);
        space.runtime->count(SpaceCount::fenced);
        entry.kept = false;
        return LARDER_OK;
    }
    if (loaded && entry.fence->newer) {
        authority.end_load(whole, entry.fence->lease, now_ns);
        entry.sure = stamp.good && authority.trusted() && authority.stand(stamp.numbers);
        entry.kept = entry.sure && keep_above(*this, space, key, envelope, payload, now_ns);
        return LARDER_OK;
    }
    if (entry.judged != nullptr && stamp.good && !still_stands(authority, space, *entry.judged, stamp)) return LARDER_E_CONFLICT;
    stripe(key).writes.fetch_add(1, std::memory_order_seq_cst);
    if (stamp.good && !authority.holds_key(whole)) {
        Envelope theirs = envelope;
        theirs.head.created_ns = authority.now_ms() * 1'000'000;
        theirs.binding = key.binding;
        thread_local std::string bytes;
        encode_shared(theirs, SharedStamp(stamp.digest, space.schema), entry.own, payload, bytes);
        larder_put put{};
        put.struct_size = sizeof put;
        put.version = theirs.head.id;
        put.ttl_ms = use.life_ms(theirs.head.hard_ms);
        put.value = bytes_of(bytes);
        const larder_key store_key{whole.data(), static_cast<std::uint32_t>(whole.size()), space.runtime->number, key.hash};
        if (entry.replaces) {
            put.flags |= LARDER_PUT_IF_VERSION;
            put.if_version = *entry.replaces;
        }
        if (entry.later != nullptr) {
            forget_above(space, key, now_ns);
            use.tier->begin_put(store_key, put, loaded ? entry.fence->lease : 0, now_ns, deadline_ns, *entry.later);
            return LARDER_PENDING;
        }
        if (mutant(Mutant::fill_if_absent) && loaded) put.flags |= LARDER_PUT_IF_ABSENT;
        const bool leased = loaded && !mutant(Mutant::no_lease) && !mutant(Mutant::fill_if_absent);
        status = leased ? use.tier->fill(store_key, entry.fence->lease, put, now_ns, deadline_ns) : use.tier->put(store_key, put, now_ns, deadline_ns);
        if (bytes.capacity() > (1u << 20)) std::string().swap(bytes);
    }
    stripe(key).writes.fetch_add(1, std::memory_order_seq_cst);  // what was read there before is old now
    forget_above(space, key, now_ns);
    entry.sure = status == LARDER_OK && authority.stand(stamp.numbers);
    if (status == LARDER_OK) return status;
    if (status == LARDER_E_CONFLICT && loaded) {
        space.runtime->count(SpaceCount::fenced);
        entry.kept = false;
        return LARDER_OK;
    }
    if (status == LARDER_E_CONFLICT || status == LARDER_E_TOO_LARGE || status == LARDER_E_INVALID) return status;
    // It may have got there or not: what stands there is taken away as soon as it can be.
    space.runtime->count(SpaceCount::errors);
    authority.change({}, {whole}, now_ns, deadline_ns);
    if (entry.replaces) return status;
    if (authority.trusted()) {
        // Pushes come, but nothing says that they come for all that this carries.
        entry.kept = false;
        return LARDER_OK;
    }
    // A store that answered too late leaves no time for it: then it is kept nowhere, and no error either.
    entry.kept = put_above(*this, space, key, envelope, payload, loaded ? entry.fence->at_ns : now_ns) == LARDER_OK;
    return LARDER_OK;
}

std::uint64_t Cache::Impl::begin_load(const State& s, const Space& space, const FieldedKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    return begin_copy(s, space.below != nullptr ? *space.below : space, key, now_ns, deadline_ns);
}

std::uint64_t Cache::Impl::begin_copy(const State& s, const Space& space, const FieldedKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    if (space.authority == nullptr) return 0;
    ScopeList scopes;
    entry_scopes(s, space, names, key, nullptr, 0, scopes);
    if (!space.ns->late_tags.empty()) scopes.add(names.late_of(space.ns->name));
    if (scopes.overflowed()) return 0;
    return space.authority->begin_load(space.physical(*space.authority, key.canonical), scopes.ids(), now_ns, deadline_ns);
}

void Cache::Impl::end_load(const Space& space, const EntryKey& key, std::uint64_t lease, std::uint64_t now_ns) {
    if (space.below != nullptr) return end_load(*space.below, key, lease, now_ns);
    if (lease != 0 && space.authority != nullptr) space.authority->end_load(space.physical(*space.authority, key.canonical), lease, now_ns);
}

// ---- changes

namespace {
thread_local SharedChanges* gathering = nullptr;
}

SharedChanges::SharedChanges(Cache::Impl& impl, const State& s) : impl_(impl), state_(s), outer_(gathering) {
    if (outer_ == nullptr) gathering = this;
}

SharedChanges::~SharedChanges() {
    if (outer_ == nullptr) gathering = nullptr;
}

void SharedChanges::add(ScopeId scope, bool expire) {
    if (gathering != nullptr) gathering->changes_.push_back({scope, expire});
}

void SharedChanges::remove(const Space& space, std::string_view canonical) {
    if (gathering != nullptr && space.below != nullptr) remove(*space.below, canonical);
    if (gathering != nullptr && space.authority != nullptr) gathering->keys_.emplace_back(space.authority, space.physical(*space.authority, canonical));
}

namespace {

// Changes that wait in the outbox of a far tier. Until they are there others may copy from it what they are about, under the
// nearer tier's numbers from after the change: so the nearer one's are changed once more behind them.
struct Behind {
    std::weak_ptr<Authority> far;
    std::vector<std::weak_ptr<Authority>> near;
    std::vector<std::vector<std::string>> keys;  // of each of the nearer ones
    std::vector<Authority::Change> changes;
};

void change_behind(Executor& executor, Clock& clock, const std::shared_ptr<Behind>& behind) {
    constexpr std::chrono::milliseconds pause{100};
    executor.after(pause, [&executor, &clock, behind] {
        const std::shared_ptr<Authority> far = behind->far.lock();
        if (far == nullptr) return;
        if (far->counts().outbox != 0) return change_behind(executor, clock, behind);
        executor.post(true, [&clock, behind] {
            constexpr std::uint64_t patience_ns = 5'000'000'000;
            const std::uint64_t now = clock.mono_ns();
            for (std::size_t i = 0; i < behind->near.size(); ++i)
                if (const auto near = behind->near[i].lock()) near->change(behind->changes, behind->keys[i], now, now + patience_ns);
        });
    });
}

}  // namespace

bool SharedChanges::send(std::uint64_t now_ns, std::uint64_t deadline_ns) {
    if (outer_ != nullptr) return true;
    bool sent = true;
    std::shared_ptr<Behind> behind;
    // The farthest first: what is copied from it after a nearer one has changed is judged there by what is true by then.
    for (auto at = state_.authorities.rbegin(); at != state_.authorities.rend(); ++at) {
        const auto& authority = *at;
        if (authority == nullptr) continue;
        std::vector<std::string> keys;
        for (const auto& [of, key] : keys_)
            if (of == authority.get()) keys.push_back(key);
        if (behind != nullptr) {
            behind->near.push_back(authority);
            behind->keys.push_back(keys);
        }
        if (changes_.empty() && keys.empty()) continue;
        const bool there = authority->change(changes_, std::move(keys), now_ns, deadline_ns);
        sent &= there;
        if (there || behind != nullptr) continue;
        behind = std::make_shared<Behind>();
        behind->far = authority;
        behind->changes = changes_;
    }
    if (behind != nullptr && !behind->near.empty()) change_behind(impl_.executor, impl_.clock, behind);
    changes_.clear();
    keys_.clear();
    return sent;
}

}  // namespace larder
