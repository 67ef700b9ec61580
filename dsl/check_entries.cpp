// dsl/check_entries.cpp -- what a namespace says of its values: their size, their versions.
#include "dsl/check_migrations.hpp"
#include "dsl/check_namespaces.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

// Above it a value holds up whoever waits behind it, in every store and on every connection.
constexpr std::uint64_t large = 1'048'576;
// For so many versions a migration is kept.
constexpr std::uint32_t kept_versions = 2;

// A namespace that never speaks of size is not told to: most values are small. One that gives itself
// room in bytes, lets large values in, or leaves them uncompressed on purpose, has thought of size and
// forgotten the large ones.
bool speaks_of_size(const Namespace& n) {
    return n.refuse_above || n.compress ||
           std::any_of(n.limits.begin(), n.limits.end(),
                       [](const Limit& l) { return l.bytes > large; });
}

void large_values(Draft& draft, const Namespace& n, const Space& s) {
    if (!speaks_of_size(n) || (n.refuse_above && *n.refuse_above <= large)) return;
    if (n.compress && !n.compress->codec.empty() && n.compress->above_bytes <= large) return;
    // A switch in the environment may have turned it off here only.
    if (n.compress && n.compress->codec.empty() && n.compress->above_bytes != 0) return;
    auto& d = draft.say.warning(
        "L0331", s.node->id.at,
        "values of " + ticked(n.name) + " above 1 MB are neither refused nor compressed",
        "kept as they come");
    d.helps.push_back("add `refuse above 1MiB`, or a codec: `compress brotli above 16KiB`");
}

void old_versions(Draft& draft, const Namespace& n, const Space& s) {
    if (n.accepts.empty()) return;
    for (const std::uint32_t version : n.accepts) {
        if (version >= n.version || n.version - version <= kept_versions) continue;
        auto& d = draft.say.warning(
            "L0332", s.version_at.empty() ? s.node->id.at : s.version_at,
            ticked(n.name) + " accepts version " + std::to_string(version) + ", which is " +
                std::to_string(n.version - version) + " versions old",
            "migrations are kept for two");
        d.helps.push_back("let it go: what is left of it is loaded anew");
    }
    const std::uint32_t oldest = *std::min_element(n.accepts.begin(), n.accepts.end());
    for (std::uint32_t version = oldest + 1; version < n.version; ++version) {
        if (n.version - version > kept_versions ||
            std::find(n.accepts.begin(), n.accepts.end(), version) != n.accepts.end())
            continue;
        auto& d = draft.say.warning(
            "L0333", s.version_at.empty() ? s.node->id.at : s.version_at,
            ticked(n.name) + " accepts version " + std::to_string(oldest) + " but not version " +
                std::to_string(version) + ", which is newer",
            "its entries are misses");
        d.helps.push_back("accept version " + std::to_string(version) +
                          " too, if it was ever in use");
    }
}

// A running kernel keeps values of a version that this policy cannot read.
void left_versions(Draft& draft, const Namespace& n, const Space& s) {
    if (!draft.options.live_versions) return;
    for (const LiveVersion& live : draft.options.live_versions(n.name)) {
        if (live.version >= n.version || live.entries + live.migrated == 0 ||
            std::find(n.accepts.begin(), n.accepts.end(), live.version) != n.accepts.end())
            continue;
        const std::string number = std::to_string(live.version);
        const std::string kept =
            live.entries != 0 ? std::to_string(live.entries) + " entries of it are kept"
                              : std::to_string(live.migrated) + " values of it were migrated";
        auto& d = draft.say.warning(
            "L0341", s.version_at.empty() ? s.node->id.at : s.version_at,
            ticked(n.name) + " does not accept version " + number + ", and " + kept,
            "they are misses");
        d.helps.push_back("accept version " + number + " until it is gone");
    }
}

}  // namespace

void check_entries(Draft& draft) {
    for (NamespaceIndex i = 0; i < draft.spaces.size(); ++i) {
        const Namespace& n = draft.policy.namespaces[i];
        if (!n.key || draft.spaces[i].broken) continue;
        large_values(draft, n, draft.spaces[i]);
        old_versions(draft, n, draft.spaces[i]);
        left_versions(draft, n, draft.spaces[i]);
        check_migrations(draft, n, draft.spaces[i]);
    }
}

}  // namespace larder::dsl
