// dsl/analysis/reach.cpp -- changes against namespaces. What begins with other literals is never
// compared further.
#include "dsl/analysis/reach.hpp"

#include "dsl/automaton.hpp"

#include <algorithm>

namespace larder::dsl {
namespace {

std::string_view head_of(const Template& text) {
    if (text.pieces.empty() || text.pieces.front().kind != Piece::Kind::literal) return {};
    return text.pieces.front().text;
}

bool can_be_equal(const Template& a, const Template& b) {
    if (heads_differ(head_of(a), head_of(b))) return false;
    return both_match(Automaton::of_text(a), Automaton::of_text(b)).has_value();
}

bool among(const std::vector<NamespaceIndex>& chain, NamespaceIndex ns) {
    return std::find(chain.begin(), chain.end(), ns) != chain.end();
}

bool carries(const std::vector<Template>& tags, const std::vector<Template>& late,
             const Template& tag) {
    const auto same = [&tag](const Template& t) { return can_be_equal(t, tag); };
    return std::any_of(tags.begin(), tags.end(), same) ||
           std::any_of(late.begin(), late.end(), same);
}

// A dependent goes with the entry it depends on, and with all that entry goes with.
bool through(const Policy& policy, const Change& c, const Dependency& d) {
    switch (c.kind) {
        case TargetKind::everything:
            return true;
        case TargetKind::tag:
            return carries(d.tags, d.late_tags, c.text) ||
                   (!d.key && carries(policy.namespaces[d.on].tags,
                                      policy.namespaces[d.on].late_tags, c.text));
        case TargetKind::namespace_:
            return among(policy.namespaces[d.on].chain, c.ns);
        case TargetKind::key:
            return c.ns == d.on && (!d.key || can_be_equal(*d.key, c.text));
        case TargetKind::matching:
            return among(policy.namespaces[d.on].chain, c.ns) &&
                   (!d.key || can_be_equal(*d.key, c.text));
    }
    return false;
}

bool itself(const Namespace& n, NamespaceIndex ns, const Change& c, std::string_view canonical) {
    const auto fits = [&] {
        return canonical.empty() ? can_be_equal(n.key->pattern(), c.text)
                                 : c.text.could_make(canonical);
    };
    switch (c.kind) {
        case TargetKind::everything:
            return true;
        case TargetKind::tag:
            return carries(n.tags, n.late_tags, c.text);
        case TargetKind::namespace_:
            return among(n.chain, c.ns);
        case TargetKind::key:
            return c.ns == ns && fits();
        case TargetKind::matching:
            return among(n.chain, c.ns) && fits();
    }
    return false;
}

}  // namespace

bool reaches(const Policy& policy, const Change& change, NamespaceIndex ns,
             std::string_view canonical) {
    const Namespace& n = policy.namespaces[ns];
    if (!n.key) return false;
    return itself(n, ns, change, canonical) ||
           std::any_of(n.depends.begin(), n.depends.end(),
                       [&](const Dependency& d) { return through(policy, change, d); });
}

std::vector<NamespaceIndex> reached(const Policy& policy, const Change& change) {
    std::vector<NamespaceIndex> out;
    for (NamespaceIndex i = 0; i < policy.namespaces.size(); ++i)
        if (reaches(policy, change, i)) out.push_back(i);
    return out;
}

std::vector<std::uint32_t> set_off(const Policy& policy, const Change& change) {
    std::vector<std::uint32_t> out;
    for (std::uint32_t r = 0; r < policy.rules.size(); ++r) {
        const Rule& rule = policy.rules[r];
        if (rule.kind != TriggerKind::drop_of || rule.of == none) continue;
        const std::vector<NamespaceIndex> of = policy.under(rule.of);
        const auto concerns = [&](NamespaceIndex i) {
            const Namespace& n = policy.namespaces[i];
            switch (change.kind) {
                case TargetKind::everything:
                    return true;
                case TargetKind::tag:
                    return carries(n.tags, n.late_tags, change.text);
                case TargetKind::key:
                    return change.ns == i &&
                           (!rule.of_key || can_be_equal(rule.of_key->pattern(), change.text));
                case TargetKind::namespace_:
                case TargetKind::matching:
                    return among(n.chain, change.ns);
            }
            return false;
        };
        if (std::any_of(of.begin(), of.end(), concerns)) out.push_back(r);
    }
    return out;
}

}  // namespace larder::dsl
