// kernel/replay/replay.hpp -- traffic of a file through one policy, or through two side by side.
//
// Each policy has a stage and a thread of its own and reads the file by itself, so two cost no more time than
// one where there are two processors, and neither knows of the other.
#pragma once

#include "kernel/replay/access_log.hpp"
#include "kernel/replay/stage.hpp"
#include "kernel/replay/tally.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::replay {

struct ReplayOptions {
    StageOptions stage;                  // the policy to be tried
    std::optional<StageOptions> against; // another one beside it
    std::optional<LogFormat> format;     // of an access log; none: found out
    AccessLogOptions log;
    std::uint64_t most = UINT64_MAX;     // operations; what follows is not played, and the facts say so
};

// What the file is, whatever the policy.
struct TrafficFacts {
    std::string what;  // "access log, combined", "trace"
    bool is_trace = false;
    std::uint64_t began_ms = 0;  // since 1970; 0: not known
    std::uint64_t lines = 0, bad = 0;
    std::vector<BadLine> first_bad;
    bool cut = false;            // there is more than ReplayOptions::most
    std::uint64_t sample = 1;            // one key in so many was recorded
    std::uint64_t recorded_policy = 0;   // fingerprint of the one that ran
    std::string problem;                 // why it ended before its end; empty: it did not
    std::vector<std::string> unknowable; // what such a file does not say
};

struct Replayed {
    TrafficFacts facts;
    Tally tried;
    std::optional<Tally> against;   // of the other policy; else, of a trace, what was recorded
    bool against_is_recorded = false;
};

// Nullopt: `problem` says why, ready to print. `text` is the whole file.
std::optional<Replayed> replay(std::string_view text, const ReplayOptions& options, std::string& problem);

}  // namespace larder::replay
