// kernel/core/cache_rehearse.cpp -- what an invalidation would change, without doing it.
//
// An entry goes when one of the scopes it carries changes. So the orders are turned into the set of
// scopes they would change, and a bounded walk over the memory of this process asks each valid entry
// whether it carries one. The count is `exact` when every entry was looked at and nobody else keeps any;
// `at least` when a shared store holds entries that no node of its own can count; `about` when the walk
// ended early and the rest was estimated from it.
#include "dsl/pattern.hpp"
#include "kernel/core/cache_impl.hpp"

#include <algorithm>
#include <unordered_set>

namespace larder {
namespace {

constexpr std::size_t most_looked_at = 200'000, most_samples = 10;
constexpr std::uint64_t most_ns = 250'000'000;

struct Pattern {
    dsl::NamespaceIndex ns = dsl::none;
    std::string glob;
};

struct Reach {
    std::unordered_set<ScopeId> scopes;
    std::vector<Pattern> bans;
};

void add_matching(Cache::Impl& impl, const State& s, const ChangeOrder& order, Reach& out) {
    const dsl::Namespace& target = s.policy->namespaces[order.ns];
    const bool declared = order.pattern != dsl::none && order.pattern < target.patterns.size() && target.patterns[order.pattern].bounded();
    const std::string shape = declared ? target.patterns[order.pattern].shape() : std::string();
    for (const dsl::NamespaceIndex i : s.policy->under(order.ns)) {
        const Space& space = s.spaces[i];
        const dsl::Namespace& ns = *space.ns;
        if (declared) {
            if (std::none_of(ns.patterns.begin(), ns.patterns.end(), [&](const dsl::Pattern& one) { return one.shape() == shape; })) continue;
            out.scopes.insert(impl.names.pattern(ns.name, shape, order.tuple));
            out.scopes.insert(impl.names.overflow(ns.name, shape));
        } else if (!space.keeps_entries()) {
            continue;
        } else if (space.authority != nullptr) {
            out.scopes.insert(impl.names.namespace_(ns.name));
        } else {
            out.bans.push_back({i, order.text});
            out.scopes.insert(impl.names.bans_of(ns.name));
        }
        if (ns.has_any_dependents) out.scopes.insert(impl.names.any_of(ns.name));
    }
}

void add_tag(Cache::Impl& impl, const State& s, const std::string& text, Reach& out) {
    out.scopes.insert(impl.names.tag(text));
    for (const Space& space : s.spaces) {
        const auto could = [&](const std::vector<dsl::Template>& tags) {
            return std::any_of(tags.begin(), tags.end(), [&](const dsl::Template& tag) { return tag.could_make(text); });
        };
        const bool late = could(space.ns->late_tags);
        if (late) out.scopes.insert(impl.names.late_of(space.ns->name));
        if (space.ns->has_any_dependents && (late || could(space.ns->tags))) out.scopes.insert(impl.names.any_of(space.ns->name));
    }
}

Reach reach_of(Cache::Impl& impl, const State& s, const std::vector<ChangeOrder>& orders) {
    Reach out;
    for (const ChangeOrder& order : orders) {
        switch (order.kind) {
            case dsl::TargetKind::everything: out.scopes.insert(impl.names.root()); break;
            case dsl::TargetKind::namespace_: out.scopes.insert(impl.names.namespace_(s.policy->namespaces[order.ns].name)); break;
            case dsl::TargetKind::key: {
                const dsl::Namespace& ns = s.policy->namespaces[order.ns];
                out.scopes.insert(impl.names.key(ns.name, order.text));
                if (ns.has_any_dependents) out.scopes.insert(impl.names.any_of(ns.name));
                break;
            }
            case dsl::TargetKind::tag: add_tag(impl, s, order.text, out); break;
            case dsl::TargetKind::matching: add_matching(impl, s, order, out); break;
        }
    }
    return out;
}

class Walk {
  public:
    Walk(Cache::Impl& impl, const State& s, const Reach& reach) : impl_(impl), state_(s), reach_(reach), began_ns_(impl.clock.fine_ns()) {}

    void run(Receipt& receipt) {
        for (const Space& space : state_.spaces)
            if (space.keeps_entries()) receipt.shares.push_back(look_at(space));
        receipt.entries = found_;
        receipt.counted = !whole_ ? "about" : shared_ ? "at least" : "exact";
        if (!whole_ && looked_ > 0)
            receipt.entries = static_cast<std::uint64_t>(static_cast<double>(found_) * static_cast<double>(found_in_all_) / static_cast<double>(looked_));
        receipt.samples = std::move(samples_);
    }

  private:
    SpaceShare look_at(const Space& space) {
        SpaceShare share;
        share.name = space.ns->name;
        share.all = reaches_all(space);
        share.unseen = space.authority != nullptr;
        share.touched = share.all || could_reach(space);
        if (share.unseen && share.touched) shared_ = true;
        seen_.clear();
        live_ = 0;
        std::size_t walked = 0;
        std::uint64_t kept = 0;
        const std::uint64_t looked_before = looked_, found_before = found_;
        bool whole = true;
        for (const SpaceTier& use : space.tiers) {
            const std::uint64_t entries = use.tier->foreign() ? 0 : use.tier->stats(space.runtime->shelf).entries;
            found_in_all_ += entries;
            kept += entries;
            if (use.tier->foreign() || !use.tier->has(LARDER_STORE_CAP_SCAN)) continue;
            ++walked;
            std::uint64_t cursor = 0;
            do {
                if (looked_ >= most_looked_at || impl_.clock.fine_ns() - began_ns_ > most_ns) {
                    whole = false;
                    break;
                }
                step(space, *use.tier, cursor, space.tiers.size() > 1);
            } while (cursor != 0);
        }
        if (walked == 0 && space.authority == nullptr) whole = false;  // a store that cannot be walked
        share.live = live_;
        share.goes = found_ - found_before;
        share.counted = !whole ? Counted::about : share.unseen ? Counted::at_least : Counted::exact;
        if (!whole) {
            whole_ = false;
            estimate(share, kept, looked_ - looked_before);
        }
        return share;
    }

    // What was not looked at is as what was: of this namespace, else of those before it.
    void estimate(SpaceShare& share, std::uint64_t kept, std::uint64_t looked) const {
        if (looked > 0) {
            const double more = static_cast<double>(kept) / static_cast<double>(looked);
            share.live = static_cast<std::uint64_t>(static_cast<double>(share.live) * more);
            share.goes = static_cast<std::uint64_t>(static_cast<double>(share.goes) * more);
            return;
        }
        const double part = looked_ == 0 ? 1 : static_cast<double>(found_) / static_cast<double>(looked_);
        share.live = kept;
        share.goes = share.all ? kept : static_cast<std::uint64_t>(static_cast<double>(kept) * part);
    }

    bool reaches_all(const Space& space) const {
        return std::any_of(space.chain.begin(), space.chain.end(), [&](ScopeId scope) { return reach_.scopes.contains(scope); });
    }
    // Whether some entry of a shared namespace may carry one of the scopes: what it keeps nobody counts.
    bool could_reach(const Space& space) const {
        return !space.ns->tags.empty() || !space.ns->late_tags.empty() || !space.ns->patterns.empty() || !space.ns->depends.empty() || reaches_all(space);
    }

    void step(const Space& space, Tier& tier, std::uint64_t& cursor, bool copies) {
        std::vector<std::string> keys;
        larder_scan walk{};
        walk.struct_size = sizeof walk;
        walk.ns = space.runtime->shelf;
        walk.cursor = cursor;
        walk.count = 512;
        walk.ctx = &keys;
        walk.on_key = [](void* ctx, const larder_key* key, std::uint64_t, std::int64_t) noexcept -> std::int32_t {
            static_cast<std::vector<std::string>*>(ctx)->emplace_back(key->data, key->size);
            return 0;
        };
        cursor = tier.scan(walk, 0) == LARDER_OK ? walk.cursor : 0;
        for (std::string& key : keys) {
            ++looked_;
            bool live = false;
            const bool gone = goes(space, tier, key, live);
            if (!live || (copies && !seen_.insert(key).second)) continue;
            ++live_;
            if (!gone) continue;
            ++found_;
            if (samples_.size() < most_samples) samples_.push_back(space.ns->name + ":" + space.ns->key->raw(key));
        }
    }

    bool goes(const Space& space, Tier& tier, const std::string& canonical, bool& live) {
        EntryKey key;
        if (!make_canonical_key(space, impl_.names, canonical, key)) return false;
        const std::uint64_t now = impl_.clock.mono_ns();
        Pinned value;
        if (tier.get(key.store_key(space.runtime->shelf), LARDER_CALL_PEEK, now, 0, value) != LARDER_OK) return false;
        EnvelopeView entry;
        std::uint64_t since = 0;
        const Verdict verdict = impl_.judge(space, key, tier, value.bytes(), now, impl_.records.epoch(), entry, since);
        live = verdict == Verdict::live || verdict == Verdict::stale;
        if (!live) return false;
        const auto changes = [&](ScopeId scope) { return reach_.scopes.contains(scope); };
        const auto own = entry.scopes();
        if (std::any_of(space.chain.begin(), space.chain.end(), changes) || std::any_of(own.begin(), own.end(), changes) ||
            changes(impl_.names.key(space.ns->name, key.canonical)))
            return true;
        return std::any_of(reach_.bans.begin(), reach_.bans.end(), [&](const Pattern& ban) {
            return ban.ns == space.index && dsl::glob_match(ban.glob, canonical);
        });
    }

    Cache::Impl& impl_;
    const State& state_;
    const Reach& reach_;
    const std::uint64_t began_ns_;
    std::unordered_set<std::string> seen_;  // of one namespace, where several tiers hold copies
    std::vector<std::string> samples_;
    std::uint64_t found_ = 0, looked_ = 0, found_in_all_ = 0, live_ = 0;
    bool whole_ = true, shared_ = false;
};

}  // namespace

void Cache::Impl::rehearse(const State& s, const std::vector<ChangeOrder>& orders, Receipt& receipt) {
    const Reach reach = reach_of(*this, s, orders);
    Walk(*this, s, reach).run(receipt);
    for (const ChangeOrder& order : orders) {
        switch (order.action) {
            case dsl::Action::drop: ++receipt.dropped; break;
            case dsl::Action::expire: ++receipt.expired; break;
            case dsl::Action::refresh: ++receipt.refreshed; break;
        }
        receipt.lines.push_back(order.shown);
    }
}

bool Cache::Impl::is_single(const State& s, const std::vector<ChangeOrder>& orders) const {
    return std::all_of(orders.begin(), orders.end(), [&](const ChangeOrder& order) {
        return order.kind == dsl::TargetKind::key && !s.policy->namespaces[order.ns].has_dependents &&
               !s.policy->namespaces[order.ns].has_any_dependents && s.on_drop[order.ns].empty();
    });
}

std::vector<GuardBreach> Cache::Impl::judge_guards(const State& s, const std::vector<ChangeOrder>& orders, const Cause& cause, Receipt& counts) {
    const auto& guards = s.policy->guards.shares;
    const bool any = std::any_of(guards.begin(), guards.end(), [](const dsl::ShareGuard& one) { return one.of == dsl::ShareGuard::Of::drop; });
    if (!any || is_single(s, orders)) return {};
    counts.rehearsal = true;
    std::vector<ChangeOrder> copies = orders;
    carry_out(s, copies, cause, counts);
    return breaches_of(*s.policy, dsl::ShareGuard::Of::drop, counts.shares);
}

std::vector<GuardBreach> Cache::Impl::judge_guards_of_tier(const State& s, std::string_view store) {
    std::vector<SpaceShare> shares = holdings(s);
    for (SpaceShare& share : shares) {
        const Space& space = s.spaces[*s.policy->find(share.name)];
        // Copies that another tier has are as valid as before.
        share.all = space.tiers.size() == 1 && space.tiers.front().tier->store().name == store;
        share.touched = share.all;
        share.goes = share.all ? share.live : 0;
    }
    return breaches_of(*s.policy, dsl::ShareGuard::Of::drop, shares);
}

std::vector<SpaceShare> Cache::Impl::holdings(const State& s) {
    Receipt receipt;
    Reach all;
    all.scopes.insert(names.root());
    Walk(*this, s, all).run(receipt);
    return std::move(receipt.shares);
}

std::vector<SpaceShare> Cache::holdings() const {
    const ReadGuard guard;
    return impl_->holdings(*impl_->state.get());
}

}  // namespace larder
