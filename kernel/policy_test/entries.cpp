// kernel/policy_test/entries.cpp -- following what a test has put.
#include "kernel/policy_test/entries.hpp"

#include "dsl/pattern.hpp"

#include <algorithm>
#include <utility>

namespace larder::policy_test {

std::string duration_text(std::uint64_t ms) {
    const auto part = [&](std::uint64_t unit, const char* name) {
        if (ms < unit) return std::string();
        const std::string out = std::to_string(ms / unit) + name;
        ms %= unit;
        return out;
    };
    std::string out = part(86'400'000, "d");
    out += part(3'600'000, "h");
    out += part(60'000, "m");
    out += part(1000, "s");
    out += part(1, "ms");
    return out.empty() ? "0s" : out;
}

std::string Entry::fate() const {
    if (state == State::fresh) return "is still as it was put";
    const bool over = state == State::gone;
    switch (by) {
        case By::rule: return over ? "was dropped" : "was expired";
        case By::time:
            return std::string(over ? "its time was over " : "it became stale ") +
                   duration_text(by_ms - put_ms) + " after it was put";
        case By::nobody:
        case By::unknown: break;
    }
    return over ? "is gone" : "is stale";
}

Entry* Entries::find(dsl::NamespaceIndex ns, std::string_view key) {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const Entry& e) {
        return e.ns == ns && e.key == key;
    });
    return found == all_.end() ? nullptr : &*found;
}

void Entries::follow(dsl::NamespaceIndex ns, std::string_view key,
                     const std::vector<dsl::GivenValue>& with, dsl::Span at) {
    Entry* entry = find(ns, key);
    if (entry == nullptr) entry = &all_.emplace_back();
    *entry = Entry{};
    entry->ns = ns;
    entry->key = key;
    entry->with = with;
    entry->put_at = at;
    entry->put_ms = world_.now_ms();
}

void Entries::look_at(Entry& entry, Entry::By by, dsl::Span at) {
    const World::Seen seen = world_.look(entry.ns, entry.key);
    const Entry::State now = seen.status != LARDER_OK ? Entry::State::gone
                             : seen.stale             ? Entry::State::stale
                                                      : Entry::State::fresh;
    if (now == entry.state) return;
    entry.state = now;
    entry.by = by;
    entry.by_at = at;
    entry.by_ms = world_.now_ms();
    if (by != Entry::By::time) entry.why = world_.why(entry.ns, entry.key);
    if (by != Entry::By::unknown) return;
    entry.by = entry.why.empty() ? Entry::By::time : Entry::By::rule;
    entry.by_at = {};
}

void Entries::observe(Entry::By by, dsl::Span at) {
    if (world_.any_fails()) {
        blind_ = true;
        return;
    }
    const Entry::By how = std::exchange(blind_, false) ? Entry::By::unknown : by;
    for (Entry& entry : all_) look_at(entry, how, at);
}

void Entries::catch_up(Entry& entry, dsl::Span at) {
    if (blind_ || world_.any_fails()) look_at(entry, Entry::By::unknown, at);
}

bool Entries::is_meant(const dsl::TestTarget& target, const Entry& entry) const {
    switch (target.kind) {
        case dsl::TargetKind::everything: return true;
        case dsl::TargetKind::key: return entry.ns == target.ns && entry.key == target.text;
        case dsl::TargetKind::matching:
            if (!dsl::glob_match(target.text, entry.key)) return false;
            [[fallthrough]];
        case dsl::TargetKind::namespace_: {
            const auto& chain = world_.policy().namespaces[entry.ns].chain;
            return std::find(chain.begin(), chain.end(), target.ns) != chain.end();
        }
        case dsl::TargetKind::tag: return carries(entry, target.text);
    }
    return false;
}

bool Entries::carries(const Entry& entry, std::string_view tag) const {
    const dsl::Namespace& ns = world_.policy().namespaces[entry.ns];
    dsl::Fields fields;
    if (!ns.key || !ns.key->read(entry.key, fields)) return false;
    std::vector<std::string_view> values(ns.parameters.size());
    for (std::size_t i = 0; i < fields.count && i < values.size(); ++i) values[i] = fields.value[i];
    const auto made = [&](const std::vector<dsl::Template>& tags) {
        return std::any_of(tags.begin(), tags.end(),
                           [&](const dsl::Template& t) { return t.fill(values) == tag; });
    };
    if (made(ns.tags)) return true;
    for (const dsl::GivenValue& given : entry.with) {
        const auto at = std::find(ns.parameters.begin(), ns.parameters.end(), given.name);
        if (at == ns.parameters.end()) continue;
        values[static_cast<std::size_t>(at - ns.parameters.begin())] = given.value;
    }
    return made(ns.late_tags);
}

}  // namespace larder::policy_test
