// kernel/core/cache_withhold.cpp -- what may be in no tier: `never store`.
//
// Asked once for each value that is written, before anything of it is kept, compressed or sampled. A namespace
// without such rules pays one comparison. Rules stand in the policy, so they are cut into paths for each value;
// that is little beside reading the value.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/json_withhold.hpp"
#include "kernel/core/redis_glob.hpp"

#include <algorithm>
#include <bit>

namespace larder {
namespace {

using What = dsl::NeverStore::What;

enum class Outcome { as_is, stripped, refused };

// `rule`: the one that decided.
Outcome judge_json(const dsl::Namespace& ns, std::string_view body, std::string& left, std::size_t& rule) {
    std::vector<WithheldPath> paths;
    for (std::size_t i = 0; i < ns.never_store.size(); ++i)
        if (ns.never_store[i].what == What::json)
            for (const std::string& name : ns.never_store[i].names) paths.push_back(withheld_path(name, i));
    if (paths.empty()) return Outcome::as_is;
    std::vector<std::size_t> found;
    rule = paths.front().rule;
    switch (withhold_json(body, paths, left, found)) {
        case Withheld::nothing: return Outcome::as_is;
        case Withheld::broken: return Outcome::refused;
        case Withheld::some: break;
    }
    rule = found.front();
    for (const std::size_t one : found)
        if (!ns.never_store[one].strip) {
            rule = one;
            return Outcome::refused;
        }
    return Outcome::stripped;
}

bool same_field(std::string_view name, std::string_view lower) {
    return name.size() == lower.size() && std::equal(name.begin(), name.end(), lower.begin(), [](char a, char b) {
               return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
           });
}

}  // namespace

bool Cache::Impl::may_store(const Space& space, const EntryKey& key, std::string_view& value, std::string& left) {
    const dsl::Namespace& ns = *space.ns;
    for (const dsl::NeverStore& rule : ns.never_store) {
        if (rule.what != What::key) continue;
        const std::string raw = ns.key->raw(key.canonical);
        for (const std::string& glob : rule.names)
            if (redis_glob_match(glob, raw)) {
                tell_withheld(space, SpaceDetail::withheld, rule, glob);
                return false;
            }
    }
    std::size_t rule = 0;
    const Outcome outcome = judge_json(ns, value, left, rule);
    if (outcome == Outcome::as_is) return true;
    const dsl::NeverStore& by = ns.never_store[rule];
    tell_withheld(space, outcome == Outcome::stripped ? SpaceDetail::stripped : SpaceDetail::withheld, by, by.names.empty() ? std::string() : by.names.front());
    if (outcome == Outcome::refused) return false;
    value = left;
    return true;
}

// The event of each is told as often as its number is a power of two: who puts a million of them fills no log.
void Cache::Impl::tell_withheld(const Space& space, SpaceDetail what, const dsl::NeverStore& rule, const std::string& name) {
    space.runtime->count(what);
    const std::uint64_t count = space.runtime->total(what);
    if (!std::has_single_bit(count)) return;
    events.add(clock.wall_ms(), LARDER_LOG_WARN, "never store",
               space.ns->name + ": " + (what == SpaceDetail::stripped ? "stored without what `never store` names" : "not stored") + " (" + name + ", " +
                   rule.where.file + ":" + std::to_string(rule.where.line) + "), " + std::to_string(count) + " so far");
}

larder_status Cache::withheld(std::uint32_t ns, const larder_pair* fields, std::size_t n, std::uint8_t* verdicts) const {
    const ReadGuard guard;
    const Space* space = impl_->state.get()->space(ns);
    if (space == nullptr) return LARDER_MISS;
    std::fill_n(verdicts, n, std::uint8_t{LARDER_STORE_ALLOWED});
    for (const dsl::NeverStore& rule : space->ns->never_store) {
        if (rule.what != What::header) continue;
        for (std::size_t i = 0; i < n; ++i)
            for (const std::string& name : rule.names)
                if (same_field(view(fields[i].name), name)) {
                    const auto verdict = static_cast<std::uint8_t>(rule.strip ? LARDER_STORE_STRIPPED : LARDER_STORE_REFUSED);
                    verdicts[i] = std::max(verdicts[i], verdict);
                    impl_->tell_withheld(*space, rule.strip ? SpaceDetail::stripped : SpaceDetail::withheld, rule, name);
                }
    }
    return LARDER_OK;
}

larder_status Cache::storable(std::uint32_t ns, std::string_view body, std::string& left) const {
    const ReadGuard guard;
    const Space* space = impl_->state.get()->space(ns);
    if (space == nullptr) return LARDER_MISS;
    if (space->ns->never_store.empty()) return LARDER_OK;
    std::size_t rule = 0;
    const Outcome outcome = judge_json(*space->ns, body, left, rule);
    if (outcome == Outcome::as_is) return LARDER_OK;
    const dsl::NeverStore& by = space->ns->never_store[rule];
    impl_->tell_withheld(*space, outcome == Outcome::stripped ? SpaceDetail::stripped : SpaceDetail::withheld, by, by.names.front());
    return outcome == Outcome::stripped ? LARDER_EXISTS : LARDER_E_REFUSED;
}

}  // namespace larder
