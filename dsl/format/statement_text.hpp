// dsl/format/statement_text.hpp -- the words of one statement in a row: on one line, or filled into
// several.
#pragma once

#include "dsl/format/layout.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace larder::dsl::format {

inline constexpr std::size_t block_indent = 2;
inline constexpr std::size_t further_indent = 4;  // of a statement that goes on
inline constexpr auto no_column = std::string::npos;

// Code points.
std::size_t columns_of(std::string_view text);

bool blank_between(const Word& before, const Word& after);
// Whether a line may end between the two although the statement does not.
bool may_go_on_between(const Word& before, const Word& after);

// Whether all of it was, or may be, on one line.
bool can_be_flat(const Block& block);
bool can_be_flat(const Statement& statement);

struct Flat {
    std::string text;
    std::size_t column = no_column;  // byte at which what stands below its neighbour's begins
};
// REQUIRES: can_be_flat(statement).
Flat flat(const Statement& statement);

// The statements of a block on one line, from behind its `{` to its `}`.
void append_flat(std::string& out, const Block& block);

}  // namespace larder::dsl::format
