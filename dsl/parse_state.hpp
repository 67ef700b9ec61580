// dsl/parse_state.hpp -- what one parse knows while it runs: where it is, what it wanted, what it
// found.
//
// Three records make good messages possible.
//   The farthest failure: every token that does not match says what it wanted and where. What was
//     wanted at the farthest such place is what the writer got wrong; it gives the position, the
//     list of alternatives and the candidates of did-you-mean at once.
//   The open blocks: a stack of the `{` not yet closed, kept by the tokens for `{` and `}`. Nothing
//     backtracks over a brace, so the stack is exact, and recovery never counts from the start.
//   The last documentation comment, and the statement it stands above.
//
// No X3 here: the lexical functions are plain C++ over pointers.
#pragma once

#include "dsl/diagnostic.hpp"
#include "dsl/source.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl::grammar {

using Iterator = const char*;

// ---- characters -------------------------------------------------------------------------------

inline bool is_word_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_word_char(char c) { return is_word_start(c) || is_digit(c); }
inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

inline std::string_view view(Iterator begin, Iterator end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

// Behind letters, digits, `_` and inner `-`.
inline Iterator word_end(Iterator i, Iterator last) {
    while (i != last && (is_word_char(*i) || (*i == '-' && i + 1 != last && is_word_char(i[1])))) {
        ++i;
    }
    return i;
}

// The word at i, or nothing.
inline std::string_view word_at(Iterator i, Iterator last) {
    return i != last && is_word_start(*i) ? view(i, word_end(i, last)) : std::string_view{};
}

inline Iterator line_end_of(Iterator i, Iterator last) {
    while (i != last && *i != '\n') {
        ++i;
    }
    return i;
}

// Over blanks and a comment, never over a newline.
inline Iterator skip_blank(Iterator i, Iterator last) {
    while (i != last && (*i == ' ' || *i == '\t' || *i == '\r')) {
        ++i;
    }
    return i != last && *i == '#' ? line_end_of(i, last) : i;
}

// Behind the text that starts at i (at its `"`), or at the end of the line if it is not closed.
Iterator past_text(Iterator i, Iterator last);

// Fit to be quoted in a message: long ones are cut.
std::string clipped(std::string_view text);
// The same in backquotes, the way messages show what stands in a policy.
std::string quoted(std::string_view text);

// ---- the state --------------------------------------------------------------------------------

// What a token wanted. Only a word is a candidate for did-you-mean.
struct Wish {
    enum class Kind : unsigned char { word, mark, thing, end_of_line, closing_brace };
    std::string_view text;
    Kind kind = Kind::word;
};

// Thrown through the grammar when reading on is of no use: 10,000 errors, or too many statements.
struct GiveUp {};

class ParseState {
  public:
    static constexpr std::size_t max_depth = 16;        // X3 recurses; a block costs about 1 KiB
    static constexpr std::size_t max_shown = 100;       // errors that are put into words
    static constexpr std::size_t max_counted = 10'000;  // errors until the rest is not read
    static constexpr std::size_t max_statements = 500'000;

    ParseState(const Source& source, std::vector<Diagnostic>& found);

    Iterator begin() const { return begin_; }
    Iterator end() const { return end_; }
    Span at(Iterator from, Iterator to) const {
        return {base_ + static_cast<std::uint32_t>(from - begin_),
                base_ + static_cast<std::uint32_t>(to - begin_)};
    }

    // ---- farthest failure
    void want(Iterator where, Wish wish) {
        if (where < far_) {
            return;
        }
        if (where > far_) {
            far_ = where;
            wished_ = 0;
        }
        if (wished_ < wishes_.size()) {
            wishes_[wished_++] = wish;
        }
    }

    // ---- blocks
    // False at the limit; the error is then reported.
    bool open_block(Iterator brace);
    void close_block() { --depth_; }
    std::size_t depth() const { return depth_; }
    // Takes the blocks above `depth` as closed.
    void cut_blocks(std::size_t depth) { depth_ = depth < depth_ ? depth : depth_; }

    // ---- lines
    // Over blanks, comments and newlines to the next word, noting the documentation on the way.
    Iterator skip_lines(Iterator i, Iterator last);
    // The `##` lines straight above the statement whose first word is at i.
    Span doc_at(Iterator i) const { return i == documented_ ? doc_ : Span{}; }
    bool at_line_start(Iterator i) const { return i == begin_ || i[-1] == '\n'; }
    // A word that begins an item stands at the left edge: whatever block is open ends here.
    bool at_item(Iterator i) const;
    // One statement more. Throws GiveUp when there are too many.
    void count_statement(Iterator where);

    // ---- errors
    // Says what was wanted at the farthest place. Nothing when that place was spoken of before.
    void report_expected(Iterator where);
    void report(std::string code, Span at, std::string message, std::string label = {},
                std::vector<std::string> helps = {}, std::optional<Fix> fix = {});
    // A failure that follows from one already reported: the next report_expected() stays silent.
    void expect_follow_up() { quiet_ = true; }
    void forget_follow_up() { quiet_ = false; }
    // Places (offsets in the SourceMap, ascending) whose lines are reported already.
    void set_known_bad(std::vector<std::uint32_t> offsets) { known_bad_ = std::move(offsets); }
    std::size_t errors() const { return errors_; }
    // What is wanted at `where` is kept when the parser fails there.
    void watch(Iterator where) { watched_ = where; }
    const std::vector<Wish>& wanted_there() const { return wanted_there_; }
    bool gave_up() const { return gave_up_; }

    // ---- going on after an error
    // Behind the statement `where` is in, which began with `depth` blocks open; before a `}` that
    // is not its own.
    Iterator behind_statement(Iterator where, std::size_t depth);
    // The `{` that ends the head `where` is in, or the end of the line.
    Iterator find_open_brace(Iterator where) const;
    // The next line that begins with an item, from `where` on, or the end.
    Iterator find_item(Iterator where);
    // Forgets what was wanted before.
    void resume(Iterator at);

  private:
    void store(Diagnostic&& found);
    bool is_known_bad(Iterator where) const;
    std::span<const Wish> wishes() const { return {wishes_.data(), wished_}; }
    std::span<const Iterator> open_blocks() const { return {open_.data(), depth_}; }

    Iterator begin_;
    Iterator end_;
    std::uint32_t base_;
    std::vector<Diagnostic>& found_;

    Iterator far_;
    std::size_t wished_ = 0;
    std::array<Wish, 64> wishes_{};

    std::size_t depth_ = 0;
    std::array<Iterator, max_depth> open_{};

    Iterator documented_ = nullptr;
    Span doc_;

    Iterator watched_ = nullptr;
    std::vector<Wish> wanted_there_;
    std::vector<std::uint32_t> known_bad_;
    Iterator last_reported_ = nullptr;
    std::size_t statements_ = 0;
    std::size_t errors_ = 0;
    bool quiet_ = false;
    bool gave_up_ = false;
};

}  // namespace larder::dsl::grammar
