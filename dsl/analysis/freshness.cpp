// dsl/analysis/freshness.cpp -- the sum of all that may keep old data in sight.
#include "dsl/analysis/freshness.hpp"

#include "dsl/analysis/reach.hpp"
#include "dsl/automaton.hpp"
#include "dsl/check_draft.hpp"

#include <algorithm>
#include <deque>

namespace larder::dsl {
namespace {

constexpr Ms longest_sliding{24 *
                             3'600'000};  // of an entry that slides, unless the policy says less

Ms window_of(const Namespace& n) {
    return std::max(n.stale_while_revalidating.value_or(Ms{0}), n.stale_on_error.value_or(Ms{0}));
}

std::optional<Ms> life_of(const Namespace& n) {
    if (!n.ttl) return std::nullopt;
    Ms longest = n.ttl->ttl;
    for (const DatedTtl& d : n.ttl->dated) longest = std::max(longest, d.ttl);
    if (n.ttl->sliding) longest = n.ttl->at_most.count() != 0 ? n.ttl->at_most : longest_sliding;
    return std::max(longest, n.absent.value_or(Ms{0})) + window_of(n);
}

// Who sees the copies of a namespace's entries.
struct Copies {
    enum class Are : std::uint8_t {
        of_one_node,
        above_a_shared_store,
        untold
    } are = Are::of_one_node;
    Ms max_staleness = default_max_staleness;
};

Copies copies_of(const Namespace& n, const Catalog* catalog) {
    std::vector<std::string> tiers;
    for (const TierUse& t : n.tiers)
        if (t.enabled) tiers.push_back(t.store);
    Copies out;
    if (catalog == nullptr) {
        if (tiers.size() > 1) out.are = Copies::Are::above_a_shared_store;
        return out;
    }
    bool any_shared = false;
    for (const Catalog::Store& s : catalog->stores) {
        if (!s.shared) continue;
        any_shared = true;
        if (!n.tiers.empty() && std::find(tiers.begin(), tiers.end(), s.name) == tiers.end())
            continue;
        out.are = Copies::Are::above_a_shared_store;
        out.max_staleness = s.max_staleness.value_or(default_max_staleness);
        return out;
    }
    if (any_shared) out.are = Copies::Are::untold;
    return out;
}

// The entries of one namespace against everything that rules drop and expire.
class Reach {
  public:
    Reach(const Policy& policy, NamespaceIndex ns)
        : policy_(policy), ns_(ns), n_(policy.namespaces[ns]) {
        for (const Rule& rule : policy.rules)
            for (const Change& c : rule.changes) {
                if (!reaches(policy, c, ns)) continue;
                if (c.action == Action::expire && !expired_by_) expired_by_ = &c;
                all_ = all_ || covers_all(c);
                if (c.ns != none && (c.kind == TargetKind::key || c.kind == TargetKind::matching) &&
                    is_above(c.ns, ns_))
                    texts_.push_back(Automaton::of_text(c.text));
            }
    }

    const Change* expired_by() const { return expired_by_; }

    // Nothing: every entry. Else one that no rule drops; empty: which one is not known.
    std::optional<std::string> unreached() const {
        if (all_) return std::nullopt;
        std::vector<const Automaton*> by;
        for (const Automaton& a : texts_) by.push_back(&a);
        const Automaton keys = Automaton::of_text(n_.key->pattern());
        const Coverage coverage = not_covered(keys, by);
        if (coverage.gave_up) return std::string();
        return coverage.witness;
    }

  private:
    bool is_above(NamespaceIndex above, NamespaceIndex ns) const {
        const auto& chain = policy_.namespaces[ns].chain;
        return std::find(chain.begin(), chain.end(), above) != chain.end();
    }

    static bool contains(const Template& all, const Template& part) {
        const Automaton a = Automaton::of_text(part), b = Automaton::of_text(all);
        const Automaton* const by[] = {&b};
        const Coverage coverage = not_covered(a, by);
        return !coverage.gave_up && !coverage.witness;
    }

    bool some_tag(const std::vector<Template>& tags, const Change& c) const {
        return std::any_of(tags.begin(), tags.end(),
                           [&](const Template& t) { return contains(c.text, t); });
    }

    bool covers_all(const Change& c) const {
        const auto through = [&](const Dependency& d) {
            if (c.kind == TargetKind::namespace_) return is_above(c.ns, d.on);
            if (c.kind == TargetKind::tag) return some_tag(d.tags, c) || some_tag(d.late_tags, c);
            return c.kind == TargetKind::key && c.ns == d.on && d.key && contains(c.text, *d.key);
        };
        if (c.kind == TargetKind::everything) return true;
        if (c.kind == TargetKind::namespace_ && is_above(c.ns, ns_)) return true;
        if (c.kind == TargetKind::tag && (some_tag(n_.tags, c) || some_tag(n_.late_tags, c)))
            return true;
        return std::any_of(n_.depends.begin(), n_.depends.end(), through);
    }

    const Policy& policy_;
    NamespaceIndex ns_;
    const Namespace& n_;
    const Change* expired_by_ = nullptr;
    bool all_ = false;
    std::deque<Automaton> texts_;
};

void add_stale(const Namespace& n, std::vector<FreshnessPart>& parts, const std::string& before) {
    if (window_of(n).count() == 0) return;
    const bool error =
        n.stale_on_error.value_or(Ms{0}) >= n.stale_while_revalidating.value_or(Ms{0});
    parts.push_back(
        {window_of(n), before + (error ? "`stale on error`" : "`stale while revalidating`")});
}

void live_out(const Namespace& n, Freshness& out) {
    out.bound = out.life;
    if (!out.life) return;
    out.parts.push_back({*out.life - window_of(n), n.ttl->sliding
                                                       ? "that an entry may live, with every use"
                                                       : "that an entry lives"});
    add_stale(n, out.parts, "as stale after that: ");
}

}  // namespace

Freshness freshness_of(const Policy& policy, NamespaceIndex ns, const Catalog* catalog) {
    const Namespace& n = policy.namespaces[ns];
    const Reach reach(policy, ns);
    Freshness out;
    out.life = life_of(n);
    const auto unreached = reach.unreached();
    out.told = !unreached;
    const Copies copies = copies_of(n, catalog);
    if (unreached) out.unreached = *unreached;
    if (!out.told || copies.are == Copies::Are::untold) {
        live_out(n, out);
        return out;
    }
    if (copies.are == Copies::Are::above_a_shared_store) {
        out.parts.push_back(
            {copies.max_staleness, "until every node is told, or knows that it is not"});
        add_stale(n, out.parts, "as stale after that: ");
    } else if (reach.expired_by() != nullptr && window_of(n).count() != 0) {
        add_stale(n, out.parts, "after " + reach.expired_by()->where.text() + " expired it, by ");
    }
    Ms sum{0};
    for (const FreshnessPart& p : out.parts) sum += p.time;
    if (out.life && sum > *out.life) {
        out.parts.clear();
        live_out(n, out);
        return out;
    }
    out.bound = sum;
    return out;
}

std::string sum_of(const Freshness& f) {
    if (!f.bound) return "nothing ends an entry: it has no ttl";
    std::string out;
    for (const FreshnessPart& p : f.parts)
        out += (out.empty() ? "" : " + ") + spoken(p.time) + " " + p.why;
    if (f.parts.empty()) return "it is gone when the call returns";
    return f.parts.size() == 1 ? out : out + " = " + spoken(*f.bound);
}

}  // namespace larder::dsl
