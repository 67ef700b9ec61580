// dsl/scan_text.cpp -- texts: literals, captures and stars, and the three mistakes one can make in
// them.
#include "dsl/scan.hpp"

namespace larder::dsl::grammar {
namespace {

using ast::Piece;

// Reads one text; a member a part of its syntax.
class TextScanner {
  public:
    TextScanner(Iterator begin, Iterator last, ParseState& state, ast::Text& text)
        : begin_(begin), i_(begin + 1), last_(last), literal_(i_), state_(state), text_(text) {}

    Scanned scan() {
        text_.pieces.clear();
        while (i_ != last_ && *i_ != '"' && *i_ != '\n') {
            const bool good = *i_ == '\\'  ? escape()
                              : *i_ == '*' ? star()
                              : *i_ == '{' ? capture()
                                           : ordinary();
            if (!good) {
                return {i_, true};
            }
        }
        if (i_ == last_ || *i_ == '\n') {
            unclosed(i_);
            return {i_, true};
        }
        flush();
        text_.at = state_.at(begin_, i_ + 1);
        return {i_ + 1, false};
    }

  private:
    bool ordinary() {
        ++i_;
        return true;
    }

    bool escape() {
        const Iterator escaped = i_ + 1;
        if (escaped == last_ || *escaped == '\n') {
            ++i_;  // the open text is the worse mistake, and reported behind this
            return true;
        }
        if (*escaped != '"' && *escaped != '\\' && *escaped != '{' && *escaped != '}' &&
            *escaped != '*') {
            state_.report("L0105", state_.at(i_, escaped + 1), "there is no such escape in a text",
                          "",
                          {"`\\` stands before `\"`, `\\`, `{`, `}` and `*` only; for a backslash "
                           "write `\\\\`"},
                          Fix{state_.at(i_, i_), "\\"});
            i_ = past_text(begin_, last_);
            return false;
        }
        flush();
        literal_ = escaped;
        i_ = escaped + 1;
        return true;
    }

    bool star() {
        flush();
        const bool deep = i_ + 1 != last_ && i_[1] == '*';
        const Iterator end = i_ + (deep ? 2 : 1);
        add(deep ? Piece::Kind::deep : Piece::Kind::star, i_, end);
        literal_ = i_ = end;
        return true;
    }

    bool capture() {
        flush();
        const Iterator name = i_ + 1;
        Iterator name_end = name;
        while (name_end != last_ && is_word_char(*name_end)) {
            ++name_end;
        }
        const bool rest = last_ - name_end >= 3 && view(name_end, name_end + 3) == "...";
        const Iterator brace = rest ? name_end + 3 : name_end;
        if (name_end == name || is_digit(*name) || brace == last_ || *brace != '}') {
            return bad_capture(name);
        }
        add(rest ? Piece::Kind::rest : Piece::Kind::capture, name, name_end);
        literal_ = i_ = brace + 1;
        return true;
    }

    bool bad_capture(Iterator name) {
        const Iterator behind = past_text(begin_, last_);
        if (behind == begin_ + 1 || behind[-1] != '"') {
            return unclosed(behind);  // the `{` is then likely the one of a block
        }
        Iterator end = name;
        while (*end != '}' && *end != '"') {
            ++end;
        }
        state_.report("L0105", state_.at(i_, *end == '}' ? end + 1 : end),
                      "this capture is not closed or not a name", "write {name}",
                      {"a capture is `{name}` for one segment or `{name...}` for the rest; for a "
                       "brace itself write `\\{`"});
        i_ = behind;
        return false;
    }

    bool unclosed(Iterator end) {
        if (end != begin_ + 1 && end[-1] == '\r') {
            --end;
        }
        state_.report("L0104", state_.at(begin_, end), "this text has no closing quote",
                      "starts here", {"a text ends on the line it starts on; add `\"`"},
                      Fix{state_.at(end, end), "\""});
        i_ = end;
        return false;
    }

    void flush() {
        if (i_ != literal_) {
            add(Piece::Kind::literal, literal_, i_);
        }
        literal_ = i_;
    }

    void add(Piece::Kind kind, Iterator from, Iterator to) {
        text_.pieces.push_back({kind, view(from, to)});
    }

    Iterator begin_;
    Iterator i_;
    Iterator last_;
    Iterator literal_;  // where the literal that is being read begins
    ParseState& state_;
    ast::Text& text_;
};

}  // namespace

Scanned scan_text(Iterator i, Iterator last, ParseState& state, ast::Text& text) {
    return TextScanner(i, last, state, text).scan();
}

}  // namespace larder::dsl::grammar
