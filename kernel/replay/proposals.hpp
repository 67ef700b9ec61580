// kernel/replay/proposals.hpp -- what could be changed in a policy, looking at what came of it.
//
// Guesses only: each names a place where the numbers hint at something, and the text it would become.
// Whether it is worth anything, advice.hpp finds out by playing it.
#pragma once

#include "dsl/policy.hpp"
#include "kernel/replay/tally.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace larder::replay {

// What it has to make better, and what it may cost.
enum class Aim : std::uint8_t { misses, memory, peak };

struct Proposal {
    std::string title;  // `user_details: ttl 12m instead of 3m`
    std::string price;  // what it costs or takes for granted
    std::string space;  // the namespace it is about
    Aim aim = Aim::misses;
    std::string file, text;  // the new text of one file
};

// Of one thing to change, from the smallest step to the largest: at most one of them is worth offering.
using Proposals = std::vector<Proposal>;

// `read` gives the text of a policy's file.
std::vector<Proposals> proposals(const dsl::Policy& policy, const Tally& base,
                                 const std::function<std::optional<std::string>(const std::string& file)>& read);

}  // namespace larder::replay
