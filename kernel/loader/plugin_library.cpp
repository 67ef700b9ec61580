// kernel/loader/plugin_library.cpp -- one shared library in this process; the only Boost.DLL file.
//
// What Boost.DLL 1.81 does not say loudly: its default is RTLD_LAZY, which finds a missing symbol
// at the first hit; it has no name for RTLD_NODELETE, but passes foreign bits through; a copy of a
// shared_library opens the file again by its path, so there is none; only the throwing overload of
// load carries the dynamic linker's words; and get<T>() checks no type, hence the magic number.
#include "kernel/loader/plugin_library.hpp"

#include <boost/dll/shared_library.hpp>
#include <dlfcn.h>

#include <algorithm>
#include <exception>

namespace larder::loader {
namespace dll = boost::dll;

struct PluginLibrary::Loaded {
    dll::shared_library library;
    const larder_plugin* descriptor = nullptr;
};

PluginLibrary::PluginLibrary(std::unique_ptr<Loaded> loaded)
    : loaded_(std::move(loaded)), descriptor_(loaded_->descriptor) {}
PluginLibrary::~PluginLibrary() = default;

std::unique_ptr<PluginLibrary> PluginLibrary::open(const std::string& path, std::string& problem) {
    constexpr auto mode = static_cast<dll::load_mode::type>(
        static_cast<unsigned>(dll::load_mode::rtld_now) | static_cast<unsigned>(RTLD_NODELETE));
    try {
        auto loaded = std::make_unique<Loaded>();
        loaded->library.load(path, mode);
        if (!loaded->library.has(LARDER_PLUGIN_SYMBOL)) {
            problem = "exports no " LARDER_PLUGIN_SYMBOL;
            return nullptr;
        }
        loaded->descriptor = &loaded->library.get<const larder_plugin>(LARDER_PLUGIN_SYMBOL);
        return std::unique_ptr<PluginLibrary>(new PluginLibrary(std::move(loaded)));
    } catch (const std::exception& e) {
        problem = std::string("cannot be loaded: ") + e.what();
        std::replace(problem.begin(), problem.end(), '\n', ' ');
        return nullptr;
    }
}

}  // namespace larder::loader
