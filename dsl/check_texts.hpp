// dsl/check_texts.hpp -- written texts to Templates: names bound to slots, shapes that can work.
#pragma once

#include "dsl/check_draft.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace larder::dsl {

// The longest text that is a key, a tag, a route or a pattern, in bytes.
inline constexpr std::size_t max_text = 1024;

// The names a text may use, in the order of their slots.
struct Scope {
    std::span<const std::string> names;
    std::string place;  // "in this rule", for messages
};

// The text without its quotes and escapes.
std::string plain(const ast::Text& text);
// The names of its captures, in order; one that stands twice is an error when `once`.
std::vector<std::string> captures_of(Draft& draft, const ast::Text& text, bool once);
// Slots by scope; a capture that nothing binds is L0203, and then nothing is answered.
std::optional<Template> bind(Draft& draft, const ast::Text& text, const Scope& scope);

// The checks of a key's shape (stars, fields side by side, rest not last, too many fields).
bool sound_key(Draft& draft, const ast::Text& text);

// `target`, the text of one key as a rule writes it, in the form in which keys are stored: cut
// along the key's template, each field escaped, a rest field kept as it is. Nothing when no filling
// fits.
std::optional<Template> align(const Template& target, const KeyTemplate& key);
// The pieces of each field of an aligned text, by field. REQUIRES: align() gave it.
std::vector<std::vector<Piece>> fields_of(const Template& aligned, const KeyTemplate& key);
// A pattern over stored keys: literals escaped as fields are, but for the colon between fields.
Template as_pattern(Template text);
bool has_star(const Template& text);

}  // namespace larder::dsl
