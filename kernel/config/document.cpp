// kernel/config/document.cpp -- looking things up in the tree, and following its references.
#include "kernel/config/document.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <utility>

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

bool sounds_secret(std::string_view key) {
    // Parts of words, so that a misspelt one is found too.
    static constexpr std::array<std::string_view, 8> words{
        "pass", "word", "secret", "token", "cred", "binding", "auth", "users"};
    for (const auto word : words)
        if (key.find(word) != std::string_view::npos) return true;
    return key == "key" || key.ends_with("_key");
}

class Blackener {
  public:
    Blackener(std::string text, std::uint32_t base) : text_(std::move(text)), base_(base) {}

    void table(const Table& table, bool secret) {
        for (const Entry& entry : table.entries)
            value(entry.value, secret || sounds_secret(entry.key));
    }
    std::string take() { return std::move(text_); }

  private:
    void value(const Value& value, bool secret) {
        if (const auto* inner = value.get<Table>()) {
            table(*inner, secret);
        } else if (const auto* list = value.get<Value::List>()) {
            for (const Value& element : *list) this->value(element, secret);
        } else if (const auto* reference = value.get<Reference>()) {
            if (reference->fallback) this->value(*reference->fallback, secret);
        } else if (value.get<std::string>() != nullptr) {
            if (secret)
                cover(value.at.begin - base_, value.at.end - base_);
            else
                cover_password(value.at.begin - base_, value.at.end - base_);
        }
    }

    // redis://user:password@host
    void cover_password(std::size_t begin, std::size_t end) {
        if (end > text_.size() || begin >= end) return;
        const std::string_view all(text_.data() + begin, end - begin);
        const auto scheme = all.find("://");
        if (scheme == std::string_view::npos) return;
        const auto at = all.find('@', scheme);
        const auto colon = all.find(':', scheme + 3);
        if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) return;
        cover(begin + colon + 1, begin + at);
    }

    void cover(std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end && i < text_.size(); ++i)
            if (text_[i] != '"' && text_[i] != '\'' && text_[i] != '\n') text_[i] = '*';
    }

    std::string text_;
    std::uint32_t base_;
};

}  // namespace

std::string blackened(std::string text, const Table& root, std::uint32_t base) {
    Blackener blackener(std::move(text), base);
    blackener.table(root, false);
    return blackener.take();
}

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
