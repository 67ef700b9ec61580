// dsl/parser.hpp -- one policy text in, its syntax tree and everything wrong with it out.
#pragma once

#include "dsl/ast.hpp"
#include "dsl/diagnostic.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace larder::dsl {

// `# allow L0303: the index is rebuilt at night`. Silences that finding on the next line that holds
// a statement, `line`; on its own line when a statement stands before it.
struct Allow {
    Span at;  // the whole comment
    Span code_at;
    std::string_view code;  // "L0303"; empty when the comment names no code
    Span reason;            // empty when there is none, which is a finding of its own
    std::size_t line = 0;
};

struct Parsed {
    ast::Policy tree;
    std::vector<Diagnostic> found;  // in the order of the text
    std::vector<Allow> allows;
};

// Never throws for bad input. Errors end up in `found`, at most max_errors of them and then one
// note with the number of the rest; a statement in error is a Broken node. Reads only `sources`, so
// files may be parsed by several threads at once. `use` is not followed.
inline constexpr std::size_t max_errors = 100;
Parsed parse(const SourceMap& sources, FileId file);

}  // namespace larder::dsl
