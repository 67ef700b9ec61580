// kernel/cli/plugins.cpp -- larder plugins: what is on the plugin path, without running any of it.
#include "kernel/cli/plugins.hpp"

#include "kernel/cli/host.hpp"
#include "kernel/config/catalog.hpp"

#include <boost/json.hpp>

#include <cstdio>

namespace larder::cli {
namespace {

namespace json = boost::json;
using loader::ComponentManifest;
using loader::ListedPlugin;
using loader::OptionSpec;
using loader::OptionType;

json::value shown(const loader::Scalar& value) {
    return std::visit([](const auto& v) { return json::value(v); }, value);
}

std::string words(const std::vector<std::string_view>& all) {
    std::string out;
    for (const auto word : all) (out += out.empty() ? "" : ", ") += word;
    return out;
}

// A quantity in the unit people write.
std::string in_units(OptionType type, double value) {
    struct Unit {
        double size;
        const char* name;
    };
    static constexpr Unit times[] = {{86'400e9, "d"}, {3'600e9, "h"}, {60e9, "m"},
                                     {1e9, "s"},      {1e6, "ms"},    {1, "ns"}};
    static constexpr Unit sizes[] = {{1099511627776.0, "TiB"}, {1073741824.0, "GiB"},
                                     {1048576.0, "MiB"},       {1024.0, "KiB"},
                                     {1, "B"}};
    char text[48];
    const std::span<const Unit> units =
        type == OptionType::duration ? std::span<const Unit>(times) : std::span<const Unit>(sizes);
    if (type == OptionType::duration || type == OptionType::size)
        for (const Unit& unit : units) {
            const double n = value / unit.size;
            if (n < 1 && unit.size != 1) continue;
            if (n != static_cast<double>(static_cast<std::int64_t>(n))) continue;
            std::snprintf(text, sizeof text, "%.0f%s", n, unit.name);
            return text;
        }
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

std::string written(const OptionSpec& spec, const loader::Scalar& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return '"' + *text + '"';
    if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
    const auto* whole = std::get_if<std::int64_t>(&value);
    const bool quantity = spec.type == OptionType::duration || spec.type == OptionType::size;
    if (whole != nullptr && !quantity) return std::to_string(*whole);
    const double number = whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value);
    const std::string text = in_units(spec.type, number);
    return quantity ? '"' + text + '"' : text;
}

std::string default_of(const OptionSpec& spec) {
    if (spec.fallback) return written(spec, *spec.fallback);
    if (!spec.fallback_list) return {};
    std::string out;
    for (const auto& one : *spec.fallback_list) (out += out.empty() ? "" : ", ") += written(spec, one);
    return "[" + out + "]";
}

std::string type_of(const OptionSpec& spec) {
    std::string out(loader::name_of(spec.type));
    if (spec.type == OptionType::list) out.append("<").append(loader::name_of(spec.element)).append(">");
    if (spec.type == OptionType::enumeration) {
        out.clear();
        for (const std::string& value : spec.values) (out += out.empty() ? "" : "|") += value;
    }
    if (spec.min || spec.max) {
        out.append(" ").append(spec.min ? in_units(spec.type, *spec.min) : "");
        out.append("..").append(spec.max ? in_units(spec.type, *spec.max) : "");
    }
    return out;
}

void print_option(const OptionSpec& spec) {
    std::string line = "    " + spec.name + " (" + type_of(spec) + ")";
    if (const auto fallback = default_of(spec); !fallback.empty()) line += " = " + fallback;
    if (spec.required) line += ", required";
    if (spec.reloadable) line += ", reloadable";
    if (!spec.deprecated.empty()) line += ", deprecated: " + spec.deprecated;
    print(line + "\n");
    if (!spec.doc.empty()) print("        " + spec.doc + "\n");
}

json::object option_json(const OptionSpec& spec) {
    json::object out{{"name", spec.name},
                     {"type", type_of(spec)},
                     {"required", spec.required},
                     {"reloadable", spec.reloadable},
                     {"doc", spec.doc}};
    if (spec.fallback) out["default"] = shown(*spec.fallback);
    if (spec.fallback_list) {
        json::array all;
        for (const auto& one : *spec.fallback_list) all.push_back(shown(one));
        out["default"] = std::move(all);
    }
    if (!spec.deprecated.empty()) out["deprecated"] = spec.deprecated;
    return out;
}

}  // namespace

void print_plugin(const ListedPlugin& plugin) {
    if (!plugin.manifest) {
        print(plugin.path + "\n    cannot be used: " + plugin.problem + "\n");
        return;
    }
    for (const ComponentManifest& component : plugin.manifest->components) {
        print(std::string(loader::name_of(component.kind)) + " " + component.name + "  " +
              plugin.manifest->version + "  " + plugin.manifest->id + "\n");
        if (!component.doc.empty()) print("    " + component.doc + "\n");
        print("    file " + plugin.path + "\n");
        const auto caps = loader::capability_words(component.kind, component.caps);
        if (!caps.empty()) print("    can: " + words(caps) + "\n");
        for (const OptionSpec& spec : component.options) print_option(spec);
    }
}

json::object plugin_json(const ListedPlugin& plugin) {
    json::object out{{"file", plugin.path}};
    if (!plugin.manifest) {
        out["problem"] = plugin.problem;
        return out;
    }
    out["id"] = plugin.manifest->id;
    out["version"] = plugin.manifest->version;
    out["license"] = plugin.manifest->license;
    out["vendor"] = plugin.manifest->vendor;
    json::array components;
    for (const ComponentManifest& component : plugin.manifest->components) {
        json::array caps, options;
        for (const auto word : loader::capability_words(component.kind, component.caps))
            caps.push_back(json::string(word.data(), word.size()));
        for (const OptionSpec& spec : component.options) options.push_back(option_json(spec));
        const auto kind = loader::name_of(component.kind);
        components.push_back(json::object{{"kind", json::string(kind.data(), kind.size())},
                                          {"name", component.name},
                                          {"doc", component.doc},
                                          {"capabilities", std::move(caps)},
                                          {"options", std::move(options)}});
    }
    out["components"] = std::move(components);
    return out;
}

int run_plugins(Words words) {
    CLI::App app;
    describe(app, "plugins",
             "Lists the plugins on the plugin path with kind, version, capabilities and options, read\n"
             "from their manifests: nothing of a plugin is run. Exit status 1 when one of them cannot\n"
             "be used.");
    std::string conf;
    Words path;
    bool as_json = false;
    app.add_option("--conf", conf, "host configuration whose [plugins] path is meant")->type_name("FILE");
    app.add_option("--path", path, "folder to look in instead; may be repeated")
        ->type_name("DIR")
        ->allow_extra_args(false);
    app.add_flag("--json", as_json, "as one JSON array");
    if (const auto status = parse(app, std::move(words))) return *status;

    config::HostConfig config;
    const std::string file = !conf.empty() ? conf : path.empty() ? default_conf() : std::string();
    if (!file.empty()) {
        auto loaded = load_conf(file);
        if (!loaded) return exit_findings;
        config = std::move(*loaded);
    }
    if (!path.empty()) config.plugin_path = path;
    const loader::PluginRegistry registry(config::registry_options(config));
    const auto listed = registry.list();
    bool good = true;
    json::array all;
    for (const ListedPlugin& plugin : listed) {
        good = good && plugin.manifest.has_value();
        if (as_json)
            all.push_back(plugin_json(plugin));
        else
            print_plugin(plugin);
    }
    if (as_json) print(json::serialize(all) + "\n");
    if (listed.empty()) {
        std::string folders;
        for (const std::string& folder : config::registry_options(config).path)
            (folders += folders.empty() ? "" : ", ") += folder;
        complain("no plugin is in " + folders + "; `--path DIR` looks elsewhere");
    }
    return good ? exit_fine : exit_findings;
}

}  // namespace larder::cli
