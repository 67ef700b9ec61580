// plugins/gateway_http/tags.hpp -- tags as messages name them: Cache-Groups (RFC 9875), Surrogate-Key, xkey,
// Cache-Tag.
#pragma once
#include "message.hpp"
#include "structured_field.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::http {

// Words parted by spaces or commas.
template <class F>
void each_word(std::string_view text, F&& call) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" ,\t"), text.size());
        if (end != 0) call(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// The strings of a group field; one that is not well formed names nothing. Lines are joined first.
template <class F>
void each_group(const Head& head, Name name, F&& call) {
    if (!head.has(name)) return;
    std::vector<Item> items;
    if (!parse_list(head.joined(name), items)) return;
    for (const Item& item : items)
        if (item.kind == Item::Kind::string && !item.text.empty()) call(std::string_view(item.text));
}

// A tag that a message names, as a target: by that text, which is how rules write it (`drop tag "user:42"`), and as
// a namespace's `tag "{tag}"` writes the value (`user%3A42`), where that differs.
template <class F>
void each_spelling(std::string_view tag, F&& call) {
    call(std::string(tag));
    constexpr std::string_view special = "%:*{}";
    if (tag.find_first_of(special) == std::string_view::npos) return;
    std::string escaped;
    for (const char c : tag) {
        if (special.find(c) == std::string_view::npos) {
            escaped += c;
            continue;
        }
        constexpr std::string_view digits = "0123456789ABCDEF";
        escaped += '%';
        escaped += digits[static_cast<unsigned char>(c) >> 4];
        escaped += digits[static_cast<unsigned char>(c) & 15];
    }
    call(std::move(escaped));
}

// The lines of a text of lines.
template <class F>
void each_tag_line(std::string_view text, F&& call) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end != 0) call(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// All tags that a message names, in any of the fields.
template <class F>
void each_tag(const Head& head, F&& call) {
    each_group(head, Name::cache_groups, call);
    head.each(Name::surrogate_key, [&](std::string_view value) { each_word(value, call); });
    head.each(Name::xkey, [&](std::string_view value) { each_word(value, call); });
    head.each(Name::cache_tag, [&](std::string_view value) { each_member(value, call); });
}

// The same as text, a line each.
[[nodiscard]] inline std::string named_tags(const Head& head) {
    std::string out;
    each_tag(head, [&](std::string_view tag) { (out += tag) += '\n'; });
    return out;
}

}  // namespace larder::http
