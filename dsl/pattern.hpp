// dsl/pattern.hpp -- a declared pattern over keys, as a set of implicit tags.
//
// A rule says `drop orders matching "{day}:*"`. Searching for the entries would cost what there are
// entries; instead every entry carries, from the moment it is written, one implicit tag for each way
// in which the pattern can match its key: the values its captures take. A drop binds the captures and
// changes that one tag. Over a canonical key a capture is non-empty text without `:`, a star any text.
//
// A pattern that fixes each capture between literals or ends of the key matches in one way; one that
// cuts a field at a literal (`{month}-*` over `2024-01-15`) in one way for each occurrence of the
// literal. Over max_bindings ways the entry carries the overflow tag, which every drop through the
// pattern changes too: such entries go more often than needed, never less. A pattern in which a
// capture touches a star (`*{x}*`) has no such bound and goes through the ban log: bounded() is false.
#pragma once

#include "dsl/template.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace larder::dsl {

inline constexpr std::size_t max_bindings = 8;

class Pattern {
  public:
    Pattern() = default;
    explicit Pattern(Template text);

    const Template& text() const { return text_; }
    bool bounded() const { return bounded_; }
    // Calls `each` with the tuple of every way to match `key` (captures joined by `\x1f`, in the order
    // of the pattern), at most max_bindings times; false: there are more, use overflow instead.
    bool bindings(std::string_view key, const std::function<void(std::string_view tuple)>& each) const;
    // The tuple that a rule's values name. `values` by slot of text(), raw; they are escaped here.
    std::string tuple(std::span<const std::string_view> values) const;
    // Two rules that declare the same shape share one pattern, whatever their variables are called.
    std::string shape() const;

  private:
    Template text_;
    bool bounded_ = false;
};

// Whether a glob with every capture filled in (`*` any text, all else itself) matches. Linear in
// |glob| * |text| at worst; allocates nothing. What ad-hoc patterns and the ban log use.
bool glob_match(std::string_view glob, std::string_view text);

}  // namespace larder::dsl
