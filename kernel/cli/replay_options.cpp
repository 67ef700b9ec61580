// kernel/cli/replay_options.cpp -- --policy, --profile, --memory: what replay and advise play on.
#include "kernel/cli/replay_options.hpp"

#include "kernel/loader/quantity.hpp"

namespace larder::cli {

void PolicyOnStage::add_to(CLI::App& app) {
    app.add_option("--policy", policy, "policy file; may be repeated")->type_name("FILE")->required()->allow_extra_args(false);
    app.add_option("--profile", profile, "profile of the policy")->type_name("NAME");
    app.add_option("--memory", memory, "of the first store that the policy names, each other has 1GiB; else what a trace says, else 256MiB")->type_name("SIZE");
}

bool PolicyOnStage::fill(std::string_view verb, replay::StageOptions& out) const {
    out.policy = policy;
    out.profile = profile;
    const auto bytes = memory.empty() ? std::optional<std::int64_t>(1) : loader::size_bytes(memory);
    if (!bytes || *bytes <= 0) {
        complain("larder " + std::string(verb) + ": --memory is a size such as 512MiB, not `" + memory + "`");
        return false;
    }
    out.memory_given = !memory.empty();
    if (memory.empty()) return true;
    out.memory_bytes = static_cast<std::uint64_t>(*bytes);
    return true;
}

}  // namespace larder::cli
