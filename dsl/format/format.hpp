// dsl/format/format.hpp -- a policy in larder's one style. There are no options.
//
// The style: two blanks a level; one blank line between items, none between one-line items of one
// kind that stand together, and nowhere two; one statement a line; a block that was written on one
// line stays on it while it fits into 100 columns; the `{` of neighbouring one-line blocks, the `=`
// of neighbouring constants, the `when` of neighbouring alerts and the comments behind neighbouring
// lines stand below each other; a longer list goes on behind a `,` or before a `->`, four blanks in.
//
// Only blanks, line ends and `;` change, never a word and never a comment: same_words() of
// words.hpp holds, and formatting the outcome changes nothing.
#pragma once

#include "dsl/diagnostic.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

inline constexpr std::size_t max_columns = 100;

struct Formatted {
    std::optional<std::string> text;  // absent when the file has errors of syntax
    std::vector<Diagnostic> found;    // these
};

// Of one file; names need not be declared. Never throws for bad input. [any thread]
Formatted formatted(const SourceMap& sources, FileId file);

}  // namespace larder::dsl
