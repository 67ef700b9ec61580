// dsl/analysis/freshness.hpp -- for how long a reader may see data that is older than the last
// write.
//
// A write is what a rule is told of: a request, an event. What it drops is gone on this node when
// the call returns; other nodes are told by the shared store, and one that is not told knows so
// after max_staleness (docs/reliability.md) and serves then only what the policy lets it serve as
// stale. What is expired and not dropped is served as stale on purpose. Of what no rule is told, an
// entry's life is the bound.
//
// Without larder.toml nothing is known of stores: two tiers or more are taken for memory above one
// that all nodes share, and max_staleness for its default.
#pragma once

#include "dsl/compile.hpp"
#include "dsl/policy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace larder::dsl {

inline constexpr Ms default_max_staleness{3'000};

struct FreshnessPart {
    Ms time{};
    std::string why;
};

struct Freshness {
    std::optional<Ms> bound;           // after a write that rules are told of; nothing: no bound
    std::vector<FreshnessPart> parts;  // what it is the sum of
    std::optional<Ms> life;            // after one that nobody tells; nothing: for ever
    bool told = false;                 // every entry is dropped or expired by some rule
    std::string unreached;             // else a key, as it is stored, that none drops
};

// REQUIRES: the namespace has a key.
Freshness freshness_of(const Policy& policy, NamespaceIndex ns, const Catalog* catalog = nullptr);

// "3s until all nodes are told + 30s as stale = 33s"; of no bound why there is none.
std::string sum_of(const Freshness& freshness);

}  // namespace larder::dsl
