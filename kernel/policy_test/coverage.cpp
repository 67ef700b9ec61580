// kernel/policy_test/coverage.cpp -- counting clauses.
#include "kernel/policy_test/coverage.hpp"

#include <algorithm>
#include <utility>

namespace larder::policy_test {
namespace {

// The methods that count one by one: of `on POST, DELETE "/x"`. One alone is the rule's own, and `write`
// is one word.
std::vector<std::uint16_t> listed_methods(dsl::MethodSet set) {
    std::vector<std::uint16_t> out;
    if ((set & dsl::method_write) == dsl::method_write) {
        out.push_back(dsl::method_write);
        set = static_cast<dsl::MethodSet>(set & ~dsl::method_write);
    }
    for (unsigned bit = 1; bit <= set; bit <<= 1U)
        if ((set & bit) != 0) out.push_back(static_cast<std::uint16_t>(bit));
    if (out.size() < 2) out.clear();
    return out;
}

bool is_default(const std::vector<dsl::StatusRange>& status) {
    return status.size() == 1 && status[0].from == 200 && status[0].to == 399;
}

std::string shown(const dsl::StatusRange& range) {
    const std::string from = std::to_string(range.from);
    return "status " + (range.from == range.to ? from : from + "-" + std::to_string(range.to));
}

std::string shown(const dsl::Policy& policy, const dsl::Change& change) {
    static constexpr const char* verbs[] = {"drop ", "refresh ", "expire "};
    std::string out = verbs[static_cast<std::size_t>(change.action)];
    const auto space = [&] { return policy.namespaces[change.ns].name; };
    switch (change.kind) {
        case dsl::TargetKind::everything: return out + "everything";
        case dsl::TargetKind::tag: return out + "tag \"" + change.text.source + "\"";
        case dsl::TargetKind::namespace_: return out + space();
        case dsl::TargetKind::key: return out + space() + " \"" + change.text.source + "\"";
        case dsl::TargetKind::matching:
            return out + space() + " matching \"" + change.text.source + "\"";
    }
    return out;
}

constexpr const char* word_of(dsl::Origin origin) {
    switch (origin) {
        case dsl::Origin::header: return "header";
        case dsl::Origin::query: return "query";
        case dsl::Origin::cookie: return "cookie";
        case dsl::Origin::json: return "json";
        case dsl::Origin::form: return "form";
    }
    return "";
}

}  // namespace

std::string Share::percent() const {
    if (part >= all) return "100 %";
    const std::uint64_t tenths = part * 1000 / all;  // towards zero: 99.95 % is not 100
    if (tenths == 0 && part != 0) return "under 0.1 %";
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

Coverage::Coverage(const dsl::Policy& policy) {
    for (std::uint32_t i = 0; i < policy.rules.size(); ++i) {
        const dsl::Rule& rule = policy.rules[i];
        begins_.push_back(clauses_.size());
        statuses_.push_back(rule.status);
        const auto add = [&](ClauseKind kind, const dsl::Where& where, std::string says,
                             std::uint32_t which) {
            clauses_.push_back({kind, i, where, std::move(says), which, 0});
        };
        add(ClauseKind::rule, rule.where, rule.head, 0);
        for (const std::uint16_t method : listed_methods(rule.methods))
            add(ClauseKind::method, rule.where,
                method == dsl::method_write ? "write" : dsl::method_names(method), method);
        if (rule.kind == dsl::TriggerKind::route && !is_default(rule.status))
            for (std::uint32_t s = 0; s < rule.status.size(); ++s)
                add(ClauseKind::status, rule.where, shown(rule.status[s]), s);
        for (std::uint32_t c = 0; c < rule.changes.size(); ++c)
            add(ClauseKind::change, rule.changes[c].where, shown(policy, rule.changes[c]), c);
        if (rule.serve) {
            add(ClauseKind::serve, rule.where, "serve " + policy.namespaces[rule.serve->ns].name, 0);
            for (std::uint32_t u = 0; u < rule.serve->unless.size(); ++u) {
                const auto& [origin, field] = rule.serve->unless[u];
                add(ClauseKind::unless, rule.where,
                    "unless " + std::string(word_of(origin)) + " \"" + field + "\"", u);
            }
        }
        for (std::uint32_t w = 0; w < rule.warm.size(); ++w)
            add(ClauseKind::warm, rule.where, "warm " + policy.namespaces[rule.warm[w]].name, w);
        for (std::uint32_t e = 0; e < rule.end_sessions.size(); ++e)
            add(ClauseKind::end_session, rule.where, "end session " + rule.end_sessions[e].first, e);
    }
    begins_.push_back(clauses_.size());
}

template <class Fn>
void Coverage::each_of(std::uint32_t rule, Fn&& fn) {
    if (rule + 1 >= begins_.size()) return;
    for (std::size_t i = begins_[rule]; i < begins_[rule + 1]; ++i) fn(clauses_[i]);
}

void Coverage::fired(std::uint32_t rule, std::string_view method, std::uint16_t status,
                     std::span<const std::string> uncertain) {
    const dsl::MethodSet bit = method.empty() ? dsl::MethodSet{0} : dsl::method_of(method);
    each_of(rule, [&](Clause& clause) {
        bool counts = false;
        switch (clause.kind) {
            case ClauseKind::rule:
            case ClauseKind::warm:
            case ClauseKind::end_session: counts = true; break;
            case ClauseKind::method: counts = (clause.which & bit) != 0; break;
            case ClauseKind::status: {
                const dsl::StatusRange& range = statuses_[rule][clause.which];
                counts = status >= range.from && status <= range.to;
                break;
            }
            case ClauseKind::change: {
                const std::string where = clause.where.text() + ":";
                counts = std::none_of(uncertain.begin(), uncertain.end(), [&](const std::string& u) {
                    return u.starts_with(where);
                });
                break;
            }
            case ClauseKind::serve:
            case ClauseKind::unless: break;
        }
        if (counts) ++clause.times;
    });
}

void Coverage::served(std::uint32_t rule) {
    each_of(rule, [](Clause& clause) {
        if (clause.kind == ClauseKind::rule || clause.kind == ClauseKind::serve) ++clause.times;
    });
}

void Coverage::held(std::uint32_t rule, std::uint32_t unless) {
    each_of(rule, [unless](Clause& clause) {
        if (clause.kind == ClauseKind::unless && clause.which == unless) ++clause.times;
    });
}

Share Coverage::rules() const {
    Share out;
    for (const Clause& clause : clauses_) {
        if (clause.kind != ClauseKind::rule) continue;
        ++out.all;
        if (clause.times != 0) ++out.part;
    }
    return out;
}

Share Coverage::share() const {
    Share out;
    for (const Clause& clause : clauses_) {
        ++out.all;
        if (clause.times != 0) ++out.part;
    }
    return out;
}

void Coverage::add(const Coverage& other) {
    for (std::size_t i = 0; i < clauses_.size() && i < other.clauses_.size(); ++i)
        clauses_[i].times += other.clauses_[i].times;
}

}  // namespace larder::policy_test
