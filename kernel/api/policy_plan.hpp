// kernel/api/policy_plan.hpp -- what a new policy would do to a kernel that runs: meaning, and live counts.
//
// The difference is that of `larder diff`. To it come the entries that are kept: which of them nobody could
// read any more, which stores are emptied, how many entries each new deed of a rule reaches, and what the
// guards of both policies say. The guards of the one that runs are asked too, so that no change takes away
// the guard it would break.
#pragma once

#include "dsl/analysis/policy_difference.hpp"
#include "dsl/policy.hpp"
#include "kernel/core/cache.hpp"
#include "kernel/core/shares.hpp"

#include <boost/json/object.hpp>

#include <span>
#include <string>
#include <vector>

namespace larder::api {

// What becomes of the entries of one namespace.
struct SpaceEffect {
    std::string name;
    bool unreadable = false;  // all of them are misses from the switch on
    std::uint64_t entries = 0;
    Counted counted = Counted::exact;
    bool unseen = false;               // a shared store keeps more, which nobody counts
    std::vector<std::string> reasons;  // sentences
};

// One thing that rules do with the new policy and did not do before, or to others.
struct RuleReach {
    std::string deed;   // "drop user_details \"{user_id}\""
    std::string where;  // "hotel.larder:19"
    std::string radius; // "one", "pattern" or "all"
    std::uint64_t entries = 0, kept = 0;  // at most this many of these
    Counted counted = Counted::exact;
    std::vector<std::string> namespaces;
};

struct PolicyPlan {
    std::string before, after;  // ids
    dsl::PolicyDifference difference;
    std::vector<SpaceEffect> spaces;
    std::vector<RuleReach> rules;
    std::vector<std::string> emptied;  // stores that are emptied with every policy
    std::uint64_t kept = 0, unreadable = 0;
    Counted counted = Counted::exact;
    std::vector<GuardBreach> breaches;  // need --confirm
    std::vector<std::string> watches;   // what is watched after it was applied
    std::vector<std::string> warnings;
    bool same() const { return difference.empty() && difference.complete; }
};

// `held` is what Cache::holdings() says under `before`. REQUIRES: both outlive the plan's renderings.
PolicyPlan plan_of(const dsl::Policy& before, const dsl::Policy& after, std::span<const SpaceShare> held, std::vector<std::string> emptied);

std::string plan_text(const PolicyPlan& plan, const dsl::Policy& before, const dsl::Policy& after);
boost::json::object plan_json(const PolicyPlan& plan, const dsl::Policy& before, const dsl::Policy& after);

}  // namespace larder::api
