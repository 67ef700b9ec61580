// kernel/core/cache_far.cpp -- a tier behind the shared one: the database behind Redis, behind memory.
//
// Where two tiers of a namespace have records of their own, the last is where its entries are, and what is before it are
// copies: of memory those, of a shared store these. So entries are judged where they lie, each by the records of its own
// store, and nothing that one store forgets makes another wrong.
//
//   write   the far tier; then copies are taken away, with the leases of who is about to make some
//   read    copies first; a miss becomes a load as any other, which looks there before it asks a source
//   copy    lease and numbers of the nearer tier, then the look, with the far one's numbers as they are in force by then, then
//           the fill by that lease: who wrote meanwhile has taken the lease away, and who dropped has changed the numbers
//   drop    records of both, the far one's first; or a copy of what is dropped could be made in between
//
// Of writers it is the far tier that knows the order, so that two nodes cannot leave another one here than there. Where it
// cannot be reached a load goes to its callers and is kept nowhere, and what is written is kept in the nearer tier; a drop that
// waits for it is repeated in the nearer one when it has come there; what
// lies in the far one is taken away as soon as it is back (the outbox of authority.hpp).
//
// The price: a write costs a round trip to each of the two, and its entry is copied at its next read.
#include "kernel/core/cache_impl.hpp"

#include <algorithm>

namespace larder {

void Cache::Impl::join_far(State& next) {
    for (Space& space : next.spaces) {
        if (space.below == nullptr || space.source != nullptr || !space.keeps_entries()) continue;
        SourceHandle nothing_more;
        nothing_more.name = space.below->tiers.front().tier->store().name;
        nothing_more.load = [](const SourceAsk&) { return Loaded{LARDER_MISS, {}, 0, {}}; };
        auto use = std::make_shared<SourceUse>();
        use->run = std::make_shared<SourceRun>(std::move(nothing_more));
        use->ns = space.runtime->number;
        use->space = space.ns->name;
        use->key = *space.ns->key;
        use->ttl_ms = space.ttl.count();
        use->far_only = true;
        space.source = std::move(use);
        sourced.store(true, std::memory_order_relaxed);
    }
}

void Cache::Impl::forget_copies(const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    stripe(key).writes.fetch_add(1, std::memory_order_seq_cst);
    space.authority->change({}, {space.physical(*space.authority, key.canonical)}, now_ns, deadline_ns);
    forget_above(space, key, now_ns);
}

larder_status Cache::Impl::write_far(const State& s, const Space& space, const FieldedKey& key, NewEntry& entry, std::uint64_t now_ns,
                                     std::uint64_t deadline_ns) {
    NewEntry far = entry;
    far.later = nullptr;
    const larder_status status = write_near(s, *space.below, key, far, now_ns, deadline_ns);
    entry.id = far.id;
    entry.kept = far.kept;
    entry.sure = far.sure;
    // A load fills copies by the lease that it took for them; nobody else's is in the way.
    if (entry.fence != nullptr && far.sure) return status;
    forget_copies(space, key, now_ns, deadline_ns);
    const bool unreachable = status == LARDER_OK && !far.kept && entry.fence == nullptr;
    if (!unreachable || entry.replaces) return status;
    NewEntry near = entry;
    near.kept = true;
    const larder_status here = write_near(s, space, key, near, now_ns, deadline_ns);
    entry.id = near.id;
    entry.kept = near.kept;
    return here;
}

bool Cache::Impl::get_far(larder_cache_get& item, std::uint64_t deadline_ns) {
    const ReadGuard guard;
    const State& s = *state.get();
    EntryKey key;
    const Space* const space = s.space(item.ns);
    if (space == nullptr || space->below == nullptr || begin_item(s, item, key) == nullptr) return false;
    const Space& far = *space->below;
    const std::uint64_t now = clock.mono_ns();
    std::uint64_t id = 0;
    Found found = present_shared(s, far, key, now, deadline_ns, id, item.status);
    if (item.status < 0) return true;
    item.status = LARDER_MISS;
    if (found.any()) fill_item_here(s, far, key, found, LARDER_CALL_PEEK, now, item);
    return true;
}

std::optional<Loaded> Cache::Impl::load_far(const State& s, const Space& space, const FieldedKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns,
                                            std::uint64_t& id) {
    const Space& far = *space.below;
    larder_status asked = LARDER_MISS;
    Found found = present_shared(s, far, key, now_ns, deadline_ns, id, asked);
    if (found.verdict != Verdict::live || found.replaces != 0) return std::nullopt;
    // It was judged by numbers that this node knows, and the nearer tier's may be newer than those: what was dropped would be
    // copied under numbers from after the drop. So once more, by those that are in force now.
    Digest digest;
    const auto numbers = far.authority->numbers_of(found.scopes, true, now_ns, deadline_ns);
    if (numbers.size() != found.scopes.size()) return std::nullopt;
    for (const auto& [scope, n] : numbers) add_numbers(digest, scope, n.drop, n.expire);
    if (!(SharedStamp(digest, far.schema) == found.stamp)) return std::nullopt;
    std::vector<std::pair<std::string_view, std::string_view>> with;
    found.entry.with(with);
    Loaded out;
    for (const auto& [name, value] : with) out.with.emplace_back(name, value);
    out.ttl_ms = ttl_left(found.entry.head(), now_ns);
    id = found.entry.head().id;
    larder_cache_get item{};
    fill_item_here(s, far, key, found, LARDER_CALL_PEEK, now_ns, item);
    const Pinned value(item.value);
    if (item.status != LARDER_OK) return std::nullopt;
    out.value = std::string(static_cast<const char*>(value.bytes().data), value.bytes().size);
    return out;
}

}  // namespace larder
