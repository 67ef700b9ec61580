// kernel/replay/advice.hpp -- changes of a policy that would have been worth it, each tried before it is told.
//
// Every proposal is compiled and played on the same traffic as the policy itself; what brings no new finding
// of the compiler, makes better what it aims at and nothing else worse is offered, with the numbers of both
// runs. Of several steps of one change the smallest that brings most of what the largest brings. Each is a
// patch against the policy as it is, so that it can be taken alone.
#pragma once

#include "kernel/replay/proposals.hpp"
#include "kernel/replay/replay.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::replay {

struct Suggestion {
    Proposal what;
    std::string diff;  // unified, of its file
    Tally after;
};

struct Advice {
    TrafficFacts facts;
    Tally base;
    std::vector<Suggestion> suggestions;
    std::vector<std::string> remarks;  // what the traffic says without a patch: rules that never fired, ...
    std::size_t tried = 0;             // proposals that were played
};

// options.against is not used. `progress` is told what is played next. Nullopt: `problem` says why.
std::optional<Advice> advise(std::string_view traffic, const ReplayOptions& options, const std::function<void(const std::string&)>& progress,
                             std::string& problem);

std::string render_text(const Advice& advice);
std::string render_json(const Advice& advice);

}  // namespace larder::replay
