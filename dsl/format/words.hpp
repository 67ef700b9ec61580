// dsl/format/words.hpp -- a policy text cut into words, of which none is lost.
//
// The grammar throws away what it does not need: comments, line ends, whether a list stood on one
// line. The formatter needs exactly these, so it cuts the text itself. The words in a row, with the
// blanks between them, are the text again; that is the whole proof that formatting loses nothing
// (see same_words()).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace larder::dsl::format {

struct Word {
    enum class Kind : std::uint8_t {
        word,     // names, numbers, `{end}` of a ttl
        text,     // "..." with its quotes
        mark,     // , ( ) = + - -> < <= > >=
        open,     // {
        close,    // }
        comment,  // from its # on, the blanks at its end taken away
        newline,
        semicolon,
    };
    Kind kind = Kind::word;
    std::string_view text;
    std::uint32_t line = 1;

    bool is(std::string_view mark) const { return kind == Kind::mark && text == mark; }
};

// Any bytes give words; a text that is not closed ends with its line. A byte order mark in front is
// no word.
std::vector<Word> words_of(std::string_view text);

// Whether two texts say the same in the same order: equal words and comments, equal ends of
// statements. How statements are ended (newline, `;`), where lines go on and blanks are free.
bool same_words(std::string_view a, std::string_view b);

// For each word the next one at or behind it that is neither a line end nor a comment; the number of
// words where there is none.
std::vector<std::uint32_t> next_said(const std::vector<Word>& words);

// Whether the statement that is being written goes on behind the line end between these two. Of
// `before` and `after` either may be null: there is nothing on that side.
bool goes_on(const Word* before, const Word* after);

}  // namespace larder::dsl::format
