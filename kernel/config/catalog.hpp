// kernel/config/catalog.hpp -- what a host configuration offers, judged without running any plugin code.
//
// The second half of checking larder.toml: each instance's plugin is found, its manifest read, its
// options typed. `larder check` stops here; the kernel's start goes on from the same Plan, so what is
// clean is what starts.
#pragma once

#include "dsl/compile.hpp"
#include "kernel/config/host_config.hpp"
#include "kernel/loader/plugin_registry.hpp"

#include <string>
#include <vector>

namespace larder::config {

struct PlannedInstance {
    Instance from;
    loader::FoundPlugin plugin;
    loader::OptionValues options;
    std::string title;  // "store.l1"
    std::string where;  // "conf/larder.toml:14:8"
};

struct Plan {
    std::vector<PlannedInstance> instances;  // in file order; without those in error
    dsl::Catalog catalog;                    // for the policy's compiler
    std::vector<dsl::Diagnostic> found;      // point into HostConfig::sources
    bool ok() const { return !dsl::has_errors(found); }
};

Plan plan(const HostConfig& config, loader::PluginRegistry& registry);

// The plugin path of a configuration, its own or the default, as absolute folders.
loader::RegistryOptions registry_options(const HostConfig& config);

}  // namespace larder::config
