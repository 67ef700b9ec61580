// dsl/key_template.hpp -- the shape of a namespace's keys: `stock:{sku}:{warehouse}`.
//
// A raw key is what a client writes (`stock:A1:berlin`); its canonical form is what is stored: the
// literals as they are, each field escaped. Reading a raw key: literals must fit, a field takes the
// shortest non-empty text up to the next literal, the last field takes the rest, colons included. So
// every raw key has at most one reading, and two raw keys with different fields have different
// canonical forms: entries cannot meet. A `{rest...}` field keeps its bytes.
//
// When no field needs escaping, which is nearly always, the canonical form is the raw text itself and
// nothing is copied.
#pragma once

#include "dsl/template.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace larder::dsl {

inline constexpr std::size_t max_fields = 16;

// The fields of one raw key: views into it.
struct Fields {
    Fields() noexcept {}  // of `value` only the first `count` are made: a key has one or two
    union {
        std::array<std::string_view, max_fields> value;
    };
    std::uint16_t count = 0;
    bool plain = true;  // no field needs escaping: canonical == raw
    std::span<const std::string_view> values() const { return {value.data(), count}; }
};

class KeyTemplate {
  public:
    KeyTemplate() = default;
    // REQUIRES: checked: no star, no two fields side by side, at most max_fields, rest only last.
    explicit KeyTemplate(Template pattern);

    const Template& pattern() const { return pattern_; }
    std::uint16_t fields() const { return fields_; }
    // Reads `raw`; false when it does not fit. Allocates nothing. [hot]
    bool read(std::string_view raw, Fields& out) const;
    // Whether `raw` fits and is its own canonical form; false says nothing. Cheaper than read(), above
    // all for keys of one field. [hot]
    bool is_canonical(std::string_view raw) const {
        if (fields_ != 1) return reads_plain(raw);
        if (raw.size() <= literals_) return false;
        if (literals_ != 0 && (!raw.starts_with(before_) || !raw.ends_with(behind_))) return false;
        return rest_ || !needs_escape(raw.substr(before_.size(), raw.size() - literals_));
    }
    // The canonical form of fields that read() gave, appended to out.
    void canonical(const Fields& fields, std::string& out) const;
    // Fields of a canonical key, unescaped into owned strings; nullopt when it does not fit.
    std::optional<std::vector<std::string>> parse_canonical(std::string_view canonical) const;
    // What a client would have written for this canonical key.
    std::string raw(std::string_view canonical) const;

  private:
    bool reads_plain(std::string_view raw) const;

    Template pattern_;
    std::uint16_t fields_ = 0;
    // Of keys with one field: what stands before and behind it.
    std::string before_, behind_;
    std::size_t literals_ = 0;  // bytes of both
    bool rest_ = false;
};

}  // namespace larder::dsl
