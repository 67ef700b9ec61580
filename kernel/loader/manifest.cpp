// kernel/loader/manifest.cpp -- the manifest's TOML, judged; the only toml++ file of the loader.
//
// A key or word that is not known is a mistake of the plugin's author and refused, unless the
// manifest says that it was written for a newer 1.x: then it is a word of that version, and passed
// over.
#include "kernel/loader/manifest.hpp"

#include "kernel/loader/options.hpp"
#include "kernel/loader/quantity.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <stdexcept>

namespace larder::loader {
namespace {

constexpr std::size_t most_components = 64;
constexpr std::size_t most_options = 256;

constexpr std::array<std::pair<OptionType, std::string_view>, 12> types{{
    {OptionType::boolean, "bool"},
    {OptionType::integer, "int"},
    {OptionType::real, "float"},
    {OptionType::string, "string"},
    {OptionType::size, "size"},
    {OptionType::duration, "duration"},
    {OptionType::enumeration, "enum"},
    {OptionType::list, "list"},
    {OptionType::path, "path"},
    {OptionType::url, "url"},
    {OptionType::secret, "secret"},
    {OptionType::ref, "ref"},
}};

// Ends the reading; caught in parse_manifest, nothing else sees it.
struct Wrong : std::runtime_error {
    Wrong(const toml::node& at, const std::string& what)
        : std::runtime_error("manifest line " + std::to_string(at.source().begin.line) + ": " +
                             what) {}
};

std::string quoted(std::string_view text) {
    std::string all(1, '"');
    all += text;
    all += '"';
    return all;
}

bool made_of(std::string_view text, std::string_view more) {
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               more.find(c) != std::string_view::npos;
    });
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 64 && text[0] >= 'a' && text[0] <= 'z' &&
           made_of(text, "_");
}

class Reader {
  public:
    explicit Reader(const toml::table& root) : root_(root) {}

    Manifest read() {
        Manifest manifest;
        manifest.abi = abi(root_, "abi", true);
        newer_ = manifest.abi > LARDER_ABI_VERSION;
        // Another generation's manifest may look otherwise: its number is all that can be told.
        if ((manifest.abi >> 16) != LARDER_ABI_MAJOR) {
            return manifest;
        }
        manifest.requires_abi = std::max(abi(root_, "requires_abi", false), LARDER_ABI_MAJOR << 16);
        manifest.id = text(root_, "id");
        if (manifest.id.empty() || manifest.id.size() > 128 || !made_of(manifest.id, ".-")) {
            throw Wrong(*root_.get("id"),
                        "id is a reversed domain of [a-z0-9.-], found " + quoted(manifest.id));
        }
        manifest.version = text(root_, "version");
        if (manifest.version.empty() ||
            !(manifest.version[0] >= '0' && manifest.version[0] <= '9')) {
            throw Wrong(*root_.get("version"),
                        "version is \"1.4.0\" or the like, found " + quoted(manifest.version));
        }
        manifest.license = text(root_, "license");
        manifest.vendor = text(root_, "vendor");
        each(root_, "component", most_components, [&](const toml::table& table) {
            if (auto one = component(table)) {
                if (manifest.component(one->kind, one->name) != nullptr) {
                    throw Wrong(table, "two components are " + std::string(name_of(one->kind)) +
                                           " " + one->name);
                }
                manifest.components.push_back(std::move(*one));
            }
        });
        if (manifest.components.empty()) {
            throw Wrong(root_, "expected at least one [[component]]");
        }
        only(root_,
             {"abi", "requires_abi", "id", "version", "license", "vendor", "doc", "component"});
        return manifest;
    }

  private:
    std::optional<ComponentManifest> component(const toml::table& table) const {
        const std::string word = text(table, "kind");
        const auto kind = kind_of(word);
        if (!kind) {
            if (newer_) {
                return std::nullopt;
            }
            throw Wrong(*table.get("kind"), "there is no kind " + quoted(word));
        }
        ComponentManifest out;
        out.kind = *kind;
        out.name = text(table, "name");
        if (!is_name(out.name)) {
            throw Wrong(*table.get("name"), "a name is [a-z][a-z0-9_]*, found " + quoted(out.name));
        }
        out.doc = text(table, "doc", "");
        for (const std::string& cap : texts(table, "caps")) {
            const auto bit = capability(out.kind, cap);
            if (!bit && !newer_) {
                throw Wrong(*table.get("caps"), "a " + word + " has no capability " + quoted(cap));
            }
            out.caps |= bit.value_or(0);
        }
        each(table, "option", most_options, [&](const toml::table& t) {
            OptionSpec spec = option(t);
            if (out.option(spec.name) != nullptr) {
                throw Wrong(t, "two options are named " + quoted(spec.name));
            }
            out.options.push_back(std::move(spec));
        });
        each(table, "rule", most_options,
             [&](const toml::table& t) { out.rules.push_back(rule(out, t)); });
        each(table, "hint", most_options, [&](const toml::table& t) {
            out.hints.push_back({texts(t, "names"), text(t, "help")});
            only(t, {"names", "help"});
        });
        each(table, "metric", most_options, [&](const toml::table& t) {
            out.metrics.push_back({text(t, "name"), text(t, "kind"), text(t, "doc", "")});
            only(t, {"name", "kind", "doc"});
        });
        only(table, {"kind", "name", "doc", "caps", "option", "rule", "hint", "metric"});
        return out;
    }

    OptionSpec option(const toml::table& table) const {
        OptionSpec out;
        out.name = text(table, "name");
        if (!is_name(out.name)) {
            throw Wrong(*table.get("name"), "a name is [a-z][a-z0-9_]*, found " + quoted(out.name));
        }
        type(table, out);
        out.required = truth(table, "required");
        out.reloadable = truth(table, "reloadable");
        out.values = texts(table, "values");
        out.schemes = texts(table, "schemes");
        out.ref = text(table, "ref", "");
        out.doc = text(table, "doc", "");
        out.deprecated = text(table, "deprecated", "");
        if ((out.type == OptionType::enumeration || out.element == OptionType::enumeration) &&
            out.values.empty()) {
            throw Wrong(table, out.name + " is an enum and needs values = [...]");
        }
        if (out.type == OptionType::ref && out.ref != "store" && out.ref != "compressor") {
            throw Wrong(table, out.name + " is a ref and needs ref = \"store\" or \"compressor\"");
        }
        out.min = bound(table, "min", out);
        out.max = bound(table, "max", out);
        fallback(table, out);
        only(table, {"name", "type", "required", "reloadable", "values", "schemes", "ref", "doc",
                     "deprecated", "min", "max", "default", "unit", "since"});
        return out;
    }

    void type(const toml::table& table, OptionSpec& out) const {
        std::string_view word;
        const std::string written = text(table, "type");
        word = written;
        if (word.starts_with("list<") && word.ends_with(">")) {
            out.type = OptionType::list;
            word = word.substr(5, word.size() - 6);
        }
        const auto found = std::find_if(types.begin(), types.end(),
                                        [&](const auto& t) { return t.second == word; });
        const bool list = out.type == OptionType::list;
        if (found == types.end() || found->first == OptionType::list ||
            (list && found->first == OptionType::secret)) {
            throw Wrong(*table.get("type"), "there is no option type " + quoted(written));
        }
        (list ? out.element : out.type) = found->first;
    }

    std::optional<double> bound(const toml::table& table, std::string_view key,
                                const OptionSpec& spec) const {
        const toml::node* node = table.get(key);
        if (node == nullptr) {
            return std::nullopt;
        }
        if (node->is_number()) {
            return node->value<double>();
        }
        const OptionType type = spec.type == OptionType::list ? spec.element : spec.type;
        if (const auto written = node->value<std::string>()) {
            const auto value = type == OptionType::duration ? duration_ns(*written)
                               : type == OptionType::size   ? size_bytes(*written)
                                                            : std::nullopt;
            if (value) {
                return static_cast<double>(*value);
            }
        }
        throw Wrong(*node, spec.name + ": " + std::string(key) + " is not a value of its type");
    }

    static GivenValue given(const toml::node& node) {
        if (const auto* list = node.as_array()) {
            GivenValue::List all;
            for (const toml::node& one : *list) {
                all.push_back(given(one));
            }
            return {std::move(all), false};
        }
        if (const auto* v = node.as_boolean()) {
            return {v->get(), false};
        }
        if (const auto* v = node.as_integer()) {
            return {v->get(), false};
        }
        if (const auto* v = node.as_floating_point()) {
            return {v->get(), false};
        }
        if (const auto* v = node.as_string()) {
            return {v->get(), false};
        }
        throw Wrong(node, "a default is a plain value or a list of them");
    }

    // A default is judged as if somebody had written it into larder.toml.
    void fallback(const toml::table& table, OptionSpec& out) const {
        const toml::node* node = table.get("default");
        if (node == nullptr) {
            return;
        }
        if (out.required) {
            throw Wrong(*node, out.name + " is required: it has no default");
        }
        OptionValue value;
        OptionFinding finding;
        if (!check_value(out, given(*node), value, finding)) {
            throw Wrong(*node, "the default of " + finding.message);
        }
        if (auto* list = std::get_if<std::vector<std::string>>(&value.is)) {
            out.fallback_list.emplace(list->begin(), list->end());
        } else if (auto* v = std::get_if<bool>(&value.is)) {
            out.fallback = *v;
        } else if (auto* number = std::get_if<std::int64_t>(&value.is)) {
            out.fallback = *number;
        } else if (auto* real = std::get_if<double>(&value.is)) {
            out.fallback = *real;
        } else if (auto* words = std::get_if<std::string>(&value.is)) {
            out.fallback = std::move(*words);
        }
    }

    OptionRule rule(const ComponentManifest& component, const toml::table& table) const {
        OptionRule out{texts(table, "require_one_of")};
        for (const std::string& name : out.require_one_of) {
            if (component.option(name) == nullptr) {
                throw Wrong(table,
                            "a rule names the option " + quoted(name) + ", which is not there");
            }
        }
        only(table, {"require_one_of"});
        return out;
    }

    template <class F>
    void each(const toml::table& table, std::string_view key, std::size_t most, F&& f) const {
        const toml::node* node = table.get(key);
        if (node == nullptr) {
            return;
        }
        const toml::array* array = node->as_array();
        if (array == nullptr || !array->is_array_of_tables()) {
            throw Wrong(*node, "write [[" + std::string(key) + "]]");
        }
        if (array->size() > most) {
            throw Wrong(*node,
                        "more than " + std::to_string(most) + " [[" + std::string(key) + "]]");
        }
        for (const toml::node& one : *array) {
            f(*one.as_table());
        }
    }

    std::string text(const toml::table& table, std::string_view key) const {
        const toml::node* node = table.get(key);
        if (node == nullptr) {
            throw Wrong(table, "expected " + std::string(key) + " = \"...\"");
        }
        return as_text(*node, key);
    }
    std::string text(const toml::table& table, std::string_view key,
                     std::string_view fallback) const {
        const toml::node* node = table.get(key);
        return node == nullptr ? std::string(fallback) : as_text(*node, key);
    }
    static std::string as_text(const toml::node& node, std::string_view key) {
        const auto value = node.value_exact<std::string>();
        if (!value || value->find('\0') != std::string::npos) {
            throw Wrong(node, std::string(key) + " is a text");
        }
        return *value;
    }
    static std::vector<std::string> texts(const toml::table& table, std::string_view key) {
        std::vector<std::string> all;
        if (const toml::node* node = table.get(key)) {
            const toml::array* array = node->as_array();
            if (array == nullptr) {
                throw Wrong(*node, std::string(key) + " is a list of texts");
            }
            for (const toml::node& one : *array) {
                all.push_back(as_text(one, key));
            }
        }
        return all;
    }
    static bool truth(const toml::table& table, std::string_view key) {
        const toml::node* node = table.get(key);
        if (node != nullptr && !node->is_boolean()) {
            throw Wrong(*node, std::string(key) + " is true or false");
        }
        return node != nullptr && node->as_boolean()->get();
    }

    std::uint32_t abi(const toml::table& table, std::string_view key, bool required) const {
        const std::string written = required ? text(table, key) : text(table, key, "1.0");
        const auto dot = written.find('.');
        const auto major = whole_number(std::string_view(written).substr(0, dot));
        const auto minor = dot == std::string::npos
                               ? std::nullopt
                               : whole_number(std::string_view(written).substr(dot + 1));
        if (!major || !minor || *major < 1 || *major > 0xffff || *minor < 0 || *minor > 0xffff) {
            throw Wrong(*table.get(key),
                        std::string(key) + " is \"1.0\" or the like, found " + quoted(written));
        }
        return static_cast<std::uint32_t>(*major << 16 | *minor);
    }

    void only(const toml::table& table, std::initializer_list<std::string_view> known) const {
        for (const auto& [key, node] : table) {
            if (!newer_ && std::find(known.begin(), known.end(), key.str()) == known.end()) {
                throw Wrong(node, "there is no key " + quoted(key.str()) + " here");
            }
        }
    }

    const toml::table& root_;
    bool newer_ = false;
};

}  // namespace

std::string_view name_of(OptionType type) {
    return std::find_if(types.begin(), types.end(), [&](const auto& t) { return t.first == type; })
        ->second;
}

const OptionSpec* ComponentManifest::option(std::string_view wanted) const {
    const auto found = std::find_if(options.begin(), options.end(),
                                    [&](const auto& o) { return o.name == wanted; });
    return found == options.end() ? nullptr : &*found;
}

const ComponentManifest* Manifest::component(Kind kind, std::string_view name) const {
    const auto found = std::find_if(components.begin(), components.end(), [&](const auto& c) {
        return c.kind == kind && c.name == name;
    });
    return found == components.end() ? nullptr : &*found;
}

std::optional<Manifest> parse_manifest(std::string text, std::string& problem) {
    try {
        const toml::table root = toml::parse(text);
        Manifest manifest = Reader(root).read();
        manifest.text = std::move(text);
        return manifest;
    } catch (const toml::parse_error& e) {
        problem = "manifest line " + std::to_string(e.source().begin.line) + ": " +
                  std::string(e.description());
    } catch (const Wrong& e) {
        problem = e.what();
    }
    return std::nullopt;
}

}  // namespace larder::loader
