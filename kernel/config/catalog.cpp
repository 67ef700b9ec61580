// kernel/config/catalog.cpp -- instances against the manifests of their plugins.
#include "kernel/config/catalog.hpp"

#include "kernel/loader/crash_book.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>
#include <variant>

namespace larder::config {
namespace {

dsl::Diagnostic finding(std::string code, dsl::Span at, std::string message, std::string help) {
    dsl::Diagnostic out;
    out.code = std::move(code);
    out.message = std::move(message);
    out.primary.at = at;
    if (!help.empty()) out.helps.push_back(std::move(help));
    return out;
}

// "a, b,c" as a list: how one environment variable holds several values.
loader::GivenValue::List split(std::string_view text) {
    loader::GivenValue::List out;
    while (!text.empty()) {
        const auto comma = text.find(',');
        std::string_view one = text.substr(0, comma);
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (!one.empty()) out.push_back({std::string(one), true});
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return out;
}

// Values of larder.toml as the loader takes them.
class Giver {
  public:
    Giver(const HostConfig& config, std::vector<dsl::Diagnostic>& found)
        : config_(config), found_(found) {}

    // False: it has been said what is wrong.
    bool give(const Entry& option, const loader::OptionSpec* spec, loader::GivenOption& out) {
        out.name = option.key;
        out.where = config_.sources->where(option.value.at);
        const auto* reference = option.value.get<Reference>();
        if (spec == nullptr) return true;  // the loader says that there is no such option
        if (spec->type == loader::OptionType::secret && reference != nullptr) {
            if (reference->fallback) {
                found_.push_back(finding("L0504", reference->fallback->at,
                                         "a secret does not stand in this file",
                                         "leave `default` away"));
                return false;
            }
            out.value.is = loader::SecretRef{reference->text()};
            return true;
        }
        const auto value = resolve(option.value, config_.environment, found_);
        return value && convert(*value, reference != nullptr, *spec, out.value);
    }

  private:
    bool convert(const Value& value, bool from_text, const loader::OptionSpec& spec,
                 loader::GivenValue& out) {
        out.from_text = from_text && value.get<std::string>() != nullptr;
        if (const auto* list = value.get<Value::List>()) {
            loader::GivenValue::List all;
            for (const Value& element : *list) {
                const auto one = resolve(element, config_.environment, found_);
                loader::GivenValue given;
                if (!one || !convert(*one, element.get<Reference>() != nullptr, spec, given))
                    return false;
                all.push_back(std::move(given));
            }
            out.is = std::move(all);
        } else if (const auto* text = value.get<std::string>()) {
            if (spec.type == loader::OptionType::list && out.from_text)
                out.is = split(*text);
            else
                out.is = spec.type == loader::OptionType::path && !text->empty() ? from_folder(value.at, *text) : *text;
        } else if (const auto* truth = value.get<bool>()) {
            out.is = *truth;
        } else if (const auto* whole = value.get<std::int64_t>()) {
            out.is = *whole;
        } else if (const auto* real = value.get<double>()) {
            out.is = *real;
        } else {
            found_.push_back(finding("L0503", value.at,
                                     "expected a value for `" + spec.name + "`, found a table", {}));
            return false;
        }
        return true;
    }

    // As every path of the file: relative to the folder it stands in. An absolute one stays.
    std::string from_folder(dsl::Span at, const std::string& path) const {
        const auto folder = std::filesystem::path(config_.sources->file_at(at.begin).name()).parent_path();
        return (folder / path).lexically_normal().string();
    }

    const HostConfig& config_;
    std::vector<dsl::Diagnostic>& found_;
};

bool plan_one(const HostConfig& config, const Instance& instance, loader::PluginRegistry& registry,
              PlannedInstance& out, std::vector<dsl::Diagnostic>& found) {
    std::string problem;
    const std::size_t warned = registry.warnings().size();
    auto plugin = registry.find(kind_of(instance.section), instance.plugin, problem);
    for (std::size_t i = warned; i < registry.warnings().size(); ++i) {
        found.push_back(finding("L0508", instance.plugin_at, registry.warnings()[i],
                                "`trust_path` is for development: elsewhere let root own the plugins"));
        found.back().severity = dsl::Severity::warning;
    }
    if (!plugin) {
        found.push_back(finding("L0506", instance.plugin_at, problem,
                                "`larder plugins` lists what is on the plugin path; `[plugins] path` "
                                "sets it"));
        return false;
    }
    bool good = true;
    Giver giver(config, found);
    std::vector<loader::GivenOption> given;
    std::vector<const Entry*> from;
    for (const Entry& option : instance.options) {
        loader::GivenOption one;
        if (giver.give(option, plugin->component->option(option.key), one)) {
            given.push_back(std::move(one));
            from.push_back(&option);
        } else {
            good = false;
        }
    }
    auto checked = loader::check_options(*plugin->component, instance.name, given);
    for (const loader::OptionFinding& one : checked.found) {
        const bool whole = one.option == loader::OptionFinding::instance;
        const Entry* entry = whole ? nullptr : from[one.option];
        const auto* spec = whole ? nullptr : plugin->component->option(entry->key);
        const bool secret = spec != nullptr && spec->type == loader::OptionType::secret;
        auto said = finding(secret && one.error ? "L0504" : "L0507",
                            whole             ? instance.at
                            : spec == nullptr ? entry->key_at
                                              : entry->value.at,
                            one.message, one.help);
        if (!one.error) said.severity = dsl::Severity::warning;
        found.push_back(std::move(said));
    }
    out.from = instance;
    out.plugin = std::move(*plugin);
    out.options = std::move(checked.values);
    out.title = std::string(name_of(instance.section)) + "." + instance.name;
    out.where = config.sources->where(instance.at);
    return good && std::none_of(checked.found.begin(), checked.found.end(),
                                [](const auto& one) { return one.error; });
}

// Of a codec's options those that a policy may give for its namespace: how hard to try. The others are the instance's.
bool holds_for_a_namespace(std::string_view option) { return option == "level" || option == "quality"; }

// A policy's option of a codec, `{ level 9 }`, against the codec's manifest.
std::string complain_of(const loader::FoundPlugin& plugin, std::string_view name,
                        std::span<const std::string> values) {
    const auto* spec = plugin.component->option(name);
    if (spec == nullptr) return "it has no option `" + std::string(name) + "`";
    loader::GivenValue given;
    if (spec->type == loader::OptionType::list) {
        loader::GivenValue::List all;
        for (const std::string& value : values) all.push_back({value, true});
        given.is = std::move(all);
    } else if (values.size() == 1) {
        given.is = values.front();
        given.from_text = true;
    } else {
        return "`" + spec->name + "` takes one value";
    }
    loader::OptionValue ignored;
    loader::OptionFinding said;
    if (loader::check_value(*spec, given, ignored, said)) return {};
    return said.help.empty() ? said.message : said.message + "; " + said.help;
}

std::optional<dsl::Ms> max_staleness_of(const PlannedInstance& planned) {
    const loader::OptionValue* found = planned.options.find("max_staleness");
    const auto* ns = found == nullptr ? nullptr : std::get_if<std::int64_t>(&found->is);
    if (ns == nullptr) return std::nullopt;
    return dsl::Ms(*ns / 1'000'000);
}

void offer(const PlannedInstance& planned, dsl::Catalog& catalog) {
    const auto& name = planned.from.name;
    const auto& component = *planned.plugin.component;
    switch (planned.from.section) {
        case Section::store:
            catalog.stores.push_back({name, component.name,
                                      (component.caps & LARDER_STORE_CAP_SHARED) != 0,
                                      (component.caps & LARDER_STORE_CAP_PERSISTENT) != 0,
                                      max_staleness_of(planned)});
            break;
        case Section::codec: {
            dsl::Catalog::Codec codec;
            codec.name = name;
            codec.check_option = [plugin = planned.plugin](std::string_view option,
                                                           std::span<const std::string> values) {
                return complain_of(plugin, option, values);
            };
            for (const auto& option : component.options)
                if (holds_for_a_namespace(option.name)) codec.options.push_back(option.name);
            catalog.codecs.push_back(std::move(codec));
            break;
        }
        case Section::source: catalog.sources.push_back(name); break;
        case Section::sink:
        case Section::exporter: catalog.sinks.emplace_back(component.name, name); break;
        case Section::invalidator: catalog.triggers.push_back(name); break;
        case Section::session:
        case Section::gateway: break;
    }
}

}  // namespace

Plan plan(const HostConfig& config, loader::PluginRegistry& registry) {
    Plan out;
    out.catalog.journal = !config.journal.file.empty();
    out.catalog.file = config.file.empty() ? "the built-in defaults" : config.file;
    out.catalog.sinks.emplace_back("log", "");  // the kernel's own
    for (const Instance& instance : config.instances) {
        PlannedInstance planned;
        const bool good = plan_one(config, instance, registry, planned, out.found);
        if (planned.plugin.component != nullptr) offer(planned, out.catalog);
        if (good) out.instances.push_back(std::move(planned));
    }
    return out;
}

loader::RegistryOptions registry_options(const HostConfig& config) {
    loader::RegistryOptions out;
    out.trust_path = config.trust_path;
    out.lock_file = config.plugin_lock;
    if (!config.state.folder.empty())
        out.crash_book = config.state.folder + "/" + loader::crash_book_name;
    const auto folders = config.plugin_path.empty() ? default_plugin_path() : config.plugin_path;
    for (const std::string& folder : folders) {
        std::error_code error;
        const auto absolute = std::filesystem::absolute(folder, error);
        out.path.push_back(error ? folder : absolute.lexically_normal().string());
    }
    return out;
}

}  // namespace larder::config
