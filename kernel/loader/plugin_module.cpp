// kernel/loader/plugin_module.cpp -- a loaded plugin that has been found to be what its manifest
// says.
#include "kernel/loader/plugin_module.hpp"

#include "kernel/loader/host_visit.hpp"
#include "kernel/loader/plugin_guard.hpp"
#include "kernel/loader/reason.hpp"
#include "kernel/loader/sealed_file.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace larder::loader {
namespace {

constexpr std::size_t least_plugin =
    offsetof(larder_plugin, deinit) + sizeof(larder_plugin::deinit);
constexpr std::size_t least_component =
    offsetof(larder_component, destroy) + sizeof(larder_component::destroy);

// A name or version of a descriptor. One that does not end is not read on for ever.
std::string_view text_of(const char* text) {
    constexpr std::size_t most = 128;
    return text == nullptr ? std::string_view() : std::string_view(text, ::strnlen(text, most));
}

// Of bytes that nobody has checked, as much as fits into a line.
std::string shown(std::string_view text) {
    std::string out(text.empty() ? "nothing" : text);
    for (char& c : out) {
        c = c < ' ' || c > '~' ? '?' : c;
    }
    return out;
}

// Members that the plugin's headers did not have are NULL.
larder_component whole(const larder_component& theirs) {
    larder_component ours{};
    const std::size_t size = theirs.struct_size / sizeof(void*) * sizeof(void*);
    std::memcpy(&ours, &theirs, std::min(size, sizeof ours));
    ours.struct_size = sizeof ours;
    return ours;
}

std::string differs(std::string_view what, std::string_view manifest, std::string_view descriptor) {
    return "its manifest says " + std::string(what) + " " + std::string(manifest) +
           ", its descriptor " + shown(descriptor);
}

std::string title(Kind kind, std::string_view name) {
    return std::string(name_of(kind)) + " " + shown(name);
}

// The manifest's text between the marker lines, as the loaded module carries it.
std::string_view embedded_text(const larder_plugin& plugin) {
    constexpr std::string_view begin = LARDER_MANIFEST_BEGIN;
    constexpr std::string_view end = LARDER_MANIFEST_END;
    constexpr std::size_t most_manifest = std::size_t{1} << 18;
    std::string_view text = plugin.manifest == nullptr ? std::string_view()
                            : plugin.manifest_size != 0
                                ? std::string_view(plugin.manifest, plugin.manifest_size)
                                : std::string_view(plugin.manifest,
                                                   ::strnlen(plugin.manifest, most_manifest));
    if (!text.starts_with(begin)) {
        return {};
    }
    text.remove_prefix(begin.size());
    return text.substr(0, text.find(end));
}

std::string judge_component(const Manifest& manifest, const larder_component& theirs) {
    const auto kind = kind_of(theirs.kind);
    const std::string_view name = text_of(theirs.name);
    const ComponentManifest* said = kind ? manifest.component(*kind, name) : nullptr;
    if (said == nullptr) {
        return "its descriptor has a component " +
               (kind ? title(*kind, name) : "of kind " + std::to_string(theirs.kind)) +
               " that its manifest does not have";
    }
    if ((theirs.caps & known_capabilities(*kind)) != said->caps) {
        std::string words;
        for (const auto word : capability_words(*kind, theirs.caps ^ said->caps)) {
            words += (words.empty() ? "" : ", ") + std::string(word);
        }
        return title(*kind, name) +
               ": its manifest and its descriptor differ in the capabilities " + words;
    }
    const larder_component ours = whole(theirs);
    if (ours.create == nullptr || ours.destroy == nullptr) {
        return title(*kind, name) + " has no " + (ours.create == nullptr ? "create" : "destroy");
    }
    return {};
}

constexpr std::chrono::milliseconds longest_visit{1'000};

// The breadcrumb of what concerns a whole module.
class ModuleStep {
  public:
    ModuleStep(const PluginFile& file, const char* operation)
        : plugin_(file.manifest.id + " " + file.manifest.version),
          crumb_{plugin_.c_str(), file.path.c_str(), operation},
          scope_(&crumb_) {}
    ModuleStep(const ModuleStep&) = delete;
    ModuleStep& operator=(const ModuleStep&) = delete;

  private:
    const std::string plugin_;
    const Crumb crumb_;
    const detail::CrumbScope scope_;
};

}  // namespace

std::string disagreement(const Manifest& manifest, const larder_plugin& plugin) {
    if (plugin.magic != LARDER_ABI_MAGIC) {
        return "its " LARDER_PLUGIN_SYMBOL " is not a larder descriptor";
    }
    if (plugin.struct_size < least_plugin) {
        return "its descriptor is shorter than that of ABI 1.0";
    }
    if ((plugin.abi_version >> 16) != LARDER_ABI_MAJOR) {
        return "its descriptor is of plugin ABI generation " +
               std::to_string(plugin.abi_version >> 16);
    }
    if (text_of(plugin.id) != manifest.id) {
        return differs("id", manifest.id, text_of(plugin.id));
    }
    if (text_of(plugin.version) != manifest.version) {
        return differs("version", manifest.version, text_of(plugin.version));
    }
    if (embedded_text(plugin) != manifest.text) {
        return "the manifest it carries is not the one that was read from the file";
    }
    if (plugin.component_count > 1024 ||
        (plugin.components == nullptr && plugin.component_count != 0)) {
        return "its descriptor has no list of components";
    }
    for (std::uint32_t i = 0; i < plugin.component_count; ++i) {
        const larder_component* component = plugin.components[i];
        if (component == nullptr || component->struct_size < least_component) {
            return "component " + std::to_string(i) +
                   " of its descriptor is shorter than that of ABI 1.0";
        }
        if (auto reason = judge_component(manifest, *component); !reason.empty()) {
            return reason;
        }
    }
    for (const ComponentManifest& said : manifest.components) {
        const auto has = [&](const larder_component* c) {
            return c->kind == static_cast<std::uint32_t>(said.kind) &&
                   text_of(c->name) == said.name;
        };
        if (std::none_of(plugin.components, plugin.components + plugin.component_count, has)) {
            return "its manifest has a component " + title(said.kind, said.name) +
                   " that its descriptor does not have";
        }
    }
    return {};
}

PluginModule::PluginModule(std::shared_ptr<const PluginFile> file,
                           std::unique_ptr<PluginLibrary> library, HostServices& services)
    : file_(std::move(file)),
      library_(std::move(library)),
      table_(HostTable::lasting(services, file_->manifest.id)) {}

PluginModule::~PluginModule() {
    if (initialised_ && descriptor().deinit != nullptr) {
        const ModuleStep step(*file_, "deinit");
        Reason::of_void(descriptor().deinit);
    }
    table_.close();
    // What the kernel is made of may go when this returns.
    HostVisit::wait_until_out(longest_visit);
}

std::shared_ptr<PluginModule> PluginModule::absent(std::shared_ptr<const PluginFile> file,
                                                   HostServices& services) {
    return std::shared_ptr<PluginModule>(new PluginModule(std::move(file), nullptr, services));
}

std::shared_ptr<PluginModule> PluginModule::load(std::shared_ptr<const PluginFile> file,
                                                 HostServices& services, std::string& problem) {
    std::unique_ptr<PluginLibrary> library;
    {
        const ModuleStep step(*file, "load");
        library = PluginLibrary::open(
            file->sealed == nullptr ? file->path : file->sealed->path(), problem);
    }
    if (library == nullptr) {
        return nullptr;
    }
    if (const auto reason = disagreement(file->manifest, library->descriptor()); !reason.empty()) {
        problem = "is refused: " + reason;
        return nullptr;
    }
    std::shared_ptr<PluginModule> module(
        new PluginModule(std::move(file), std::move(library), services));
    if (const auto init = module->descriptor().init; init != nullptr) {
        const ModuleStep step(*module->file_, "init");
        Reason reason;
        const larder_status status = Reason::of(init, module->host(), reason.buffer());
        if (status != LARDER_OK) {
            problem = "is refused: its init failed: " + reason.text(status);
            return nullptr;
        }
    }
    module->initialised_ = true;
    return module;
}

larder_component PluginModule::component(Kind kind, std::string_view name) const {
    if (library_ == nullptr) {
        return {};
    }
    const larder_plugin& plugin = descriptor();
    for (std::uint32_t i = 0; i < plugin.component_count; ++i) {
        if (plugin.components[i]->kind == static_cast<std::uint32_t>(kind) &&
            text_of(plugin.components[i]->name) == name) {
            return whole(*plugin.components[i]);
        }
    }
    return {};
}

}  // namespace larder::loader
