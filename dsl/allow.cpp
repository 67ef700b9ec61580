// dsl/allow.cpp -- comments that silence a finding.
//
// A pass of its own over the `#` of the text, so that an error in front of a comment cannot hide
// it. Whether a `#` begins a comment or stands in a text is decided by its line alone, because
// texts end on the line they start on.
#include "dsl/allow.hpp"

#include "dsl/parse_state.hpp"

#include <algorithm>

namespace larder::dsl {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view without_blanks(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

// The `#` that begins the comment of this line; npos when there is none.
std::size_t comment_in(std::string_view line) {
    const char* const last = line.data() + line.size();
    for (const char* i = line.data(); i != last;) {
        if (*i == '#') {
            return static_cast<std::size_t>(i - line.data());
        }
        i = *i == '"' ? grammar::past_text(i, last) : i + 1;
    }
    return std::string_view::npos;
}

// The first line from `number` on that holds more than a comment; the last line if none does.
std::size_t statement_from(const Source& source, std::size_t number) {
    for (; number < source.lines(); ++number) {
        const std::string_view words = without_blanks(source.line(number));
        if (!words.empty() && words.front() != '#') {
            break;
        }
    }
    return std::min(number, source.lines());
}

Span span_of(const Source& source, std::string_view part) {
    const auto begin =
        source.base() + static_cast<std::uint32_t>(part.data() - source.text().data());
    return {begin, begin + static_cast<std::uint32_t>(part.size())};
}

// False when the comment says something else.
bool read_allow(const Source& source, std::string_view comment, Allow& allow) {
    constexpr std::string_view word = "allow";
    std::string_view rest = without_blanks(comment.substr(1));
    if (!rest.starts_with(word) || rest.size() == word.size() ||
        blanks.find(rest[word.size()]) == std::string_view::npos) {
        return false;
    }
    rest = without_blanks(rest.substr(word.size()));
    const std::size_t colon = rest.find(':');
    const std::string_view code = without_blanks(rest.substr(0, colon));
    // "# allow the owner to ..." is prose.
    const bool is_code = code.size() == 5 && code[0] == 'L' &&
                         std::all_of(code.begin() + 1, code.end(), grammar::is_digit);
    if (!is_code) {
        return false;
    }
    allow.at = span_of(source, without_blanks(comment));
    allow.code = code;
    allow.code_at = span_of(source, code);
    const std::string_view reason = colon == std::string_view::npos
                                        ? std::string_view{}
                                        : without_blanks(rest.substr(colon + 1));
    if (!reason.empty()) {
        allow.reason = span_of(source, reason);
    }
    return true;
}

}  // namespace

std::vector<Allow> find_allows(const Source& source) {
    constexpr std::string_view word = "allow";
    std::vector<Allow> allows;
    const std::string_view text = source.text();
    std::size_t statement = 0;  // the line the last comment of its own belongs to
    for (std::size_t i = text.find(word); i != std::string_view::npos;) {
        const std::size_t number = source.place(source.base() + static_cast<std::uint32_t>(i)).line;
        const std::string_view line = source.line(number);
        const std::size_t comment = comment_in(line);
        Allow allow;
        if (comment != std::string_view::npos && read_allow(source, line.substr(comment), allow)) {
            if (!without_blanks(line.substr(0, comment)).empty()) {
                allow.line = number;
            } else {
                // A thousand such lines in a row belong to one statement: look for it once.
                statement = number < statement ? statement : statement_from(source, number + 1);
                allow.line = statement;
            }
            allows.push_back(allow);
        }
        // One comment a line.
        const std::size_t newline = text.find('\n', i);
        i = newline == std::string_view::npos ? newline : text.find(word, newline);
    }
    return allows;
}

}  // namespace larder::dsl
