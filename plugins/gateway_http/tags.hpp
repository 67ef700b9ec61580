// plugins/gateway_http/tags.hpp -- tags as messages name them: Cache-Groups (RFC 9875), Surrogate-Key, xkey,
// Cache-Tag.
#pragma once
#include "message.hpp"
#include "structured_field.hpp"

#include <string_view>
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

// All tags that a message names, in any of the fields.
template <class F>
void each_tag(const Head& head, F&& call) {
    each_group(head, Name::cache_groups, call);
    head.each(Name::surrogate_key, [&](std::string_view value) { each_word(value, call); });
    head.each(Name::xkey, [&](std::string_view value) { each_word(value, call); });
    head.each(Name::cache_tag, [&](std::string_view value) { each_member(value, call); });
}

}  // namespace larder::http
