// kernel/config/host_schema.hpp -- the kernel's own keys of larder.toml: names, types, ranges, defaults.
#pragma once

#include "kernel/config/host_config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace larder::config {

// One documented key, as `larder plugins --json` tells it and as the test of conf/larder.toml asks for.
struct KernelKey {
    std::string_view table;  // "" for the top, "limits"
    std::string_view name;
    std::string_view fallback;  // as it would be written; empty: none
};
const std::vector<KernelKey>& kernel_keys();

// Fills `out` from the tree. What is wrong is left at its default and said in `found`.
void interpret(const Table& tree, const std::string& folder, HostConfig& out,
               std::vector<dsl::Diagnostic>& found);

}  // namespace larder::config
