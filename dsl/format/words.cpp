// dsl/format/words.cpp -- a policy text cut into words, of which none is lost.
#include "dsl/format/words.hpp"

#include "dsl/parse_state.hpp"

#include <cstddef>
#include <utility>

namespace larder::dsl::format {
namespace {

using grammar::Iterator;
using grammar::view;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool ends_a_word(char c) {
    return is_blank(c) || c == '\n' || std::string_view("\"#{};,()=<>+-").find(c) < 13;
}

class Cutter {
  public:
    explicit Cutter(std::string_view text) : i_(text.data()), last_(i_ + text.size()) {
        constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
        if (text.starts_with(byte_order_mark)) i_ += byte_order_mark.size();
        words_.reserve(text.size() / 5);
    }

    std::vector<Word> cut() {
        while (i_ != last_) {
            if (is_blank(*i_))
                ++i_;
            else
                next();
        }
        return std::move(words_);
    }

  private:
    void next() {
        switch (*i_) {
            case '\n':
                add(Word::Kind::newline, i_ + 1);
                ++line_;
                return;
            case ';':
                return add(Word::Kind::semicolon, i_ + 1);
            case '#':
                return comment();
            case '"':
                return add(Word::Kind::text, grammar::past_text(i_, last_));
            case '{':
                return brace();
            case '}':
                return add(Word::Kind::close, i_ + 1);
            default:
                return word_or_mark();
        }
    }

    void add(Word::Kind kind, Iterator end) {
        words_.push_back({kind, view(i_, end), line_});
        i_ = end;
    }

    void comment() {
        const Iterator end = grammar::line_end_of(i_, last_);
        Iterator behind = end;
        while (is_blank(behind[-1])) --behind;
        add(Word::Kind::comment, behind);
        i_ = end;
    }

    // A `{` opens a block, but for the day of `ttl 1h when {end} before today`.
    void brace() {
        Iterator end = i_ + 1;
        if (!words_.empty() && words_.back().text == "when" && head() == "ttl") {
            end = grammar::word_end(end, last_);
            if (end != last_ && end != i_ + 1 && *end == '}')
                return add(Word::Kind::word, end + 1);
        }
        add(Word::Kind::open, i_ + 1);
    }

    // The first word of this line or statement.
    std::string_view head() const {
        std::size_t first = words_.size();
        while (first > 0) {
            const Word::Kind kind = words_[first - 1].kind;
            if (kind == Word::Kind::newline || kind == Word::Kind::semicolon ||
                kind == Word::Kind::open || kind == Word::Kind::close)
                break;
            --first;
        }
        return first == words_.size() ? std::string_view{} : words_[first].text;
    }

    void word_or_mark() {
        const char next = i_ + 1 == last_ ? '\0' : i_[1];
        switch (*i_) {
            case ',':
            case '(':
            case ')':
            case '+':
                return add(Word::Kind::mark, i_ + 1);
            case '-':
                return add(Word::Kind::mark, i_ + (next == '>' ? 2 : 1));
            case '<':
            case '>':
            case '=': {
                Iterator end = i_;
                while (end != last_ && (*end == '<' || *end == '>' || *end == '=')) ++end;
                return add(Word::Kind::mark, end);
            }
            default:
                break;
        }
        Iterator end = i_ + 1;
        while (end != last_ && (!ends_a_word(*end) || (*end == '-' && end + 1 != last_ &&
                                                       grammar::is_word_char(end[1]))))
            ++end;
        add(Word::Kind::word, end);
    }

    Iterator i_;
    Iterator last_;
    std::uint32_t line_ = 1;
    std::vector<Word> words_;
};

bool is_end(const Word& word) {
    return word.kind == Word::Kind::newline || word.kind == Word::Kind::semicolon;
}

// The words alone, with one end of statement where there are several, and none beside braces,
// comments, the beginning and the end, where it says nothing.
std::vector<Word> bare(const std::vector<Word>& words) {
    const std::vector<std::uint32_t> next = next_said(words);
    std::vector<Word> out;
    const Word* before = nullptr;
    bool ended = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const Word& word = words[i];
        if (word.kind == Word::Kind::comment) {
            out.push_back(word);
            continue;
        }
        if (is_end(word)) {
            const Word* after = next[i] < words.size() ? &words[next[i]] : nullptr;
            ended = ended || word.kind == Word::Kind::semicolon || !goes_on(before, after);
            continue;
        }
        if (ended && before != nullptr && before->kind != Word::Kind::open &&
            word.kind != Word::Kind::close)
            out.push_back({Word::Kind::semicolon, ";", 0});
        ended = false;
        out.push_back(word);
        before = &word;
    }
    return out;
}

}  // namespace

std::vector<std::uint32_t> next_said(const std::vector<Word>& words) {
    auto next = static_cast<std::uint32_t>(words.size());
    std::vector<std::uint32_t> out(words.size());
    for (std::size_t i = words.size(); i-- > 0;) {
        if (words[i].kind != Word::Kind::newline && words[i].kind != Word::Kind::comment)
            next = static_cast<std::uint32_t>(i);
        out[i] = next;
    }
    return out;
}

bool goes_on(const Word* before, const Word* after) {
    return (before != nullptr &&
            (before->is(",") || before->is("->") || before->is("(") || before->is("="))) ||
           (after != nullptr && (after->is("->") || after->is(")")));
}

std::vector<Word> words_of(std::string_view text) { return Cutter(text).cut(); }

bool same_words(std::string_view a, std::string_view b) {
    const std::vector<Word> left = bare(words_of(a));
    const std::vector<Word> right = bare(words_of(b));
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i)
        if (left[i].kind != right[i].kind || left[i].text != right[i].text) return false;
    return true;
}

}  // namespace larder::dsl::format
