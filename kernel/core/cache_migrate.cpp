// kernel/core/cache_migrate.cpp -- entries of an older version: migrated at their first read, written back once.
//
// What was found becomes an entry of the present version, in the form its tier keeps, with the life, the
// scopes and the stamp it had: it is neither younger nor valid for longer than what it was made of. Its id
// follows from the old one, so every node that migrates the same entry makes the same, and whoever reads
// before it is written back and writes after it finds the id it was given. It is put only over the entry it
// was made of: of two nodes that migrate it one writes, and a newer value is never overwritten.
#include "kernel/core/cache_impl.hpp"

namespace larder {
namespace {

// The low bits of an id of memory are a count; those of other tiers are random.
std::uint64_t migrated_id(const Space& space, std::uint64_t id, std::uint32_t version) {
    const std::uint64_t mixed = (id ^ version) * 0x9E3779B97F4A7C15ULL;
    const std::uint64_t other = mixed ^ mixed >> 29;
    if (!space.all_headed) return other | 1;
    constexpr std::uint64_t count = 0xffffff;
    const std::uint64_t low = (other ^ id) & count;
    return (id & ~count) | (low == (id & count) ? low ^ 1 : low);
}

bool is_shared(const Space& space, const Found& found) { return space.authority != nullptr && found.tier == space.authority_tier; }

// An entry that was found, to be written again as it is. What `found` views outlives this.
struct Again {
    Again(const Space& space, const EntryKey& key, const Found& found) {
        const EnvelopeView& entry = found.entry;
        envelope.head = entry.head();
        envelope.dictionary = entry.dictionary();
        envelope.cost_us = entry.cost_us();
        envelope.binding = key.binding;
        if (!is_shared(space, found)) {
            for (const ScopeId scope : space.chain) scopes.add(scope);
            if (!space.tiers[found.tier].tier->headed()) {
                envelope.schema = entry.schema();
                envelope.drop_digest = entry.drop_digest();
                envelope.expire_digest = entry.expire_digest();
                envelope.ban_epoch = entry.ban_epoch();
                envelope.ban_number = entry.ban_number();
            }
        }
        for (std::size_t i = 0; i < entry.head().scopes; ++i) scopes.add(entry.scope(i));
        entry.with(with);
        envelope.scopes = scopes.ids();
        envelope.with = with;
    }
    Again(const Again&) = delete;
    Again& operator=(const Again&) = delete;

    ScopeList scopes;
    std::vector<std::pair<std::string_view, std::string_view>> with;
    Envelope envelope;
};

// A shared store's entries say when they were born by its clock.
std::uint64_t born_there(const Space& space, const EnvelopeHead& head, std::uint64_t now_ns) {
    const std::uint64_t theirs_ms = space.authority->now_ms(), age_ms = head.age_ms(now_ns);
    return (theirs_ms - std::min(theirs_ms, age_ms)) * 1'000'000;
}

}  // namespace

bool Cache::Impl::migrate(const Space& space, const EntryKey& key, Found& found) {
    const EnvelopeHead was = found.entry.head();
    const std::uint32_t version = space.ns->version;
    larder_value taken{};
    const bool absent = (was.flags & envelope_absent) != 0;
    const larder_status read = absent ? larder_status{LARDER_OK} : take_value(*state.get(), space, key, found, taken);
    if (read == LARDER_PENDING) return true;
    if (read != LARDER_OK) return false;
    // Where the value was stored as it is, this now holds what found.entry views.
    const Pinned value(taken);
    std::string made;
    larder_status status = LARDER_OK;
    const std::uint64_t began = clock.fine_ns();
    if (!absent) status = migrations.run(*space.ns, space.ns->key->raw(key.canonical), was.version, view(value.bytes()), made);
    if (status == LARDER_OK && made.size() > space.max_bytes) status = LARDER_E_TOO_LARGE;
    space.runtime->migrations.add(clock.fine_ns() - began);
    if (status != LARDER_OK) {
        space.runtime->count(SpaceCount::unmigrated);
        // The first of many, and one in a thousand of them.
        constexpr std::uint64_t told_every = 1024;
        if (space.runtime->total(SpaceCount::unmigrated) % told_every == 1)
            events.add(clock.wall_ms(), LARDER_LOG_WARN, "migrate",
                       "a value of version " + std::to_string(was.version) + " of " + space.ns->name + " is a miss: " +
                           (status == LARDER_MISS ? "no migration leads to version " + std::to_string(version)
                                                  : "its migration to version " + std::to_string(version) + " failed with status " + std::to_string(status)));
        return false;
    }
    space.runtime->count(SpaceCount::migrated);
    {
        const std::lock_guard lock(space.runtime->migrated_mutex);
        ++space.runtime->migrated_from[was.version];
    }

    Again again(space, key, found);
    EnvelopeHead& head = again.envelope.head;
    head.version = static_cast<std::uint16_t>(version);
    head.id = migrated_id(space, was.id, version);
    const Packed packed = absent ? Packed{} : pack(space, made);
    head.codec = packed.codec;
    again.envelope.dictionary = packed.dictionary;
    head.raw_size = static_cast<std::uint32_t>(made.size());
    const std::string_view payload = packed.codec != 0 ? packed.bytes : std::string_view(made);
    head.stored_size = static_cast<std::uint32_t>(payload.size());

    std::string bytes;
    EnvelopeView entry;
    bool good = false;
    if (is_shared(space, found)) {
        encode_shared(again.envelope, found.stamp, again.scopes.ids(), payload, bytes);
    } else if (space.tiers[found.tier].tier->headed()) {
        // Its ends are written down: the store's deadline, which would say them, is not in these bytes.
        encode_headed(again.envelope, again.envelope.scopes.subspan(space.chain.size()), key.hash, space.generation, true, UINT64_MAX, payload, bytes);
    } else {
        encode_envelope(again.envelope, payload, bytes);
    }
    Pinned kept(owned_value(std::move(bytes)));
    if (is_shared(space, found)) {
        SharedStamp same;
        good = open_shared(kept.bytes(), key.binding, false, entry, same) == EnvelopeView::Verdict::good;
        entry.set_created(was.created_ns);
    } else if (space.tiers[found.tier].tier->headed()) {
        good = EnvelopeView::open_headed(kept.bytes(), key.hash, entry);
    } else {
        good = EnvelopeView::open(kept.bytes(), false, false, entry) == EnvelopeView::Verdict::good;
    }
    if (!good) return false;
    found.value = std::move(kept);
    found.entry = entry;
    found.replaces = was.id;
    found.was_version = was.version;
    return true;
}

Found Cache::Impl::readable(const Space& space, const EntryKey& key, Found found) {
    for (int turn = 0; turn < 2; ++turn) {
        if (!bring_up(space, key, found)) return {};
        if (found.entry.head().version == space.ns->version) return found;
        fetch_dictionaries(space);
    }
    return {};
}

void Cache::Impl::write_back(const Space& space, const EntryKey& key, const Found& found, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    // Who else writes leaves something newer. No waiting: this is a read.
    const std::unique_lock lock(stripe(key).mutex, std::try_to_lock);
    if (!lock) return;
    const Again again(space, key, found);
    put_in(space.tiers[found.tier], space, key, again.envelope, found.entry.payload(), LARDER_PUT_IF_VERSION, now_ns, deadline_ns, found.replaces);
}

// This may be the store's own thread, which must not wait for itself.
void Cache::Impl::write_back_shared(const Space& space, const EntryKey& key, const Found& found) {
    const std::uint64_t now_ns = clock.mono_ns();
    const Again again(space, key, found);
    Envelope theirs = again.envelope;
    theirs.head.created_ns = born_there(space, theirs.head, now_ns);
    struct Order {
        std::uint32_t ns;
        std::string canonical, bytes;
        std::uint64_t id, over, left_ms;
    };
    auto order = std::make_shared<Order>();
    order->ns = space.runtime->number;
    order->canonical = key.canonical;
    order->id = theirs.head.id;
    order->over = found.replaces;
    const std::uint64_t age_ms = again.envelope.head.age_ms(now_ns), hard_ms = theirs.head.hard_ms;
    order->left_ms = hard_ms == 0 ? 0 : hard_ms - std::min(age_ms, hard_ms - 1);
    encode_shared(theirs, found.stamp, again.scopes.ids(), found.entry.payload(), order->bytes);
    executor.post(true, [this, order] {
        const ReadGuard guard;
        const Space* const there = state.get()->space(order->ns);
        EntryKey same;
        if (there == nullptr || there->authority == nullptr || !make_canonical_key(*there, names, order->canonical, same)) return;
        const SpaceTier& use = there->tiers[there->authority_tier];
        const std::string whole = there->physical(*there->authority, order->canonical);
        const std::uint64_t then_ns = clock.mono_ns();
        larder_put put{};
        put.struct_size = sizeof put;
        put.flags = LARDER_PUT_IF_VERSION;
        put.version = order->id;
        put.if_version = order->over;
        put.ttl_ms = use.life_ms(order->left_ms);
        put.value = bytes_of(order->bytes);
        const larder_key store_key{whole.data(), static_cast<std::uint32_t>(whole.size()), there->runtime->number, same.hash};
        if (!there->authority->holds_key(whole)) use.tier->put(store_key, put, then_ns, deadline(nullptr, then_ns));
    });
}

void Cache::set_migration(std::string_view ns, std::uint32_t from, std::uint32_t to, Migrate fn) {
    impl_->migrations.set(ns, from, to, std::move(fn));
}

}  // namespace larder
