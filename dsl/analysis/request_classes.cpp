// dsl/analysis/request_classes.cpp -- kinds of paths by the joint walk, split by method and status.
//
// Routes that differ only in the names of their captures are one pattern, so that two versions of a
// policy cost little more than one.
#include "dsl/analysis/request_classes.hpp"

#include "dsl/route_glob.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace larder::dsl {
namespace {

using RuleList = std::vector<std::uint32_t>;

constexpr std::uint16_t lowest = 100, highest = 599;
constexpr std::array<std::pair<MethodSet, const char*>, 7> all_methods{
    {{method_post, "POST"},
     {method_put, "PUT"},
     {method_patch, "PATCH"},
     {method_delete, "DELETE"},
     {method_get, "GET"},
     {method_head, "HEAD"},
     {method_options, "OPTIONS"}}};

// The triggers of some policies as distinct patterns, and who has each.
class Patterns {
  public:
    Patterns(std::span<const Policy* const> policies, bool paths) {
        for (std::size_t p = 0; p < policies.size(); ++p) {
            const auto& rules = policies[p]->rules;
            for (std::uint32_t r = 0; r < rules.size(); ++r) {
                const bool route = rules[r].kind == TriggerKind::route;
                if (route != paths || rules[r].kind == TriggerKind::drop_of) continue;
                owners_of(RouteGlob(rules[r].trigger, paths), policies.size())[p].push_back(r);
            }
        }
        for (const Automaton& a : automata_) views_.push_back(&a);
    }

    std::span<const Automaton* const> automata() const { return views_; }

    // The rules behind some patterns, by policy.
    std::vector<RuleList> rules(const std::vector<std::uint32_t>& accepted,
                                std::size_t policies) const {
        std::vector<RuleList> out(policies);
        for (const std::uint32_t a : accepted)
            for (std::size_t p = 0; p < policies; ++p)
                out[p].insert(out[p].end(), owners_[a][p].begin(), owners_[a][p].end());
        for (RuleList& list : out) std::sort(list.begin(), list.end());
        return out;
    }

  private:
    std::vector<RuleList>& owners_of(const RouteGlob& glob, std::size_t policies) {
        std::string shape;
        for (const RouteToken& t : glob.tokens()) {
            shape += static_cast<char>('0' + static_cast<int>(t.kind));
            shape += std::to_string(t.text.size()) + ":" + t.text;
        }
        const auto [it, fresh] = by_shape_.try_emplace(std::move(shape), owners_.size());
        if (fresh) {
            automata_.push_back(Automaton::of_route(glob));
            owners_.emplace_back(policies);
        }
        return owners_[it->second];
    }

    std::map<std::string, std::size_t> by_shape_;
    std::vector<Automaton> automata_;
    std::vector<const Automaton*> views_;
    std::vector<std::vector<RuleList>> owners_;  // by pattern, by policy
};

// The rule that answers a request from the cache: the first that says `serve`, as in the kernel.
std::uint32_t serving_rule(const Policy& policy, const RuleList& matching, MethodSet method) {
    if (method == method_head) method = method_get;
    for (const std::uint32_t r : matching) {
        const Rule& rule = policy.rules[r];
        if ((rule.methods & method) != 0 && rule.serve && rule.serve->key) return r;
    }
    return none;
}

// What tells the requests with one path apart.
struct Kind {
    std::vector<RuleList> rules;
    std::vector<std::uint32_t> serving;
    auto operator<=>(const Kind&) const = default;
};

class Splitter {
  public:
    Splitter(std::span<const Policy* const> policies, std::vector<RequestClass>& out)
        : policies_(policies), out_(out) {}

    void split(const JointWord& word, const std::vector<RuleList>& matching) {
        // One method at a time, then those that do the same together.
        std::map<Kinds, MethodSet> methods;
        for (const auto& [method, _] : all_methods) {
            auto& set = methods[joined(by_status(matching, method))];
            set = static_cast<MethodSet>(set | method);
        }
        for (const auto& [kinds, set] : methods)
            for (const auto& [kind, ranges] : kinds) {
                std::vector<StatusRange> statuses;
                for (const auto& [from, to] : ranges) statuses.push_back({from, to});
                out_.push_back({set, std::move(statuses), word.witness, word.segments, kind.rules,
                                kind.serving});
            }
    }

  private:
    // Ranges of statuses, both ends included, by what happens.
    using Kinds = std::map<Kind, std::vector<std::pair<std::uint16_t, std::uint16_t>>>;

    static Kinds joined(const std::map<std::uint16_t, Kind>& from) {
        Kinds out;
        for (auto it = from.begin(); it != from.end(); ++it) {
            const auto next = std::next(it);
            const auto to =
                static_cast<std::uint16_t>(next == from.end() ? highest : next->first - 1);
            auto& mine = out[it->second];
            if (!mine.empty() && mine.back().second + 1 == it->first)
                mine.back().second = to;
            else
                mine.emplace_back(it->first, to);
        }
        return out;
    }

    std::map<std::uint16_t, Kind> by_status(const std::vector<RuleList>& matching,
                                            MethodSet method) const {
        std::vector<std::uint16_t> borders{lowest};
        for (std::size_t p = 0; p < policies_.size(); ++p)
            for (const std::uint32_t r : matching[p])
                for (const StatusRange& s : policies_[p]->rules[r].status) {
                    const Rule& rule = policies_[p]->rules[r];
                    if ((rule.methods & method) == 0 || !acts(rule)) continue;
                    if (s.from > lowest && s.from <= highest) borders.push_back(s.from);
                    if (s.to >= lowest && s.to < highest)
                        borders.push_back(static_cast<std::uint16_t>(s.to + 1));
                }
        std::map<std::uint16_t, Kind> out;
        for (const std::uint16_t from : borders) {
            Kind& kind = out[from];
            if (!kind.rules.empty()) continue;
            for (std::size_t p = 0; p < policies_.size(); ++p) {
                kind.rules.emplace_back();
                for (const std::uint32_t r : matching[p]) {
                    const Rule& rule = policies_[p]->rules[r];
                    if ((rule.methods & method) != 0 && acts(rule) && rule.fires_on(from))
                        kind.rules.back().push_back(r);
                }
                kind.serving.push_back(serving_rule(*policies_[p], matching[p], method));
            }
        }
        return out;
    }

    static bool acts(const Rule& rule) {
        return !rule.changes.empty() || !rule.warm.empty() || !rule.end_sessions.empty();
    }

    std::span<const Policy* const> policies_;
    std::vector<RequestClass>& out_;
};

bool all_empty(const std::vector<RuleList>& rules) {
    return std::all_of(rules.begin(), rules.end(),
                       [](const RuleList& list) { return list.empty(); });
}

}  // namespace

bool RequestClass::idle() const {
    return all_empty(rules) &&
           std::all_of(serving.begin(), serving.end(), [](std::uint32_t r) { return r == none; });
}

std::string RequestClass::method() const {
    for (const auto& [bit, name] : all_methods)
        if ((methods & bit) != 0) return name;
    return "GET";
}

std::uint16_t RequestClass::status() const {
    for (const StatusRange& s : statuses)
        if (s.from <= 200 && 200 <= s.to) return 200;
    return statuses.empty() ? 200 : statuses.front().from;
}

bool EventClass::idle() const { return all_empty(rules); }

RequestClasses classes_of(std::span<const Policy* const> policies, const JointBounds& bounds) {
    RequestClasses out;
    const Patterns routes(policies, true), events(policies, false);
    const JointWalk paths = walk_jointly(routes.automata(), Texts::paths, bounds);
    Splitter splitter(policies, out.requests);
    for (const JointWord& word : paths.words)
        splitter.split(word, routes.rules(word.accepted, policies.size()));
    const JointWalk names =
        walk_jointly(events.automata(), Texts::names, {bounds.places, bounds.work, 0});
    for (const JointWord& word : names.words)
        out.events.push_back({word.witness, events.rules(word.accepted, policies.size())});
    out.complete = paths.complete && names.complete;
    out.places = paths.places + names.places;
    return out;
}

std::string status_names(std::span<const StatusRange> statuses) {
    std::string out;
    for (const StatusRange& s : statuses) {
        if (s.from == lowest && s.to == highest) return {};
        if (!out.empty()) out += ", ";
        out += std::to_string(s.from);
        if (s.to != s.from) out += "-" + std::to_string(s.to);
    }
    return out;
}

}  // namespace larder::dsl
