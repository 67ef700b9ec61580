// tests/sim/policies.hpp -- the policies that simulated worlds run, and which of their keys a change reaches.
//
// Keys 0 and 1 are rows, whose tags follow from their keys; 2 and 3 are documents, whose tag comes with the
// value (a late tag).
#pragma once

#include "dsl/policy.hpp"

#include <cstdint>
#include <memory>

namespace larder::sim {

inline constexpr std::uint64_t key_count = 4, policy_count = 7;

struct PolicyFacts {
    std::uint64_t life_ms = 0, stale_ms = 0;  // how long an entry may live, with every use; and as stale after that
    std::uint64_t wait_ms = 0;  // for another's load: then a caller loads itself; 0: until its deadline
    const char* tiers = "";     // of a world with a shared store
    const char* ttl = "";
    const char* clauses = "";
    bool absent = false;        // the origin may have nothing, which is remembered
    bool depends = false;       // documents are made from row 0
};
const PolicyFacts& policy_facts(std::uint64_t policy);

// Compiled once a process.
std::shared_ptr<const dsl::Policy> compiled_policy(std::uint64_t policy, bool shared);

// Loads of documents do not know their tags before they are done, and a pattern that is not declared drops a whole
// shared namespace: what is changed concerns its namespace.
inline bool may_concern(std::uint64_t changed, std::uint64_t key) { return (changed < 2) == (key < 2); }
inline bool may_concern_all(std::uint64_t, std::uint64_t) { return true; }

inline const char* space_of(std::uint64_t key) { return key < 2 ? "row" : "doc"; }

}  // namespace larder::sim
