// kernel/config/host_config.cpp -- TOML text into a tree with places: the only file that sees toml++.
//
// Where a table stands is taken from its keys: toml++ sorts them by name, and the order of stores in
// the file is their order as tiers.
#include "kernel/config/host_config.hpp"

#include "kernel/config/host_schema.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace larder::config {
namespace {

constexpr std::size_t max_config_bytes = 1u << 20;

// toml++ counts columns in code points; spans are bytes.
class Places {
  public:
    explicit Places(const dsl::Source& source) : source_(source) {}

    dsl::Span span(const toml::source_region& region) const {
        const auto begin = offset(region.begin);
        const auto end = offset(region.end);
        return {begin, std::max(begin, end)};
    }
    // Of something that reaches over lines: only what stands on its first one.
    dsl::Span first_line(dsl::Span span) const {
        const auto text = source_.text(span);
        const auto newline = text.find('\n');
        if (newline != std::string_view::npos)
            span.end = span.begin + static_cast<std::uint32_t>(newline);
        return span;
    }

  private:
    std::uint32_t offset(const toml::source_position& at) const {
        if (at.line == 0) return source_.base();
        const auto line = source_.line(at.line);
        std::size_t byte = 0;
        for (toml::source_index column = 1; column < at.column && byte < line.size(); ++column) {
            ++byte;
            while (byte < line.size() && (static_cast<unsigned char>(line[byte]) & 0xC0) == 0x80)
                ++byte;
        }
        return source_.line_begin(at.line) + static_cast<std::uint32_t>(byte);
    }

    const dsl::Source& source_;
};

class Reader {
  public:
    Reader(const Places& places, std::string folder, std::vector<dsl::Diagnostic>& found)
        : places_(places), folder_(std::move(folder)), found_(found) {}

    Table table(const toml::table& from) const {
        Table out;
        for (const auto& [key, node] : from)
            out.entries.push_back(
                {std::string(key.str()), places_.span(key.source()), value(node)});
        std::stable_sort(out.entries.begin(), out.entries.end(), [](const Entry& a, const Entry& b) {
            return a.key_at.begin < b.key_at.begin;
        });
        return out;
    }

  private:
    // `[log]` has a key `file` too, also when it is written on one line.
    static bool is_reference(const toml::table& table) {
        if (!table.is_inline()) return false;
        return table.contains("env") ||
               (table.contains("file") && (table.size() == 1 || table.contains("default")));
    }

    Value value(const toml::node& node) const {
        Value out;
        out.at = places_.first_line(places_.span(node.source()));
        if (const auto* boolean = node.as_boolean()) {
            out.is = boolean->get();
        } else if (const auto* integer = node.as_integer()) {
            out.is = integer->get();
        } else if (const auto* real = node.as_floating_point()) {
            out.is = real->get();
        } else if (const auto* text = node.as_string()) {
            out.is = text->get();
        } else if (const auto* array = node.as_array()) {
            Value::List list;
            for (const toml::node& item : *array) list.push_back(value(item));
            out.is = std::move(list);
        } else if (const auto* inner = node.as_table()) {
            if (is_reference(*inner))
                reference(*inner, out);
            else
                out.is = table(*inner);
        } else {
            complain(out.at, "dates and times have no use here", "write a text in quotes");
            out.is = std::string();
        }
        return out;
    }

    void reference(const toml::table& from, Value& out) const {
        Reference made;
        const bool is_file = from.contains("file");
        const std::string_view word = is_file ? "file" : "env";
        made.kind = is_file ? Reference::Kind::file : Reference::Kind::env;
        for (const auto& [key, node] : from) {
            if (key.str() == "default") {
                made.fallback = std::make_shared<const Value>(value(node));
                if (made.fallback->get<Reference>() != nullptr)
                    complain(made.fallback->at, "a default is a plain value, not another reference",
                             "write the value itself");
            } else if (key.str() != word) {
                complain(places_.span(key.source()),
                         "`" + std::string(key.str()) + "` does not belong into a reference",
                         "write `{ env = \"NAME\" }` or `{ file = \"/path\" }`, with `default = ...` "
                         "if it may be absent");
            } else if (const auto* name = node.as_string(); name == nullptr || name->get().empty()) {
                complain(places_.span(node.source()),
                         "`" + std::string(word) + "` is followed by a text",
                         is_file ? "write `{ file = \"/run/secrets/name\" }`"
                                 : "write `{ env = \"NAME\" }`");
            } else {
                made.name = name->get();
            }
        }
        if (is_file && !made.name.empty())
            made.name = (std::filesystem::path(folder_) / made.name).lexically_normal().string();
        out.is = std::move(made);
    }

    void complain(dsl::Span at, std::string message, std::string help) const {
        dsl::Diagnostic finding;
        finding.code = "L0503";
        finding.message = std::move(message);
        finding.primary.at = at;
        finding.helps.push_back(std::move(help));
        found_.push_back(std::move(finding));
    }

    const Places& places_;
    std::string folder_;
    std::vector<dsl::Diagnostic>& found_;
};

dsl::Diagnostic unreadable(std::string message, std::string help) {
    dsl::Diagnostic finding;
    finding.code = "L0501";
    finding.message = std::move(message);
    finding.helps.push_back(std::move(help));
    return finding;
}

}  // namespace

LoadedConfig parse_host_config(std::string name, std::string text, Environment environment) {
    LoadedConfig out;
    out.config.file = name;
    out.config.environment = std::move(environment);
    const auto sources = std::make_shared<dsl::SourceMap>();
    const bool too_long = text.size() > max_config_bytes;
    if (too_long) text.clear();
    const auto id = sources->add(name, std::move(text));
    const dsl::Source& source = sources->file(id);
    out.config.sources = sources;
    if (too_long) {
        out.found.push_back(unreadable("this file is longer than 1 MiB",
                                       "a configuration is a few pages; is it the right file?"));
        return out;
    }
    const Places places(source);
    try {
        const toml::table root = toml::parse(source.text(), name);
        const auto folder = std::filesystem::path(name).parent_path().string();
        const Table tree = Reader(places, folder, out.found).table(root);
        interpret(tree, folder, out.config, out.found);
        const auto shown = std::make_shared<dsl::SourceMap>();
        shown->add(name, blackened(std::string(source.text()), tree, source.base()));
        out.config.sources = shown;
    } catch (const toml::parse_error& error) {
        auto finding = unreadable(std::string(error.description()),
                                  "the rest of the file was not read; see https://toml.io");
        finding.primary.at = places.span(error.source());
        out.found.push_back(std::move(finding));
    }
    std::stable_sort(out.found.begin(), out.found.end(),
                     [](const dsl::Diagnostic& a, const dsl::Diagnostic& b) {
                         return a.primary.at.begin < b.primary.at.begin;
                     });
    return out;
}

LoadedConfig load_host_config(const std::string& path, Environment environment) {
    std::string text;
    if (environment.read) {
        if (auto given = environment.read(path)) {
            return parse_host_config(path, std::move(*given), std::move(environment));
        }
    } else {
        std::ifstream in(path, std::ios::binary);
        std::error_code ignored;
        if (in && !std::filesystem::is_directory(path, ignored)) {
            text.resize(max_config_bytes + 1);
            in.read(text.data(), static_cast<std::streamsize>(text.size()));
            text.resize(static_cast<std::size_t>(in.gcount()));
            if (!in.bad()) return parse_host_config(path, std::move(text), std::move(environment));
        }
    }
    auto out = parse_host_config(path, {}, std::move(environment));
    out.found.assign(1, unreadable("cannot read " + path,
                                   "name the configuration with `--conf FILE`, or go without one: "
                                   "the built-in defaults serve a policy from memory"));
    return out;
}

}  // namespace larder::config
