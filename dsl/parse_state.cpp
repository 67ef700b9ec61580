// dsl/parse_state.cpp -- blocks, documentation, and the places where reading goes on after an
// error.
//
// The expected-here messages are in expected.cpp.
#include "dsl/parse_state.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace larder::dsl::grammar {
namespace {

constexpr std::array<std::string_view, 14> item_words{
    "larder",  "use",  "let",   "profile", "defaults", "namespace", "on",
    "session", "warm", "alert", "breaker", "guard",    "test",      "guarantee"};

// Behind the next newline.
Iterator next_line(Iterator i, Iterator last) {
    const void* newline = std::memchr(i, '\n', static_cast<std::size_t>(last - i));
    return newline == nullptr ? last : static_cast<Iterator>(newline) + 1;
}

}  // namespace

Iterator past_text(Iterator i, Iterator last) {
    for (++i; i != last && *i != '"' && *i != '\n'; ++i) {
        if (*i == '\\' && i + 1 != last && i[1] != '\n') {
            ++i;
        }
    }
    return i != last && *i == '"' ? i + 1 : i;
}

std::string clipped(std::string_view text) {
    std::size_t most = 40;
    if (text.size() <= most) {
        return std::string(text);
    }
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) {
        --most;
    }
    std::string cut(text.substr(0, most));
    cut += "…";
    return cut;
}

std::string quoted(std::string_view text) {
    std::string out(1, '`');
    out += clipped(text);
    out += '`';
    return out;
}

ParseState::ParseState(const Source& source, std::vector<Diagnostic>& found)
    : begin_(source.text().data()),
      end_(begin_ + source.text().size()),
      base_(source.base()),
      found_(found),
      far_(begin_) {}

// ---- blocks -----------------------------------------------------------------------------------

bool ParseState::open_block(Iterator brace) {
    if (depth_ == max_depth) {
        report("L0108", at(brace, brace + 1),
               "blocks are nested deeper than " + std::to_string(max_depth) + " levels");
        return false;
    }
    open_[depth_++] = brace;
    return true;
}

// ---- lines ------------------------------------------------------------------------------------

Iterator ParseState::skip_lines(Iterator i, Iterator last) {
    Iterator doc_begin = nullptr;
    Iterator doc_end = nullptr;
    // Blank lines part a comment from what follows: two newlines with nothing between them.
    bool line_is_blank = at_line_start(i);
    for (; i != last; ++i) {
        if (*i == '#') {
            const Iterator end = line_end_of(i, last);
            if (end - i >= 2 && i[1] == '#' && line_is_blank) {
                doc_begin = doc_begin == nullptr ? i : doc_begin;
                doc_end = end;
            }
            line_is_blank = false;
            i = end;
            if (i == last) {
                break;
            }
        }
        if (*i == '\n') {
            if (line_is_blank) {
                doc_begin = nullptr;
            }
            line_is_blank = true;
        } else if (*i != ' ' && *i != '\t' && *i != '\r') {
            break;
        }
    }
    if (doc_begin != nullptr) {
        doc_ = at(doc_begin, doc_end);
        documented_ = i;
    }
    return i;
}

bool ParseState::at_item(Iterator i) const {
    if (i == end_ || !at_line_start(i)) {
        return false;
    }
    const std::string_view word = word_at(i, end_);
    return std::find(item_words.begin(), item_words.end(), word) != item_words.end();
}

void ParseState::count_statement(Iterator where) {
    if (++statements_ <= max_statements) {
        return;
    }
    report("L0111", at(where, where),
           "this file has more than " + std::to_string(max_statements) + " statements", "",
           {"split it, and join the parts with `use`"});
    gave_up_ = true;
    throw GiveUp{};
}

// ---- errors -----------------------------------------------------------------------------------

void ParseState::store(Diagnostic&& found) {
    if (++errors_ <= max_shown) {
        found_.push_back(std::move(found));
    } else if (errors_ > max_counted) {
        gave_up_ = true;
        throw GiveUp{};
    }
}

void ParseState::report(std::string code, Span place, std::string message, std::string label,
                        std::vector<std::string> helps, std::optional<Fix> fix) {
    if (is_known_bad(begin_ + (place.begin - base_))) {
        return;
    }
    Diagnostic found;
    found.code = std::move(code);
    found.message = std::move(message);
    found.primary = {place, std::move(label)};
    found.helps = std::move(helps);
    found.fix = std::move(fix);
    store(std::move(found));
}

// On the line of a bad byte, as far as one looks for it: a line may be megabytes long.
bool ParseState::is_known_bad(Iterator where) const {
    constexpr std::ptrdiff_t farthest = 4096;
    if (known_bad_.empty()) {
        return false;
    }
    const auto same_line = [&](Iterator from, Iterator to) {
        return to - from <= farthest && std::find(from, to, '\n') == to;
    };
    const auto after =
        std::lower_bound(known_bad_.begin(), known_bad_.end(), at(where, where).begin);
    return (after != known_bad_.end() && same_line(where, begin_ + (*after - base_))) ||
           (after != known_bad_.begin() && same_line(begin_ + (after[-1] - base_), where));
}

// ---- going on after an error --------------------------------------------------------------------

Iterator ParseState::behind_statement(Iterator where, std::size_t depth) {
    // Blocks this statement opened are part of it.
    std::size_t inner = depth_ > depth ? depth_ - depth : 0;
    depth_ = depth;
    Iterator i = where;
    while (i != end_) {
        if (*i == '"') {
            i = past_text(i, end_);
            continue;
        }
        if (*i == '#') {
            i = line_end_of(i, end_);
            continue;
        }
        if (*i == '{') {
            ++inner;
        } else if (*i == '}') {
            if (inner == 0) {
                return i;
            }
            --inner;
        } else if (*i == '\n' || *i == ';') {
            if (inner == 0) {
                return skip_lines(i + 1, end_);
            }
            if (at_item(i + 1)) {
                return i + 1;
            }
        }
        ++i;
    }
    return i;
}

Iterator ParseState::find_open_brace(Iterator where) const {
    Iterator i = where;
    while (i != end_ && *i != '\n') {
        if (*i == '"') {
            i = past_text(i, end_);
            continue;
        }
        if (*i == '#') {
            break;
        }
        // A brace that touches what stands before it is a capture outside of a text: /users/{id}.
        if (*i == '{' &&
            (i == begin_ || i[-1] == ' ' || i[-1] == '\t' || i[-1] == '"' || i[-1] == ')')) {
            return i;
        }
        ++i;
    }
    return i;
}

Iterator ParseState::find_item(Iterator where) {
    Iterator i = at_line_start(where) ? where : next_line(where, end_);
    while (i != end_ && !at_item(i)) {
        i = next_line(i, end_);
    }
    // Once more from the blank lines and comments above it, for the sake of its documentation.
    Iterator above = i;
    while (above != begin_ && above > where) {
        Iterator line = above - 1;
        while (line != begin_ && line[-1] != '\n') {
            --line;
        }
        const Iterator word = skip_blank(line, end_);
        if (word != end_ && word < above - 1) {
            break;
        }
        above = line;
    }
    return above < where ? i : skip_lines(above, end_);
}

void ParseState::resume(Iterator where) {
    far_ = where;
    wished_ = 0;
}

}  // namespace larder::dsl::grammar
