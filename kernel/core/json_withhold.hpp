// kernel/core/json_withhold.hpp -- a JSON text without the members that may not be stored.
//
// The text is read once; what stays is copied as it stands, so numbers keep their digits and members their order.
// A rule is a path of names that has to be the end of a member's own path: `password` is any member of that name,
// however deep and in lists too, `card.cvv` any `cvv` right below a `card`. Names are compared as they are meant
// (escapes read) and without regard to the case of ASCII letters: `Password` is not let through by a rule for
// `password`.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

struct WithheldPath {
    std::vector<std::string> names;  // the outermost first, lower case
    std::size_t rule = 0;            // whose it is
};

enum class Withheld {
    nothing,  // none of it is in there, or it is no JSON object or list at all
    some,     // it was taken out
    broken    // it begins like an object or a list, and is no JSON (RFC 8259), or deeper than 64: nobody knows
};

// `left`: what remains, of `some`. `rules`: those that found something, each once.
Withheld withhold_json(std::string_view text, std::span<const WithheldPath> paths, std::string& left, std::vector<std::size_t>& rules);

// "card.CVV" as a path.
WithheldPath withheld_path(std::string_view text, std::size_t rule);

}  // namespace larder
