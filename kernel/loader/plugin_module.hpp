// kernel/loader/plugin_module.hpp -- a loaded plugin that has been found to be what its manifest
// says.
#pragma once

#include "kernel/loader/host_services.hpp"
#include "kernel/loader/manifest.hpp"
#include "kernel/loader/plugin_library.hpp"

#include <memory>
#include <string>

namespace larder::loader {

class SealedFile;

// A file that may be loaded: its manifest has been read, nothing of it has run.
struct PluginFile {
    std::string path;  // absolute, symbolic links followed
    Manifest manifest;
    // The bytes that were compared with the lock file, and from which the manifest was read and the
    // code is loaded; null: it is not pinned, and loaded from its path.
    std::shared_ptr<const SealedFile> sealed = nullptr;
};

class PluginModule {
  public:
    // Loads the file and compares its descriptor with the manifest, then calls its init. Null:
    // `problem` is one line without the file's name. [control]
    static std::shared_ptr<PluginModule> load(std::shared_ptr<const PluginFile> file,
                                              HostServices& services, std::string& problem);
    // Of which nothing is loaded or will be: what stands in for one in quarantine.
    static std::shared_ptr<PluginModule> absent(std::shared_ptr<const PluginFile> file,
                                                HostServices& services);
    ~PluginModule();  // deinit; the code stays mapped
    PluginModule(const PluginModule&) = delete;
    PluginModule& operator=(const PluginModule&) = delete;

    const PluginFile& file() const { return *file_; }
    const Manifest& manifest() const { return file_->manifest; }
    const larder_plugin& descriptor() const { return library_->descriptor(); }  // not of an absent one
    const larder_host* host() const { return table_.host(); }
    const HostTable& table() const { return table_; }
    // The component of that kind and name in the kernel's size; of an absent one without functions.
    // REQUIRES: the manifest has it.
    larder_component component(Kind kind, std::string_view name) const;

  private:
    PluginModule(std::shared_ptr<const PluginFile> file, std::unique_ptr<PluginLibrary> library,
                 HostServices& services);

    std::shared_ptr<const PluginFile> file_;
    std::unique_ptr<PluginLibrary> library_;
    HostTable& table_;
    bool initialised_ = false;
};

// Empty: the descriptor says what the manifest says. Else in what they differ.
std::string disagreement(const Manifest& manifest, const larder_plugin& plugin);

}  // namespace larder::loader
