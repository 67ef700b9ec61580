// larder/key.hpp -- the key of a call: its name and arguments, the same in every process and language.
//
//     KeyBuilder("user_service:get_user_details").add("user_id", 5779356081).text()
//         -> user_service:get_user_details:user_id:5779356081
//     "sql:" + key_digest("SELECT 1") + ":" + key_digest(params)
//
// PREFIX, then what was added without a name, in that order, then what has one, sorted by name as
// `name:value`, all joined with `:`. A text, a number and a truth stand as they are read (`42`, `2.5`,
// `true`); everything else, and a text of more than 64 bytes, stands as `~` and a digest of its canonical
// text (key_value.hpp). The empty text is `~`. Blanks, control characters and `% : * { } ~` are written
// `%XX` within names and values, so two lists of arguments make one key only where their texts are the
// same: 1, 1.0 and "1" are one argument, and so are `add("a"), add("1")` and `add("a", 1)`; who binds
// arguments to the names of parameters first has no such pairs. A key of more than 200 bytes is
// PREFIX:~DIGEST of all of it. The digest is the first half of SHA-256, in hex.
//
// Who reads these rules again in another language has tests/vectors/keys.json to hold them against.
#pragma once

#include <larder/key_value.hpp>
#include <larder/sha256.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {

inline constexpr std::size_t longest_key_text = 64, longest_built_key = 200, key_digest_bytes = 16;

// Of a value's canonical text; nothing: it has none. [any thread]
inline std::optional<std::string> key_digest(const KeyValue& value) {
    const auto text = canonical_text(value);
    if (!text) return std::nullopt;
    return sha256_hex(*text, key_digest_bytes);
}

// Not safe for many threads; each builds its own.
class KeyBuilder {
  public:
    // prefix: the author's own words, taken as they are; may be empty.
    explicit KeyBuilder(std::string_view prefix) : prefix_(prefix) {}

    KeyBuilder& add(const KeyValue& argument) {
        std::string field;
        good_ = append_field(argument, field) && good_;
        fields_.push_back(std::move(field));
        return *this;
    }
    KeyBuilder& add(std::string_view name, const KeyValue& argument) {
        std::string field;
        good_ = detail::is_utf8(name) && append_field(argument, field) && good_;
        named_.emplace_back(std::string(name), std::move(field));
        return *this;
    }
    // Nothing: an argument has no canonical text, or a name stands twice.
    std::optional<std::string> text() const {
        if (!good_) return std::nullopt;
        std::string out = prefix_;
        const auto join = [&out](std::string_view part) {
            if (!out.empty()) out += ':';
            out += part;
        };
        for (const std::string& field : fields_) join(field);
        std::vector<std::pair<std::string, std::string>> named = named_;
        std::sort(named.begin(), named.end(), [](const auto& a, const auto& b) { return detail::is_before_utf16(a.first, b.first); });
        for (std::size_t i = 0; i < named.size(); ++i) {
            if (i > 0 && named[i].first == named[i - 1].first) return std::nullopt;
            std::string name;
            append_escaped(named[i].first, name);
            join(name);
            join(named[i].second);
        }
        if (out.size() <= longest_built_key) return out;
        return (prefix_.empty() ? "~" : prefix_ + ":~") + sha256_hex(out, key_digest_bytes);
    }

  private:
    static bool append_field(const KeyValue& argument, std::string& out) {
        const std::string* const text = argument.text();
        if (text != nullptr && !detail::is_utf8(*text)) return false;
        if (text != nullptr && text->size() <= longest_key_text) {
            append_escaped(*text, out);
            return true;
        }
        if (text == nullptr && argument.is_plain()) return argument.append_to(out);
        const auto digest = key_digest(argument);
        if (digest) out.append("~").append(*digest);
        return digest.has_value();
    }
    static void append_escaped(std::string_view text, std::string& out) {
        static constexpr char digits[] = "0123456789ABCDEF";
        if (text.empty()) out += '~';
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            if (byte <= 0x20 || byte == 0x7F || std::string_view("%:*{}~").find(c) != std::string_view::npos) {
                out += '%';
                out += digits[byte >> 4];
                out += digits[byte & 15];
            } else {
                out += c;
            }
        }
    }

    std::string prefix_;
    std::vector<std::string> fields_;
    std::vector<std::pair<std::string, std::string>> named_;  // name, field
    bool good_ = true;
};

}  // namespace larder
