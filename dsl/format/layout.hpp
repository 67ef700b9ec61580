// dsl/format/layout.hpp -- statements and blocks as they were written, comments in their places.
//
// Between the words and the print: which words make a statement, what stood on one line, where a
// comment belongs. It knows nothing of the language but how statements end and blocks nest; what a
// statement may say was the parser's business.
//
// A comment is in one of four places: on lines of its own (a Statement without parts), behind a
// statement, behind a `{`, or inside a statement that goes on over several lines (a Part).
//
// `# allow L0303: reason` speaks of a *line*. On such lines nothing may move to another line or come
// from one, or formatting would change what is found: their statements are `pinned`.
#pragma once

#include "dsl/format/words.hpp"

#include <memory>
#include <set>
#include <string_view>
#include <vector>

namespace larder::dsl::format {

struct Block;

struct Part {
    Word word;
    bool new_line = false;         // it began a line
    std::unique_ptr<Block> block;  // of a `{`
};

struct Statement {
    std::vector<Part> parts;   // none: a comment on a line of its own
    std::string_view comment;  // behind it, or it itself
    bool blank_above = false;
    bool joined = false;  // must stay on the line of the statement before it
    bool pinned = false;  // its lines must stay as they are

    bool is_comment() const { return parts.empty(); }
    std::string_view head() const { return is_comment() ? std::string_view{} : parts[0].word.text; }
};

struct Block {
    std::string_view comment;  // behind its `{`
    std::vector<Statement> body;
    bool one_line = false;  // nothing in it began a line
    bool joined_open = false, joined_close = false;  // nothing may come between it and its braces
};

// REQUIRES: the text parses without an error; `pinned` are the lines a comment speaks of.
Block layout_of(const std::vector<Word>& words, const std::set<std::uint32_t>& pinned);

}  // namespace larder::dsl::format
