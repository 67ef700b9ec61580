// dsl/wanted.hpp -- what the language takes at a place of a text: the grammar's own answer.
//
// The parser notes what it wanted where it could not go on; that is how its messages say "expected
// here". So put where the cursor is something that nobody wants, parse, and what was wanted there is
// the list of completions. There is no second list of words that could grow old.
#pragma once

#include <string_view>
#include <vector>

namespace larder::dsl {

struct Wanted {
    std::vector<std::string_view> words;   // ttl, revalidating; live as long as the program
    std::vector<std::string_view> marks;   // {, ->
    std::vector<std::string_view> things;  // "a namespace", "a duration like `30s` or `1h30m`"
    bool end_of_line = false;              // the statement may end here
};

// Behind `before`, which is the text up to the word that is being written. Errors in it do not matter
// unless the place itself is lost in one: then nothing is wanted. A place inside a "text" or a comment
// is not looked at. Never throws for bad input.
Wanted wanted_behind(std::string_view before);

}  // namespace larder::dsl
