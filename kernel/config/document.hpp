// kernel/config/document.hpp -- what stands in larder.toml, as written: values with their places.
//
// The tree between TOML and meaning. It keeps the order of the file (the order of stores is their
// order as tiers) and the place of every key and value (every message names line and column), and it
// keeps references as references: a secret is read when somebody uses it, not when it is mentioned.
#pragma once

#include "dsl/diagnostic.hpp"
#include "dsl/source.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace larder::config {

struct Value;
struct Entry;

struct Table {
    std::vector<Entry> entries;  // in the order of the file
    const Entry* find(std::string_view key) const;
};

// `{ env = "REDIS_URL", default = "..." }` or `{ file = "/run/secrets/redis" }`.
struct Reference {
    enum class Kind { env, file };
    Kind kind = Kind::env;
    std::string name;
    std::shared_ptr<const Value> fallback;  // null: none
    // "env:REDIS_URL", "file:/run/secrets/redis": how plugins are told of it.
    std::string text() const;
};

struct Value {
    using List = std::vector<Value>;
    std::variant<bool, std::int64_t, double, std::string, List, Table, Reference> is;
    dsl::Span at;

    template <class T>
    const T* get() const {
        return std::get_if<T>(&is);
    }
};

struct Entry {
    std::string key;
    dsl::Span key_at;
    Value value;
};

// "a number", "a text": for messages.
std::string_view kind_of(const Value& value);

// Where references lead. Empty functions: the process's environment, the file system.
struct Environment {
    std::function<std::optional<std::string>(std::string_view name)> env;
    std::function<std::optional<std::string>(const std::string& path)> read;
};

// `text` with every literal that may be a secret blackened (`***`, as long as it was): texts under keys
// that sound like secrets, and passwords inside URLs. For messages, which show lines of the file.
std::string blackened(std::string text, const Table& root, std::uint32_t base);

// What a value is in the end: itself, or what its reference leads to (always a text, without the
// newline at its end), or the reference's default. Nullopt, and a finding, when that is not there.
std::optional<Value> resolve(const Value& value, const Environment& environment,
                             std::vector<dsl::Diagnostic>& found);
// The text a reference leads to, without a finding; nullopt when it leads nowhere.
std::optional<std::string> look_up(const Reference& reference, const Environment& environment);

}  // namespace larder::config
