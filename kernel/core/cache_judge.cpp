// kernel/core/cache_judge.cpp -- the verdict on an entry: gone, stale or live.
//
// One rule for the long form, the short one of memory and what is read from a shared store: what time
// says, then the records of its scopes, then bans. Where an entry carries a mark, records are looked at
// once for each epoch.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/mutant.hpp"

#include <algorithm>

namespace larder {
namespace {

// What time says of an entry; `gone` or live. stale_since_ns: 0 while it is fresh.
Verdict judge_age(const EnvelopeHead& head, std::uint64_t now_ns, std::uint64_t& stale_since_ns) {
    const std::uint64_t age_ms = head.age_ms(now_ns);
    if (head.hard_ms != 0 && age_ms >= head.hard_ms) return Verdict::gone;
    stale_since_ns = head.soft_ms != 0 && age_ms >= head.soft_ms ? head.created_ns + head.soft_ms * 1'000'000 : 0;
    return Verdict::live;
}

void expired_at(std::uint64_t at_ns, std::uint64_t& stale_since_ns) {
    if (stale_since_ns == 0 || at_ns < stale_since_ns) stale_since_ns = std::max<std::uint64_t>(at_ns, 1);
}

Verdict fresh_or_stale(std::uint64_t stale_since_ns) { return stale_since_ns == 0 ? Verdict::live : Verdict::stale; }

}  // namespace

Verdict Cache::Impl::judge(const Space& space, const EntryKey& key, const Tier& tier, larder_bytes bytes,
                           std::uint64_t now_ns, std::uint64_t epoch, EnvelopeView& entry, std::uint64_t& stale_since_ns) {
    return tier.headed() ? judge_headed(space, key, bytes, now_ns, epoch, entry, stale_since_ns)
                         : judge_long(space, key, tier, bytes, now_ns, entry, stale_since_ns);
}

Verdict Cache::Impl::judge_long(const Space& space, const EntryKey& key, const Tier& tier, larder_bytes bytes,
                                std::uint64_t now_ns, EnvelopeView& entry, std::uint64_t& stale_since_ns) {
    const bool foreign = tier.foreign();
    if (EnvelopeView::open(bytes, foreign, foreign, entry) != EnvelopeView::Verdict::good) return Verdict::damaged;
    if (entry.binding() != key.binding) return Verdict::damaged;
    if (entry.schema() != space.schema || !space.takes(entry.head().version)) return Verdict::gone;
    if (judge_age(entry.head(), now_ns, stale_since_ns) == Verdict::gone) return Verdict::gone;
    if (tier.unremoved().gone(key.binding, entry.head().created_ns)) return Verdict::gone;

    const Digest digest = read_scopes(records, entry);
    if (!digest.complete || digest.drop != entry.drop_digest()) return Verdict::gone;
    if (digest.expire != entry.expire_digest()) expired_at(digest.expired_at_ns, stale_since_ns);
    if (bans.epoch() != entry.ban_epoch()) return Verdict::gone;
    if (bans.number() != entry.ban_number()) {
        std::uint64_t at = 0;
        switch (bans.judge(space.runtime->number, key.canonical, entry.ban_number(), &at)) {
            case BanLog::Verdict::dropped: return Verdict::gone;
            case BanLog::Verdict::expired: expired_at(at, stale_since_ns); break;
            case BanLog::Verdict::clear: break;
        }
    }
    return fresh_or_stale(stale_since_ns);
}

bool Cache::Impl::untouched_since(std::uint64_t epoch, const Space& space, const EntryKey& key, std::span<const ScopeId> own) const noexcept {
    return space.runtime->changed.load(std::memory_order_acquire) <= epoch &&
           stripe(key).changed.load(std::memory_order_acquire) <= epoch &&
           std::all_of(own.begin(), own.end(), [&](ScopeId scope) { return records.last_change(scope) <= epoch; });
}

bool Cache::Impl::overtaken(const FencePoint& point, const Space& space, const EntryKey& key, std::span<const ScopeId> scopes) const {
    const auto changed = [&](ScopeId scope) {
        if (records.last_change(scope) <= point.epoch) return false;
        Record record;
        return (records.find(scope, record) ? record.changed : records.forgotten()) > point.epoch;
    };
    if (std::any_of(scopes.begin(), scopes.end(), changed) || changed(names.key(space.ns->name, key.canonical))) return true;
    std::uint64_t at = 0;
    return bans.number() != point.ban_number &&
           bans.judge(space.runtime->number, key.canonical, point.ban_number, &at) != BanLog::Verdict::clear;
}

Verdict Cache::Impl::judge_headed(const Space& space, const EntryKey& key, larder_bytes bytes, std::uint64_t now_ns,
                                  std::uint64_t epoch, EnvelopeView& entry, std::uint64_t& stale_since_ns) {
    if (!EnvelopeView::open_headed(bytes, key.hash, entry)) return Verdict::damaged;
    const EnvelopeHead& head = entry.head();
    if (HeadedWords(bytes.data).mark().generation() != space.generation || !space.takes(head.version)) return Verdict::gone;
    if (judge_age(head, now_ns, stale_since_ns) == Verdict::gone) return Verdict::gone;
    const std::uint64_t mark = head.mark;
    if (mark == epoch || untouched_since(mark, space, key, entry.scopes())) [[likely]] return fresh_or_stale(stale_since_ns);

    // Doubts first: one that ends while this goes on has changed the records before, and those are read after it.
    const std::span<const ScopeId> own = entry.scopes();
    if (space.authority != nullptr && (space.authority->doubts(space.chain) || space.authority->doubts(own))) return Verdict::gone;

    bool by_rule = false;
    const auto dropped = [&](ScopeId scope) {
        Record record;
        if (!records.find(scope, record)) return records.forgotten() > mark;
        if (record.dropped > mark) {
            if (!mutant(Mutant::stale_after_drop)) return true;
            expired_at(now_ns, stale_since_ns);
            by_rule = true;
        }
        if (record.changed > mark) {
            expired_at(record.expired_at_ns, stale_since_ns);
            by_rule = true;
        }
        return false;
    };
    if (std::any_of(space.chain.begin(), space.chain.end(), dropped) || std::any_of(own.begin(), own.end(), dropped) ||
        dropped(names.key(space.ns->name, key.canonical)))
        return Verdict::gone;
    std::uint64_t at = 0;
    switch (bans.judge_after(space.runtime->number, key.canonical, mark, &at)) {
        case BanLog::Verdict::dropped: return Verdict::gone;
        case BanLog::Verdict::expired:
            expired_at(at, stale_since_ns);
            by_rule = true;
            break;
        case BanLog::Verdict::clear: break;
    }
    if (space.suspect != 0) {
        Record record;
        const bool there = records.find(space.suspect, record);
        if (there ? record.changed > mark : records.forgotten() > mark) {
            expired_at(there ? record.expired_at_ns : now_ns, stale_since_ns);
            by_rule = true;
        }
    }
    // Only what no rule has expired is verified for good at this epoch.
    if (!by_rule) entry.store_mark(epoch);
    return fresh_or_stale(stale_since_ns);
}

}  // namespace larder
