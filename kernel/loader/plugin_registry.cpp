// kernel/loader/plugin_registry.cpp -- from the words of larder.toml to instances: `plugin =
// "memory"` under [store.l1].
#include "kernel/loader/plugin_registry.hpp"

#include "dsl/diagnostic.hpp"
#include "kernel/loader/crash_book.hpp"
#include "kernel/loader/reason.hpp"
#include "kernel/loader/sealed_file.hpp"
#include "kernel/loader/trust.hpp"

#include <algorithm>
#include <filesystem>

namespace larder::loader {
namespace fs = std::filesystem;
namespace {

std::string abi_text(std::uint32_t abi) {
    return std::to_string(abi >> 16) + "." + std::to_string(abi & 0xffff);
}

std::string title(Kind kind, std::string_view name) {
    return std::string(name_of(kind)) + " " + std::string(name);
}

std::string offers(const Manifest& manifest) {
    std::string all;
    for (const ComponentManifest& component : manifest.components) {
        all += (all.empty() ? "" : ", ") + title(component.kind, component.name);
    }
    return "it offers " + all;
}

bool is_name(std::string_view text) {
    return !text.empty() &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == text.npos;
}

std::vector<std::string> libraries_in(const std::string& folder) {
    std::vector<std::string> files;
    std::error_code error;
    for (fs::directory_iterator each(folder, error), end; !error && each != end;
         each.increment(error)) {
        if (each->path().extension() == ".so") {
            files.push_back(each->path().string());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

// The component of the kind: the named one, or the only one there is.
const ComponentManifest* pick(const Manifest& manifest, Kind kind, std::string_view name,
                              std::string& problem) {
    if (!name.empty()) {
        const ComponentManifest* component = manifest.component(kind, name);
        if (component == nullptr) {
            problem = "has no " + title(kind, name) + "; " + offers(manifest);
        }
        return component;
    }
    const ComponentManifest* only = nullptr;
    for (const ComponentManifest& component : manifest.components) {
        if (component.kind == kind) {
            if (only != nullptr) {
                problem = "has several components of kind " + std::string(name_of(kind)) +
                          ": write #NAME behind the path; " + offers(manifest);
                return nullptr;
            }
            only = &component;
        }
    }
    if (only == nullptr) {
        problem =
            "has no component of kind " + std::string(name_of(kind)) + "; " + offers(manifest);
    }
    return only;
}

}  // namespace

std::string incompatibility(const Manifest& manifest) {
    if ((manifest.abi >> 16) != LARDER_ABI_MAJOR) {
        return "was built for plugin ABI " + abi_text(manifest.abi) + "; this larder speaks " +
               abi_text(LARDER_ABI_VERSION);
    }
    if (manifest.requires_abi > LARDER_ABI_VERSION) {
        return "needs plugin ABI " + abi_text(manifest.requires_abi) + "; this larder speaks " +
               abi_text(LARDER_ABI_VERSION);
    }
    return {};
}

// The file of a name; empty with a problem when there is none, or more than one.
std::string PluginRegistry::locate(Kind kind, std::string_view name, std::string& problem) const {
    const std::string file = std::string(name_of(kind)) + "_" + std::string(name) + ".so";
    std::string found;
    std::string folders;
    for (const std::string& folder : options_.path) {
        folders += (folders.empty() ? "" : ", ") + folder;
        std::error_code error;
        const fs::path here = fs::canonical(fs::path(folder) / file, error);
        if (error || here == found) {
            continue;
        }
        if (!found.empty()) {
            problem =
                "two plugins are " + title(kind, name) + ": " + found + " and " + here.string();
            return {};
        }
        found = here.string();
    }
    if (found.empty()) {
        problem = "there is no " + file + " on the plugin path (" +
                  (folders.empty() ? "which is empty" : folders) + ")";
        std::vector<std::string> names;
        const std::string prefix = std::string(name_of(kind)) + "_";
        for (const std::string& folder : options_.path) {
            for (const std::string& each : libraries_in(folder)) {
                if (std::string stem = fs::path(each).stem().string(); stem.starts_with(prefix)) {
                    names.push_back(stem.substr(prefix.size()));
                }
            }
        }
        const std::vector<std::string_view> candidates(names.begin(), names.end());
        if (const auto near = dsl::nearest(name, candidates); !near.empty()) {
            problem += "; did you mean \"" + std::string(near) + "\"?";
        }
    }
    return found;
}

std::shared_ptr<const PluginFile> PluginRegistry::open(const std::string& path,
                                                       std::string& problem) {
    if (const auto known = files_.find(path); known != files_.end()) {
        return known->second;
    }
    if (!trusts(path, problem)) {
        return nullptr;
    }
    std::shared_ptr<const SealedFile> sealed;
    if (!options_.lock_file.empty()) {
        sealed = read_pinned(path, problem);
        if (sealed == nullptr) {
            return nullptr;
        }
    }
    std::string reason;
    std::optional<Manifest> manifest =
        read_manifest(sealed == nullptr ? path : sealed->path(), reason);
    if (manifest) {
        reason = incompatibility(*manifest);
    }
    if (!reason.empty()) {
        problem = path + " " + reason;
        return nullptr;
    }
    auto file = std::make_shared<const PluginFile>(
        PluginFile{path, std::move(*manifest), std::move(sealed)});
    if (!is_alone(*file, problem)) {
        return nullptr;
    }
    files_.emplace(path, file);
    return file;
}

bool PluginRegistry::trusts(const std::string& path, std::string& problem) {
    std::string reason;
    if (is_trusted(path, reason)) {
        return true;
    }
    if (!options_.trust_path) {
        problem = path + " " + reason;
        return false;
    }
    warnings_.push_back(path + " " + reason.substr(0, reason.find(';')) +
                        ", but trust_path is set");
    return true;
}

std::shared_ptr<const SealedFile> PluginRegistry::read_pinned(const std::string& path,
                                                              std::string& problem) {
    if (!locked_) {
        if (!trusts(options_.lock_file, problem)) {
            return nullptr;
        }
        locked_ = read_lock_file(options_.lock_file, problem);
        if (!locked_) {
            return nullptr;
        }
    }
    auto sealed = SealedFile::read(path, problem);
    if (sealed == nullptr) {
        problem = path + " " + problem;
        return nullptr;
    }
    if (const auto reason = unlocked(*locked_, options_.lock_file, path, sealed->sha256());
        !reason.empty()) {
        problem = path + " " + reason;
        return nullptr;
    }
    return sealed;
}

bool PluginRegistry::is_alone(const PluginFile& file, std::string& problem) const {
    for (const auto& [path, other] : files_) {
        if (other->manifest.id == file.manifest.id) {
            problem =
                "two plugins have the id " + file.manifest.id + ": " + path + " and " + file.path;
            return false;
        }
        for (const ComponentManifest& component : file.manifest.components) {
            if (other->manifest.component(component.kind, component.name) != nullptr) {
                problem = "two plugins are " + title(component.kind, component.name) + ": " + path +
                          " and " + file.path;
                return false;
            }
        }
    }
    return true;
}

std::optional<FoundPlugin> PluginRegistry::find(Kind kind, std::string_view plugin,
                                                std::string& problem) {
    std::string path;
    std::string_view name = plugin;
    if (plugin.starts_with('/')) {
        const auto hash = plugin.rfind('#');
        name = hash == plugin.npos ? std::string_view() : plugin.substr(hash + 1);
        std::error_code error;
        path = fs::canonical(fs::path(plugin.substr(0, hash)), error).string();
        if (error) {
            problem = std::string(plugin.substr(0, hash)) + " cannot be read: " + error.message();
            return std::nullopt;
        }
    } else if (!is_name(plugin)) {
        problem = "a plugin is a name like \"memory\" or an absolute path, found \"" +
                  std::string(plugin) + "\"";
        return std::nullopt;
    } else if (path = locate(kind, plugin, problem); path.empty()) {
        return std::nullopt;
    }
    const auto file = open(path, problem);
    if (file == nullptr) {
        return std::nullopt;
    }
    const ComponentManifest* component = pick(file->manifest, kind, name, problem);
    if (component == nullptr) {
        problem = path + " " + problem;
        return std::nullopt;
    }
    return FoundPlugin{file, component};
}

std::shared_ptr<PluginInstance> PluginRegistry::make(const FoundPlugin& found, OptionValues options,
                                                     std::string title_text, HostServices& services,
                                                     std::string& problem) {
    if (!options_.crash_book.empty()) {
        const Manifest& manifest = found.file->manifest;
        auto why = quarantine_of(read_crashes(options_.crash_book),
                                 manifest.id + " " + manifest.version);
        if (!why.empty()) {
            services.log("kernel", LARDER_LOG_ERROR, title_text + ": " + found.file->path + " " + why);
            return PluginInstance::stand_in(PluginModule::absent(found.file, services),
                                            *found.component, std::move(options),
                                            std::move(title_text), std::move(why));
        }
    }
    auto& known = modules_[found.file->path];
    std::shared_ptr<PluginModule> module = known.lock();
    if (module == nullptr) {
        module = PluginModule::load(found.file, services, problem);
        if (module == nullptr) {
            problem = found.file->path + " " +
                      (problem.starts_with("its ") ? "is refused: " : "") + problem + ask_the_kit;
            return nullptr;
        }
        known = module;
    }
    return PluginInstance::create(std::move(module), *found.component, std::move(options),
                                  std::move(title_text), problem);
}

std::vector<ListedPlugin> PluginRegistry::list() const {
    std::vector<ListedPlugin> all;
    for (const std::string& folder : options_.path) {
        for (const std::string& path : libraries_in(folder)) {
            ListedPlugin listed{path, {}, {}};
            std::string reason;
            if (!options_.trust_path && !is_trusted(path, reason)) {
                listed.problem = std::move(reason);
            } else if (auto manifest = read_manifest(path, reason); !manifest) {
                listed.problem = std::move(reason);
            } else if (listed.problem = incompatibility(*manifest); listed.problem.empty()) {
                listed.manifest = std::move(manifest);
            }
            all.push_back(std::move(listed));
        }
    }
    return all;
}

}  // namespace larder::loader
