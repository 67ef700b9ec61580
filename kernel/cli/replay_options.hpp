// kernel/cli/replay_options.hpp -- --policy, --profile, --memory: what replay and advise play on.
#pragma once

#include "kernel/cli/verb.hpp"
#include "kernel/replay/stage_kernel.hpp"

#include <string>

namespace larder::cli {

struct PolicyOnStage {
    Words policy;
    std::string profile, memory;
    void add_to(CLI::App& app);
    // False: it has been said what is wrong.
    bool fill(std::string_view verb, replay::StageOptions& out) const;
};

}  // namespace larder::cli
