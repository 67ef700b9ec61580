// kernel/api/policy_plan.cpp -- what a new policy would do to a kernel that runs.
#include "kernel/api/policy_plan.hpp"

#include "dsl/analysis/reach.hpp"
#include "kernel/api/guard_watch.hpp"
#include "kernel/api/policy_changes.hpp"
#include "kernel/api/policy_texts.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace larder::api {
namespace {

const SpaceShare* held_of(std::span<const SpaceShare> held, std::string_view name) {
    for (const SpaceShare& one : held)
        if (one.name == name) return &one;
    return nullptr;
}

// Entries that are put from now on.
void add_lifetime(const dsl::Policy& before, const dsl::Policy& after, SpaceEffect& out) {
    const auto was = before.find(out.name), is = after.find(out.name);
    if (!was || !is) return;
    const auto &a = before.namespaces[*was].ttl, &b = after.namespaces[*is].ttl;
    const auto text = [](const std::optional<dsl::Ttl>& ttl) { return ttl ? duration_text(ttl->ttl) : std::string("no end"); };
    if ((a ? a->ttl.count() : 0) == (b ? b->ttl.count() : 0)) return;
    const bool shorter = b && (!a || b->ttl < a->ttl);
    out.reasons.push_back(std::string("new entries live ") + (shorter ? "shorter: " : "longer: ") + text(a) + " -> " + text(b));
}

class Planner {
  public:
    Planner(const dsl::Policy& before, const dsl::Policy& after, std::span<const SpaceShare> held, PolicyPlan& out)
        : before_(before), after_(after), held_(held), out_(out) {}

    void run() {
        for (const SpaceShare& one : held_) {
            out_.kept += one.live;
            out_.counted = std::max(out_.counted, one.counted);
        }
        for (const dsl::ItemDifference& item : out_.difference.items)
            if (item.kind == "namespace") take(item);
        judge();
        for (const dsl::RequestDifference& one : out_.difference.requests) reach(one.won);
        for (const dsl::EventDifference& one : out_.difference.events) reach(one.won);
        for (const dsl::DropDifference& one : out_.difference.drops) reach(one.won);
        for (const dsl::Alert& one : watches_of(before_, after_)) out_.watches.push_back(one.text + " for " + duration_text(one.hold));
    }

  private:
    void take(const dsl::ItemDifference& item) {
        const SpaceShare* const held = held_of(held_, item.name);
        SpaceEffect effect;
        effect.name = item.name;
        effect.unreadable = item.cold;
        effect.reasons = item.consequences;
        if (held != nullptr) {
            effect.entries = held->live;
            effect.counted = held->counted;
            effect.unseen = held->unseen;
        }
        if (item.fate == dsl::Fate::changed) add_lifetime(before_, after_, effect);
        if (effect.unreadable) out_.unreadable += effect.entries;
        if (!effect.reasons.empty() || effect.unreadable) out_.spaces.push_back(std::move(effect));
    }

    void judge() {
        std::set<std::string> cold;
        for (const SpaceEffect& one : out_.spaces)
            if (one.unreadable) cold.insert(one.name);
        std::vector<SpaceShare> shares(held_.begin(), held_.end());
        for (SpaceShare& share : shares) {
            share.all = share.touched = cold.contains(share.name);
            share.goes = share.all ? share.live : 0;
        }
        std::set<std::string> said;
        for (const dsl::Policy* const policy : {&before_, &after_})
            for (GuardBreach& breach : breaches_of(*policy, dsl::ShareGuard::Of::change, shares))
                if (said.insert(breach.guard.text + breach.of).second) out_.breaches.push_back(std::move(breach));
    }

    void reach(const std::vector<dsl::Effect>& won) {
        for (const dsl::Effect& effect : won) {
            const bool drops = effect.deed == dsl::Deed::drop || effect.deed == dsl::Deed::refresh || effect.deed == dsl::Deed::expire;
            if (!drops || effect.rules.empty()) continue;
            RuleReach out;
            for (const std::uint32_t rule : effect.rules) (out.where += out.where.empty() ? "" : ", ") += after_.rules[rule].where.text();
            out.deed = effect.shown;
            if (!seen_.insert(effect.meaning() + out.where).second) continue;
            const auto spaces = spaces_of(effect);
            for (const dsl::NamespaceIndex ns : spaces) {
                const SpaceShare* const held = held_of(held_, after_.namespaces[ns].name);
                if (after_.namespaces[ns].key) out.namespaces.push_back(after_.namespaces[ns].name);
                if (held == nullptr) continue;
                out.kept += held->live;
                out.counted = std::max(out.counted, held->counted);
            }
            using Kind = dsl::TargetKind;
            const bool one = effect.kind == Kind::key, all = effect.kind == Kind::namespace_ || effect.kind == Kind::everything;
            out.radius = one ? "one" : all ? "all" : "pattern";
            out.entries = one ? std::min<std::uint64_t>(1, out.kept) : out.kept;
            out_.rules.push_back(std::move(out));
        }
    }

    std::vector<dsl::NamespaceIndex> spaces_of(const dsl::Effect& effect) const {
        using Kind = dsl::TargetKind;
        if (effect.kind == Kind::key) return {effect.ns};
        if (effect.kind == Kind::namespace_ && effect.ns != dsl::none) return after_.under(effect.ns);
        std::set<dsl::NamespaceIndex> out;
        for (const std::uint32_t rule : effect.rules)
            for (const dsl::Change& change : after_.rules[rule].changes)
                if (change.kind == effect.kind && change.ns == effect.ns)
                    for (const dsl::NamespaceIndex ns : dsl::reached(after_, change)) out.insert(ns);
        return {out.begin(), out.end()};
    }

    const dsl::Policy &before_, &after_;
    const std::span<const SpaceShare> held_;
    PolicyPlan& out_;
    std::set<std::string> seen_;
};

}  // namespace

PolicyPlan plan_of(const dsl::Policy& before, const dsl::Policy& after, std::span<const SpaceShare> held, std::vector<std::string> emptied) {
    PolicyPlan out;
    out.before = policy_id(before);
    out.after = policy_id(after);
    out.difference = dsl::difference(before, after);
    if (out.before != out.after) out.emptied = std::move(emptied);
    Planner(before, after, held, out).run();
    return out;
}

}  // namespace larder::api
