// dsl/check_nodes.cpp -- what several nodes see of each other's drops: only with larder.toml at hand.
//
// Where a namespace has a tier in a shared store, that store tells all nodes what was dropped, and
// memory above it follows. A namespace that lives in memory alone has nobody to tell: a write that
// reaches one node leaves the copies of the others. What is shared or outlives the process is judged
// by records that stand beside it: in one store of a namespace, or in two that all nodes share, of which the nearer has
// copies (kernel/core/cache_far.cpp). Any other second one would be left out.
#include "dsl/check_run.hpp"

#include <algorithm>
#include <vector>

namespace larder::dsl {

namespace {

const Catalog::Store* store_of(const Catalog& catalog, const std::string& name) {
    const auto it = std::find_if(catalog.stores.begin(), catalog.stores.end(),
                                 [&](const Catalog::Store& s) { return s.name == name; });
    return it == catalog.stores.end() ? nullptr : &*it;
}

struct Copies {
    std::string store;  // the first that is of one node only
    std::optional<Ms> longest;
    bool shared = false;
};

Copies copies_of(const Namespace& n, const Catalog& catalog) {
    Copies out;
    const auto add = [&](const Catalog::Store& s, std::optional<Ms> ttl) {
        out.shared = out.shared || s.shared;
        if (s.shared || !out.store.empty()) return;
        out.store = s.name;
        out.longest = ttl;
    };
    if (n.tiers.empty()) {
        for (const Catalog::Store& s : catalog.stores) add(s, std::nullopt);
    }
    for (const TierUse& t : n.tiers) {
        const Catalog::Store* s = store_of(catalog, t.store);
        if (s && t.enabled) add(*s, t.ttl);
    }
    if (!out.longest && n.ttl) out.longest = n.ttl->ttl;
    return out;
}

// The stores with records of their own among a namespace's tiers.
std::vector<const Catalog::Store*> judges_of(const Namespace& n, const Catalog& catalog) {
    std::vector<const Catalog::Store*> out;
    const auto add = [&](const Catalog::Store& s) {
        if (s.shared || s.persistent) out.push_back(&s);
    };
    if (n.tiers.empty()) std::for_each(catalog.stores.begin(), catalog.stores.end(), add);
    for (const TierUse& t : n.tiers)
        if (const Catalog::Store* s = store_of(catalog, t.store); s && t.enabled) add(*s);
    return out;
}

void check_judges(Draft& draft, const Catalog& catalog) {
    for (NamespaceIndex i = 0; i < draft.spaces.size(); ++i) {
        const Namespace& n = draft.policy.namespaces[i];
        const Space& s = draft.spaces[i];
        if (!n.key || s.broken) continue;
        const auto judges = judges_of(n, catalog);
        // Two that all nodes share: the nearer one has copies of what the farther one has.
        if (judges.size() < 2 || (judges.size() == 2 && judges[0]->shared && judges[1]->shared)) continue;
        auto& d = draft.say.error("L0338", s.node->id.at,
                                  ticked(n.name) + " has tiers in " + ticked(judges[0]->name) + " and in " +
                                      ticked(judges[1]->name) + ", and each judges its entries by records of its own",
                                  ticked(judges[1]->name) + " would never be written");
        d.notes.push_back(n.tiers.empty() ? "without `tiers` a namespace has all stores of " + catalog.file
                                          : "one store of a namespace outlives the process, or two that all nodes share");
        d.helps.push_back("name one of them in `tiers`: the shared one where there are several nodes");
    }
}

// What is handed on from tier to tier has to be known to this process alone.
void check_demotion(Draft& draft, const Catalog* catalog) {
    for (NamespaceIndex i = 0; i < draft.spaces.size(); ++i) {
        const Namespace& n = draft.policy.namespaces[i];
        const Space& s = draft.spaces[i];
        if (!n.demote || !n.key || s.broken) continue;
        const auto in_use = static_cast<std::size_t>(std::count_if(n.tiers.begin(), n.tiers.end(), [](const TierUse& t) { return t.enabled; }));
        const std::size_t tiers = n.tiers.empty() ? (catalog != nullptr ? catalog->stores.size() : 2) : in_use;
        if (tiers < 2) {
            draft.say.error("L0242", s.node->id.at, ticked(n.name) + " demotes, and has no tier below its first one", "there is nowhere to go")
                .helps.push_back("name the tier that gets what the first has no room for, as in `tiers memory -> spill`, or leave `demote` out");
            continue;
        }
        const auto judges = catalog != nullptr ? judges_of(n, *catalog) : std::vector<const Catalog::Store*>();
        if (judges.empty()) continue;
        auto& d = draft.say.error("L0242", s.node->id.at, ticked(n.name) + " demotes into " + ticked(judges.front()->name) +
                                      ", which has to know of every entry before anybody reads it",
                                  "nothing that only memory has could be taken back there");
        d.notes.push_back(ticked(judges.front()->name) + (judges.front()->shared ? " is shared with other nodes" : " outlives this process"));
        d.helps.push_back("leave `demote` out: it has all entries already, and eviction from memory loses none; or demote into a `spill` store");
    }
}

}  // namespace

void check_nodes(Draft& draft) {
    const Catalog* catalog = draft.options.catalog;
    check_demotion(draft, catalog);
    if (catalog) check_judges(draft, *catalog);
    if (!catalog || std::none_of(catalog->stores.begin(), catalog->stores.end(),
                                 [](const Catalog::Store& s) { return s.shared; }))
        return;
    for (NamespaceIndex i = 0; i < draft.spaces.size(); ++i) {
        const Namespace& n = draft.policy.namespaces[i];
        const Space& s = draft.spaces[i];
        if (!n.key || !s.reachable || s.broken || n.is_static) continue;
        const Copies copies = copies_of(n, *catalog);
        if (copies.shared || copies.store.empty()) continue;
        auto& d = draft.say.warning(
            "L0308", s.node->id.at,
            ticked(copies.store) +
                " is not told about drops on other nodes: after a write a reader there may see old "
                "data of " +
                ticked(n.name) +
                (copies.longest ? " for up to " + spoken(*copies.longest) : " for ever"),
            "in no shared store");
        const auto shared = std::find_if(catalog->stores.begin(), catalog->stores.end(),
                                         [](const Catalog::Store& one) { return one.shared; });
        d.helps.push_back("add the shared store, as in `tiers " + copies.store + " -> " +
                          shared->name + "`: it tells every node; or say `static`");
    }
}

}  // namespace larder::dsl
