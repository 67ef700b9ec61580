// kernel/api/policy_changes.cpp -- what a reload changes, in words.
//
// Each item is described as texts, clause by clause, and the texts are compared: what differs is what
// a person would see differ.
#include "kernel/api/policy_changes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace larder::api {
namespace {

using Clauses = std::vector<std::pair<std::string, std::string>>;  // name, text; text empty: absent

std::string optional_text(const std::optional<dsl::Ms>& time) {
    return time ? duration_text(*time) : std::string();
}

std::string ttl_text(const dsl::Ttl& ttl) {
    std::string out = duration_text(ttl.ttl);
    if (ttl.jitter > 0)
        out += " jitter " + std::to_string(static_cast<int>(ttl.jitter * 100 + 0.5)) + "%";
    if (ttl.sliding) out += " sliding";
    for (const dsl::DatedTtl& dated : ttl.dated) out += ", " + duration_text(dated.ttl) + " by date";
    return out;
}

template <class Items, class Text>
std::string joined(const Items& items, Text text) {
    std::string out;
    for (const auto& item : items) (out += out.empty() ? "" : ", ") += text(item);
    return out;
}

std::string tier_text(const dsl::TierUse& tier) {
    std::string out = tier.store;
    if (tier.ttl) out.append(" ").append(duration_text(*tier.ttl));
    if (!tier.enabled) out += " (off)";
    return out;
}

std::string limit_text(const dsl::Limit& limit) {
    return (limit.entries != 0 ? std::to_string(limit.entries) + " entries"
                               : std::to_string(limit.bytes) + " bytes") +
           (limit.store.empty() ? "" : " in " + limit.store);
}

std::string compression_text(const dsl::Compression& compression) {
    std::string out = compression.codec.empty() ? "none" : compression.codec;
    if (compression.above_bytes != 0) out += " above " + std::to_string(compression.above_bytes) + "B";
    for (const dsl::Option& option : compression.options)
        out += " " + option.name + " " + joined(option.values, [](const auto& v) { return v; });
    return out;
}

std::string write_text(const dsl::Namespace& space) {
    if (space.write == dsl::WriteMode::aside) return "";
    std::string out = space.write == dsl::WriteMode::through ? "through" : "behind";
    if (space.write_delay.count() != 0) out += " " + duration_text(space.write_delay);
    return out + (space.write_to.removes ? ", removals too" : "");
}

Clauses clauses(const dsl::Namespace& space) {
    const auto source = [](const dsl::Template& text) { return text.source; };
    Clauses out;
    out.emplace_back("key", space.key ? space.key->pattern().source : "");
    out.emplace_back("tags", joined(space.tags, source));
    out.emplace_back("late tags", joined(space.late_tags, source));
    out.emplace_back("ttl", space.ttl ? ttl_text(*space.ttl) : "");
    out.emplace_back("absent", optional_text(space.absent));
    out.emplace_back("stale while revalidating", optional_text(space.stale_while_revalidating));
    out.emplace_back("stale on error", optional_text(space.stale_on_error));
    out.emplace_back("tiers", joined(space.tiers, tier_text));
    out.emplace_back("compress", space.compress ? compression_text(*space.compress) : "");
    out.emplace_back("limit", joined(space.limits, limit_text));
    out.emplace_back("evict", dsl::word_of(space.evict));
    out.emplace_back("demote", space.demote ? "yes" : "");
    out.emplace_back("log misses", space.log_misses ? "slower than " + duration_text(*space.log_misses) : "");
    out.emplace_back("refuse above", space.refuse_above ? std::to_string(*space.refuse_above) + "B" : "");
    out.emplace_back("version", std::to_string(space.version));
    out.emplace_back("source", space.source ? space.source->name + " " + space.source->address : "");
    out.emplace_back("write", write_text(space));
    out.emplace_back("depends", std::to_string(space.depends.size()) + " scopes");
    return out;
}

bool is_cold_after(const dsl::Namespace& before, const dsl::Namespace& after) {
    const auto differ = [](const auto& a, const auto& b) {
        return !std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
            return x.source == y.source;
        });
    };
    return before.schema != after.schema || differ(before.tags, after.tags) ||
           differ(before.late_tags, after.late_tags) ||
           (before.version != after.version &&
            std::find(after.accepts.begin(), after.accepts.end(), before.version) == after.accepts.end());
}

void compare_namespace(const dsl::Namespace& before, const dsl::Namespace& after,
                       std::vector<std::string>& out) {
    const Clauses old = clauses(before), now = clauses(after);
    std::string said;
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (old[i].second == now[i].second) continue;
        said += (said.empty() ? "" : "; ") + now[i].first + " " +
                (old[i].second.empty() ? "none" : old[i].second) + " -> " +
                (now[i].second.empty() ? "none" : now[i].second);
    }
    if (is_cold_after(before, after)) said += (said.empty() ? "" : "; ") + std::string("its entries are misses now");
    if (!said.empty()) out.push_back("namespace " + after.name + ": " + said);
}

void compare_namespaces(const dsl::Policy& before, const dsl::Policy& after,
                        std::vector<std::string>& out) {
    for (const dsl::Namespace& space : after.namespaces) {
        const auto old = before.find(space.name);
        if (!old)
            out.push_back("namespace " + space.name + ": added");
        else
            compare_namespace(before.namespaces[*old], space, out);
    }
    for (const dsl::Namespace& space : before.namespaces)
        if (!after.find(space.name)) out.push_back("namespace " + space.name + ": removed");
}

std::string target_text(const dsl::Policy& policy, const dsl::Change& change) {
    static constexpr const char* verbs[] = {"drop", "refresh", "expire"};
    std::string out = verbs[static_cast<std::size_t>(change.action)];
    if (change.ns != dsl::none) out += " " + policy.namespaces[change.ns].name;
    if (change.kind == dsl::TargetKind::everything) return out + " everything";
    if (change.kind == dsl::TargetKind::tag) out += " tag";
    if (change.kind == dsl::TargetKind::matching) out += " matching";
    if (!change.text.source.empty()) out += " \"" + change.text.source + "\"";
    return out;
}

// Head and body of each rule: a rule that moved to another line is the same rule.
std::map<std::string, std::string> rule_texts(const dsl::Policy& policy) {
    std::map<std::string, std::string> out;
    for (const dsl::Rule& rule : policy.rules) {
        std::string& body = out[rule.head];
        for (const dsl::Change& change : rule.changes)
            (body += body.empty() ? "" : ", ") += target_text(policy, change);
        for (const dsl::StatusRange& status : rule.status)
            body += " [" + std::to_string(status.from) + "-" + std::to_string(status.to) + "]";
        if (rule.serve) body += " serve";
        for (const dsl::NamespaceIndex ns : rule.warm) body += " warm " + policy.namespaces[ns].name;
    }
    return out;
}

void compare_rules(const dsl::Policy& before, const dsl::Policy& after,
                   std::vector<std::string>& out) {
    const auto old = rule_texts(before), now = rule_texts(after);
    for (const auto& [head, body] : now) {
        const auto was = old.find(head);
        if (was == old.end())
            out.push_back("rule " + head + ": added");
        else if (was->second != body)
            out.push_back("rule " + head + ": does something else");
    }
    for (const auto& [head, body] : old)
        if (!now.contains(head)) out.push_back("rule " + head + ": removed");
}

template <class Items, class Name>
std::set<std::string> names(const Items& items, Name name) {
    std::set<std::string> out;
    for (const auto& item : items) out.insert(name(item));
    return out;
}

void compare_names(std::string_view what, const std::set<std::string>& before,
                   const std::set<std::string>& after, std::vector<std::string>& out) {
    for (const std::string& one : after)
        if (!before.contains(one)) out.push_back(std::string(what) + " " + one + ": added");
    for (const std::string& one : before)
        if (!after.contains(one)) out.push_back(std::string(what) + " " + one + ": removed");
}

}  // namespace

std::string duration_text(std::chrono::milliseconds time) {
    static constexpr std::pair<const char*, std::int64_t> units[] = {
        {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
    std::int64_t left = time.count();
    if (left <= 0) return "0s";
    std::string out;
    for (const auto& [unit, size] : units) {
        if (left < size) continue;
        out += std::to_string(left / size) + unit;
        left %= size;
    }
    return out;
}

std::vector<std::string> policy_changes(const dsl::Policy& before, const dsl::Policy& after) {
    std::vector<std::string> out;
    if (before.profile != after.profile)
        out.push_back("profile: " + (before.profile.empty() ? "none" : before.profile) + " -> " +
                      (after.profile.empty() ? "none" : after.profile));
    compare_namespaces(before, after, out);
    compare_rules(before, after, out);
    const auto name = [](const auto& item) { return item.name; };
    const auto store = [](const dsl::Breaker& breaker) { return breaker.store; };
    const auto warm_of = [](const dsl::Policy& policy) {
        return [&policy](const dsl::Warm& warm) {
            return policy.namespaces[warm.ns].name + " \"" + warm.key + "\"";
        };
    };
    compare_names("session", names(before.sessions, name), names(after.sessions, name), out);
    compare_names("alert", names(before.alerts, name), names(after.alerts, name), out);
    compare_names("breaker", names(before.breakers, store), names(after.breakers, store), out);
    compare_names("warm", names(before.warms, warm_of(before)), names(after.warms, warm_of(after)),
                  out);
    return out;
}

}  // namespace larder::api
