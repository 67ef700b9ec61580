// kernel/loader/plugin_registry.hpp -- from the words of larder.toml to instances: `plugin =
// "memory"` under [store.l1].
//
// Finding and loading are two steps. find() reads manifests and judges owners, and runs nothing: it
// is all that `larder check` needs. make() loads what find() found, once per file. What nobody
// names is never loaded.
//
// A name leads to KIND_NAME.so in a folder of the plugin path; any other plugin is named by its
// absolute path, with #NAME behind it when the file has several components of the kind.
#pragma once

#include "kernel/loader/instance.hpp"
#include "kernel/loader/lock_file.hpp"
#include "kernel/loader/plugin_module.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::loader {

struct RegistryOptions {
    std::vector<std::string> path;  // folders, absolute
    bool trust_path = false;        // do not judge owners; each file so taken is a warning
    std::string lock_file = {};     // only what it pins, as it is pinned; empty: nothing is
    std::string crash_book = {};    // whose plugins are in quarantine; empty: none is
};

// What find() found. Lives on when the registry goes.
struct FoundPlugin {
    std::shared_ptr<const PluginFile> file;
    const ComponentManifest* component = nullptr;  // in file->manifest
};

// One file of the plugin path, for `larder plugins`.
struct ListedPlugin {
    std::string path;
    std::optional<Manifest> manifest;  // nullopt: problem says why
    std::string problem;
};

// For one thread at a time. [control]
class PluginRegistry {
  public:
    explicit PluginRegistry(RegistryOptions options) : options_(std::move(options)) {}
    PluginRegistry(const PluginRegistry&) = delete;
    PluginRegistry& operator=(const PluginRegistry&) = delete;

    // Nullopt: `problem` is one line, with the file's path where there is a file. Runs no plugin
    // code.
    std::optional<FoundPlugin> find(Kind kind, std::string_view plugin, std::string& problem);

    // Loads the file if no instance has yet, and creates one; see PluginInstance::create for title.
    // A plugin in quarantine is not loaded: the instance is a stand-in, and the log says so.
    // REQUIRES: services outlives all instances.
    std::shared_ptr<PluginInstance> make(const FoundPlugin& found, OptionValues options,
                                         std::string title, HostServices& services,
                                         std::string& problem);

    // Every .so of the plugin path, by name. Runs no plugin code.
    std::vector<ListedPlugin> list() const;

    // What trust_path let pass so far, one line each.
    const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    std::string locate(Kind kind, std::string_view name, std::string& problem) const;
    std::shared_ptr<const PluginFile> open(const std::string& path, std::string& problem);
    bool is_alone(const PluginFile& file, std::string& problem) const;
    // The bytes of a file, when the lock file has them so.
    std::shared_ptr<const SealedFile> read_pinned(const std::string& path, std::string& problem);
    bool trusts(const std::string& path, std::string& problem);

    const RegistryOptions options_;
    std::map<std::string, std::shared_ptr<const PluginFile>> files_;  // by canonical path
    std::map<std::string, std::weak_ptr<PluginModule>> modules_;      // by canonical path
    std::vector<std::string> warnings_;
    std::optional<LockedPlugins> locked_;  // once read
};

// Empty: this kernel can run it. Else why not.
std::string incompatibility(const Manifest& manifest);

}  // namespace larder::loader
