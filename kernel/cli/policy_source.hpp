// kernel/cli/policy_source.hpp -- the policies a verb is about: files, or files as git knows them.
#pragma once

#include "dsl/compile.hpp"
#include "kernel/cli/host.hpp"
#include "kernel/cli/verb.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace larder::cli {

// The files that are named, else those of --policy or larder.toml, and the profile. Nullopt: it has been
// said that there are none.
struct ChosenPolicy {
    Words files;
    std::string profile;
};
std::optional<ChosenPolicy> chosen_files(std::string_view verb, const Words& files,
                                         const HostOptions& host);

// Compiles files to one policy. Null: it has been said, on standard error, what is wrong with them.
// Warnings are not shown: `check` does that.
std::shared_ptr<const dsl::Policy> policy_of(std::string_view verb, const Words& files,
                                             const std::string& profile);

// The same files, and what they `use`, as they were in a revision. Runs git, without a shell.
std::shared_ptr<const dsl::Policy> policy_in_git(std::string_view verb, const std::string& revision,
                                                 const Words& files, const std::string& profile);

}  // namespace larder::cli
