// tests/sim/policies.cpp -- their texts.
#include "tests/sim/policies.hpp"

#include "dsl/compile.hpp"

#include <array>
#include <map>
#include <stdexcept>
#include <string>

namespace larder::sim {

const PolicyFacts& policy_facts(std::uint64_t policy) {
    static constexpr std::array<PolicyFacts, policy_count> facts{{
        {3000, 0, 0, "tiers l1 2s -> l2;", "ttl 3s;", ""},
        {1000, 0, 0, "tiers l1 -> l2;", "ttl 1s;", ""},
        {3000, 0, 0, "tiers l2;", "ttl 3s;", ""},
        {1500, 1000, 0, "tiers l1 -> l2;", "ttl 1500ms;", "stale 500ms while revalidating, 1s on error;"},
        {3000, 0, 60, "tiers l1 2s -> l2;", "ttl 3s;", "coalesce wait 60ms;"},
        {2000, 0, 0, "tiers l1 -> l2;", "ttl 600ms sliding at most 2s;", "absent 400ms;", true, false},
        {3000, 0, 0, "tiers l1 -> l2;", "ttl 3s;", "", false, true},
    }};
    return facts.at(policy);
}

std::shared_ptr<const dsl::Policy> compiled_policy(std::uint64_t policy, bool shared) {
    static std::map<std::pair<std::uint64_t, bool>, std::shared_ptr<const dsl::Policy>> known;
    auto& place = known[{policy, shared}];
    if (place != nullptr) return place;
    const PolicyFacts& facts = policy_facts(policy);
    const std::string common = std::string(facts.ttl) + " " + facts.clauses + (shared ? facts.tiers : "tiers l1;");
    const std::string text = "larder 1\n"
        "namespace row { key \"{id}\"; tag \"row:{id}\"; tag \"rows\"; " + common + " }\n"
        "namespace doc { key \"{id}\"; with owner; tag \"owner:{owner}\"; " + (facts.depends ? "depends on row \"0\"; " : "") + common + " }\n" +
        (shared ? "breaker l2 { open after 3 failures; retry after 150ms; probe 1 }\n" : "");
    const dsl::Compiled made = dsl::compile_text("simulated.larder", text, {});
    if (!made.ok()) throw std::runtime_error(dsl::render_text(*made.sources, made.found, false));
    return place = made.policy;
}

}  // namespace larder::sim
