// dsl/scan.hpp -- the tokens that carry a value: texts with captures, numbers with units, statuses.
//
// A scanner starts at the first character of its token. It either matches (`end` is behind it), or
// does not (`end` is null: something else may be tried), or finds its token with a mistake inside,
// says so itself, and the statement is over (`reported`).
#pragma once

#include "dsl/ast.hpp"
#include "dsl/parse_state.hpp"

#include <string_view>

namespace larder::dsl::grammar {

struct Scanned {
    Iterator end = nullptr;
    bool reported = false;
};

// A set of units that a place takes.
using Units = unsigned;
constexpr Units units(ast::Unit unit) { return 1u << static_cast<unsigned>(unit); }
constexpr Units any_unit = ~0u;

// REQUIRES: `i` is at the opening quote.
Scanned scan_text(Iterator i, Iterator last, ParseState& state, ast::Text& text);

// literal | NAME | env NAME [unit word] [or literal]
struct ValuePlace {
    Units fits = any_unit;
    ast::Unit unit = ast::Unit::none;  // what a name stands for here; none: not known yet
    std::string_view what;             // "a duration like `30s`"
    bool names = true;                 // NAME and `env` are welcome
};
Scanned scan_value(Iterator i, Iterator last, ParseState& state, const ValuePlace& place,
                   ast::Scalar& value);

// NAME | env NAME [or NAME]
Scanned scan_env_name(Iterator i, Iterator last, ParseState& state, std::string_view what,
                      ast::EnvName& name);

// The unit that `word` is, or was meant to be: `m` of `minutes`. Empty for other words.
std::string_view unit_meant(std::string_view word);

// 201 | 2xx (only with `classes`)
Scanned scan_status(Iterator i, Iterator last, bool classes, ast::Status& status);

}  // namespace larder::dsl::grammar
