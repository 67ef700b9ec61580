// kernel/loader/plugin_library.hpp -- one shared library in this process, with its descriptor.
//
// Loaded with all symbols resolved at once, into a scope of its own, and never unloaded: a thread,
// a thread-local destructor or a value's release function of the plugin may outlive every reference
// that the kernel knows of. Loading is for one thread, the control thread.
#pragma once

#include <larder/plugin/plugin.h>

#include <memory>
#include <string>

namespace larder::loader {

class PluginLibrary {
  public:
    // Runs the library's constructors. Null: `problem` is one line without the file's name.
    // The dynamic linker takes an equal path for the same library.
    // REQUIRES: an absolute path.
    static std::unique_ptr<PluginLibrary> open(const std::string& path, std::string& problem);
    ~PluginLibrary();
    PluginLibrary(const PluginLibrary&) = delete;
    PluginLibrary& operator=(const PluginLibrary&) = delete;

    const larder_plugin& descriptor() const { return *descriptor_; }

  private:
    struct Loaded;
    explicit PluginLibrary(std::unique_ptr<Loaded> loaded);
    std::unique_ptr<Loaded> loaded_;
    const larder_plugin* descriptor_;
};

}  // namespace larder::loader
