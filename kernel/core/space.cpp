// kernel/core/space.cpp -- joining what the policy says with what runs it; keys, scopes, lifetimes.
#include "kernel/core/space.hpp"

#include "kernel/core/authority.hpp"

#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace larder {
namespace {

void add_chain(const dsl::Policy& policy, const dsl::Namespace& ns, const ScopeNames& names, ScopeList& out) {
    for (const dsl::NamespaceIndex i : ns.chain) out.add(names.namespace_(policy.namespaces[i].name));
}

// 2024-01-31 or 2024-01 (its first day), in days since 1970.
std::optional<std::int64_t> parse_day(std::string_view text) {
    int part[3] = {0, 1, 1};
    std::size_t at = 0;
    for (int i = 0; i < 3 && at < text.size(); ++i) {
        const auto end = std::min(text.find('-', at), text.size());
        const auto [stop, error] = std::from_chars(text.data() + at, text.data() + end, part[i]);
        if (error != std::errc{} || stop != text.data() + end) return std::nullopt;
        if (i == 0 && end == text.size()) return std::nullopt;
        at = end + 1;
    }
    const std::chrono::year_month_day day{std::chrono::year(part[0]), std::chrono::month(static_cast<unsigned>(part[1])),
                                          std::chrono::day(static_cast<unsigned>(part[2]))};
    if (!day.ok()) return std::nullopt;
    return std::chrono::sys_days(day).time_since_epoch().count();
}

}  // namespace

void build_space(Space& space, const State& state, const ScopeNames& names, std::uint64_t max_value_bytes) {
    const dsl::Namespace& ns = *space.ns;
    ScopeList chain;
    chain.add(names.root());
    add_chain(*state.policy, ns, names, chain);
    space.chain.assign(chain.ids().begin(), chain.ids().end());
    space.schema = ns.schema;
    if (ns.ttl) space.ttl = ns.ttl->ttl;
    space.has_scopes = !ns.tags.empty() || !ns.late_tags.empty() || !ns.patterns.empty() || !ns.depends.empty();
    space.reads_fields = space.has_scopes || (ns.ttl && !ns.ttl->dated.empty());
    space.stale = std::max(ns.stale_while_revalidating.value_or(Ms{0}), ns.stale_on_error.value_or(Ms{0}));
    space.max_bytes = std::min(ns.refuse_above.value_or(max_value_bytes), max_value_bytes);

    const auto tier_named = [&](std::string_view name) -> Tier* {
        for (const auto& tier : state.tiers)
            if (tier->store().name == name) return tier.get();
        return nullptr;
    };
    if (ns.tiers.empty()) {
        for (const auto& tier : state.tiers) space.tiers.push_back({tier.get(), std::nullopt});
    } else {
        for (const dsl::TierUse& use : ns.tiers)
            if (Tier* tier = tier_named(use.store); tier != nullptr && use.enabled)
                space.tiers.push_back({tier, use.ttl});
    }
    for (const SpaceTier& use : space.tiers)
        if (const std::uint64_t bytes = use.tier->stats(UINT32_MAX).capacity_bytes; bytes != 0)
            space.capacity = space.capacity == 0 ? bytes : std::min(space.capacity, bytes);
    space.all_headed = !space.tiers.empty() && std::all_of(space.tiers.begin(), space.tiers.end(), [](const SpaceTier& use) { return use.tier->headed(); });
    for (std::size_t i = 0; i < space.tiers.size() && space.authority == nullptr; ++i)
        for (std::size_t t = 0; t < state.tiers.size(); ++t)
            if (state.tiers[t].get() == space.tiers[i].tier && state.authorities[t] != nullptr) {
                space.authority = state.authorities[t].get();
                space.authority_tier = i;
                space.suspect = names.above(space.tiers[i].tier->store().name);
            }
    const auto authority_of = [&](const SpaceTier& use) -> Authority* {
        for (std::size_t t = 0; t < state.tiers.size(); ++t)
            if (state.tiers[t].get() == use.tier) return state.authorities[t].get();
        return nullptr;
    };
    if (space.authority != nullptr && space.authority_tier + 1 < space.tiers.size())
        if (Authority* const far = authority_of(space.tiers.back())) {
            Space low = space;
            low.tiers = {space.tiers.back()};
            low.authority = far;
            low.authority_tier = 0;
            low.suspect = names.above(low.tiers.front().tier->store().name);
            space.below = std::make_shared<const Space>(std::move(low));
            space.tiers.pop_back();
        }
    space.demotes = ns.demote && space.authority == nullptr && space.tiers.size() > 1 && space.tiers.front().tier->sync() &&
                    space.tiers.front().tier->headed() && space.tiers.front().tier->has(LARDER_STORE_CAP_DEMOTE) &&
                    std::none_of(space.tiers.begin(), space.tiers.end(), [](const SpaceTier& use) { return use.tier->foreign(); });
    while (space.sync_tiers < space.tiers.size() && space.tiers[space.sync_tiers].tier->sync()) ++space.sync_tiers;

    if (ns.compress && !ns.compress->codec.empty())
        for (const CodecHandle& codec : state.parts.codecs)
            if (codec.name == ns.compress->codec) space.codec = &codec;
}

std::string Space::physical(const Authority& at, std::string_view canonical) const {
    std::string key;
    physical(at, canonical, key);
    return key;
}

// Long keys are hashed; the binding in the envelope tells two apart that fall together.
void Space::physical(const Authority& at, std::string_view canonical, std::string& key) const {
    constexpr std::size_t longest = 200;
    key.assign(at.prefix()).append(":v:{").append(ns->name) += ':';
    if (key.size() + canonical.size() + 1 <= longest) {
        key += canonical;
    } else {
        const XXH128_hash_t hash = XXH3_128bits_withSeed(canonical.data(), canonical.size(), 0x6c61726465723032ULL);
        char hex[34];
        std::snprintf(hex, sizeof hex, "#%016llx%016llx", static_cast<unsigned long long>(hash.high64), static_cast<unsigned long long>(hash.low64));
        key += hex;
    }
    key += '}';
}

void Space::limit(std::uint32_t shelf, const larder_demotion& to) const {
    for (const SpaceTier& use : tiers) {
        if (use.tier->foreign()) continue;
        std::uint64_t entries = 0, bytes = 0;
        for (const dsl::Limit& l : ns->limits)
            if (l.store.empty() || l.store == use.tier->store().name) {
                entries = l.entries != 0 ? l.entries : entries;
                bytes = l.bytes != 0 ? l.bytes : bytes;
            }
        use.tier->limits(shelf, entries, bytes);
        use.tier->evict(shelf, ns->evict);
        use.tier->demote(shelf, demotes && &use == &tiers.front() ? &to : nullptr);
    }
}

namespace {

std::string_view canonical_of(const Space& space, const dsl::Fields& fields, std::string_view raw, std::string& buffer) {
    if (fields.plain) [[likely]] return raw;
    buffer.clear();
    space.ns->key->canonical(fields, buffer);
    return buffer;
}

}  // namespace

bool find_escaped_key(const Space& space, const ScopeNames& names, std::string_view raw, EntryKey& out) {
    thread_local std::string buffer;
    dsl::Fields fields;
    if (!space.ns->key->read(raw, fields)) return false;
    bind_key(space, names, canonical_of(space, fields, raw, buffer), out);
    return true;
}

bool make_key(const Space& space, const ScopeNames& names, std::string_view raw, std::string& buffer, FieldedKey& out) {
    if (!space.reads_fields) return find_key(space, names, raw, out);
    if (!space.ns->key->read(raw, out.fields)) return false;
    bind_key(space, names, canonical_of(space, out.fields, raw, buffer), out);
    return true;
}

bool make_canonical_key(const Space& space, const ScopeNames& names, std::string_view canonical, EntryKey& out) {
    // A canonical key reads as a raw one whose fields hold no colon.
    dsl::Fields fields;
    if (!space.ns->key->read(canonical, fields)) return false;
    bind_key(space, names, canonical, out);
    return true;
}

bool make_fields(const Space& space, const ScopeNames& names, std::string_view canonical, FieldedKey& out) {
    if (!space.ns->key->read(canonical, out.fields)) return false;
    bind_key(space, names, canonical, out);
    return true;
}

Ms entry_ttl(const Space& space, const FieldedKey& key, const Clock& clock, Random& random) {
    if (!space.ns->ttl) return Ms{0};
    const dsl::Ttl& rule = *space.ns->ttl;
    Ms ttl = rule.ttl;
    if (rule.dated.empty() && rule.jitter <= 0) return std::max(ttl, Ms{1});
    const auto today = static_cast<std::int64_t>(clock.wall_ms() / 86'400'000);
    for (const dsl::DatedTtl& dated : rule.dated) {
        const auto day = parse_day(key.fields.value[dated.slot]);
        if (!day) continue;
        const std::int64_t mark = today + dated.days;
        const bool holds = dated.when == dsl::DatedTtl::When::before  ? *day < mark
                           : dated.when == dsl::DatedTtl::When::after ? *day > mark
                                                                      : *day == mark;
        if (holds) {
            ttl = dated.ttl;
            break;
        }
    }
    if (rule.jitter > 0) {
        const double share = static_cast<double>(random.next() >> 11) * 0x1.0p-53;  // 0..1
        ttl = Ms(static_cast<std::int64_t>(static_cast<double>(ttl.count()) * (1.0 - rule.jitter * share)));
    }
    return std::max(ttl, Ms{1});
}

}  // namespace larder
