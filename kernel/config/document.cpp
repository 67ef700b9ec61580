// kernel/config/document.cpp -- looking things up in the tree, and following its references.
#include "kernel/config/document.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace larder::config {
namespace {

// Longer than any secret or setting; a reference to a device must not fill the memory.
constexpr std::size_t max_referenced_bytes = 1u << 20;

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::string text(max_referenced_bytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad() || text.size() > max_referenced_bytes) return std::nullopt;
    return text;
}

}  // namespace

const Entry* Table::find(std::string_view key) const {
    for (const Entry& entry : entries)
        if (entry.key == key) return &entry;
    return nullptr;
}

std::string Reference::text() const { return (kind == Kind::env ? "env:" : "file:") + name; }

std::string_view kind_of(const Value& value) {
    static constexpr std::array<std::string_view, 7> names{
        "true or false", "a whole number", "a number",   "a text",
        "a list",        "a table",        "a reference"};
    return names[value.is.index()];
}

std::optional<std::string> look_up(const Reference& reference, const Environment& environment) {
    if (reference.kind == Reference::Kind::env) {
        if (environment.env) return environment.env(reference.name);
        const char* text = std::getenv(reference.name.c_str());
        return text == nullptr ? std::nullopt : std::optional<std::string>(text);
    }
    auto text = environment.read ? environment.read(reference.name) : read_file(reference.name);
    if (text && text->ends_with('\n')) text->pop_back();
    if (text && text->ends_with('\r')) text->pop_back();
    return text;
}

std::optional<Value> resolve(const Value& value, const Environment& environment,
                             std::vector<dsl::Diagnostic>& found) {
    const auto* reference = value.get<Reference>();
    if (reference == nullptr) return value;
    if (auto text = look_up(*reference, environment)) return Value{std::move(*text), value.at};
    if (reference->fallback) return Value{reference->fallback->is, value.at};
    dsl::Diagnostic finding;
    finding.code = "L0505";
    finding.primary.at = value.at;
    if (reference->kind == Reference::Kind::env) {
        finding.message = "the environment variable `" + reference->name + "` is not set";
        finding.helps.push_back("set it, or give a `default = ...` beside `env`");
    } else {
        finding.message = "the file `" + reference->name + "` cannot be read";
        finding.helps.push_back("it must be there, be readable, and hold at most 1 MiB");
    }
    found.push_back(std::move(finding));
    return std::nullopt;
}

}  // namespace larder::config
