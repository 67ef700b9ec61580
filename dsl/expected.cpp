// dsl/expected.cpp -- from the farthest failure to a sentence: what was wanted, what was found,
// what was probably meant.
#include "dsl/parse_state.hpp"
#include "dsl/scan.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace larder::dsl::grammar {
namespace {

// More alternatives than this are a note, not part of the sentence.
constexpr std::size_t most_in_sentence = 4;

// The token at `begin`, as a message quotes it.
struct Got {
    Iterator begin;
    Iterator end;
    std::string text;
    bool word = false;
    bool bare_number = false;
};

Iterator end_of_number(Iterator i, Iterator last) {
    while (i != last && (is_word_char(*i) || *i == '%' || *i == '.')) {
        ++i;
    }
    return i;
}

Iterator end_of_code_point(Iterator i, Iterator last) {
    ++i;
    while (i != last && (static_cast<unsigned char>(*i) & 0xC0) == 0x80) {
        ++i;
    }
    return i;
}

Got got_at(Iterator pos, Iterator last) {
    if (pos == last) {
        return {pos, pos, "the end of the file"};
    }
    if (*pos == '\n') {
        return {pos, pos, "the end of the line"};
    }
    Iterator end = pos;
    bool bare = false;
    if (is_word_start(*pos)) {
        end = word_end(pos, last);
    } else if (is_digit(*pos)) {
        end = end_of_number(pos, last);
        bare = std::all_of(pos, end, is_digit);
    } else if (*pos == '"') {
        end = past_text(pos, last);
    } else {
        end = end_of_code_point(pos, last);
    }
    return {pos, end, quoted(view(pos, end)), is_word_start(*pos), bare};
}

// Where the eye looks for what is missing at the end of a line or file: behind the last word,
// before blanks and a comment.
Iterator behind_last_word(Iterator pos, Iterator begin) {
    constexpr std::ptrdiff_t farthest = 4096;
    Iterator line = pos;
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (line != begin && is_blank(line[-1])) {
        --line;
    }
    const Iterator stop = line;
    while (line != begin && line[-1] != '\n' && stop - line < farthest) {
        --line;
    }
    Iterator behind = line;
    for (Iterator i = line; i < stop && *i != '#';) {
        const bool blank = is_blank(*i);
        i = *i == '"' ? std::min(past_text(i, stop), stop) : i + 1;
        behind = blank ? behind : i;
    }
    return behind == line ? stop : behind;
}

// What was wanted, sorted out for a message.
struct Wanted {
    std::vector<std::string> shown;
    std::vector<std::string_view> words;
    bool closing_brace = false;

    explicit Wanted(std::span<const Wish> wishes) {
        bool end_of_line = false;
        std::vector<std::string_view> seen;
        for (const Wish& wish : wishes) {
            if (std::find(seen.begin(), seen.end(), wish.text) != seen.end()) {
                continue;
            }
            seen.push_back(wish.text);
            switch (wish.kind) {
                case Wish::Kind::closing_brace:
                    closing_brace = true;
                    break;
                case Wish::Kind::end_of_line:
                    end_of_line = true;
                    break;
                case Wish::Kind::word:
                    words.push_back(wish.text);
                    shown.push_back(quoted(wish.text));
                    break;
                case Wish::Kind::mark:
                    shown.push_back(quoted(wish.text));
                    break;
                case Wish::Kind::thing:
                    shown.emplace_back(wish.text);
                    break;
            }
        }
        if (end_of_line) {
            shown.emplace_back("the end of the line");
        }
    }

    bool many() const { return shown.size() > most_in_sentence; }

    bool wants(std::string_view thing) const {
        return std::any_of(shown.begin(), shown.end(), [&](const std::string& s) {
            return s.find(thing) != std::string::npos;
        });
    }

    // a, b or c
    std::string joined() const {
        std::string text;
        for (std::size_t i = 0; i < shown.size(); ++i) {
            text += i == 0 ? "" : i + 1 == shown.size() ? " or " : ", ";
            text += shown[i];
        }
        return text;
    }
};

// "20 ms": the number and its unit are one word.
bool help_with_blank(std::string_view digits, std::string_view unit, Span both,
                     Diagnostic& found) {
    const std::string_view meant = unit_meant(unit);
    if (meant.empty()) {
        return false;
    }
    const std::string right = std::string(digits) + std::string(meant);
    found.helps.push_back("write " + quoted(right) + ", without a blank");
    found.fix = Fix{both, right, true};
    return true;
}

// The likely units of a bare number.
void offer_units(const std::string& digits, std::initializer_list<const char*> units_meant,
                 Diagnostic& found) {
    for (const char* unit : units_meant) {
        found.choices.push_back({found.primary.at, digits + unit});
    }
}

void help_with_number(const Got& got, Iterator begin, Iterator last, const Wanted& wanted,
                      Diagnostic& found) {
    if (got.word) {
        Iterator digits_end = got.begin;
        while (digits_end != begin && digits_end[-1] == ' ') {
            --digits_end;
        }
        Iterator digits = digits_end;
        while (digits != begin && is_digit(digits[-1]) && digits_end - digits < 20) {
            --digits;
        }
        if (digits != digits_end && digits_end != got.begin) {
            const Span word = found.primary.at;
            const auto before = static_cast<std::uint32_t>(got.begin - digits);
            help_with_blank(view(digits, digits_end), view(got.begin, got.end),
                            {word.begin - before, word.end}, found);
        }
        return;
    }
    if (!got.bare_number) {
        return;
    }
    const std::string digits = clipped(view(got.begin, got.end));
    const std::string_view unit = word_at(skip_blank(got.end, last), last);
    const auto behind =
        unit.empty() ? 0u : static_cast<std::uint32_t>(unit.data() + unit.size() - got.end);
    const Span number = found.primary.at;
    if (help_with_blank(digits, unit, {number.begin, number.end + behind}, found)) {
        return;
    }
    if (wanted.wants("a duration")) {
        found.helps.push_back("a duration needs a unit: `" + digits + "s` is seconds, `" + digits +
                              "m` minutes");
        offer_units(digits, {"s", "m"}, found);
    }
    if (wanted.wants("a size")) {
        found.helps.push_back("a size needs a unit: `" + digits + "B`, `" + digits + "KiB`, `" +
                              digits + "MiB`");
        offer_units(digits, {"B", "KiB", "MiB"}, found);
    }
    if (wanted.wants("a percentage")) {
        found.helps.push_back("write " + quoted(digits + "%"));
        found.fix = Fix{number, digits + "%", true};
    }
}

}  // namespace

void ParseState::report_expected(Iterator where) {
    if (std::exchange(quiet_, false)) {
        return;
    }
    Iterator pos = skip_blank(where, end_);
    if (pos > far_) {
        wished_ = 0;
    } else {
        pos = far_;
    }
    if (pos == watched_ && wanted_there_.empty()) {
        wanted_there_.assign(wishes().begin(), wishes().end());
    }
    // What fails again where something failed already follows from it: `}` of every open block.
    if (pos == last_reported_ || is_known_bad(pos)) {
        return;
    }
    last_reported_ = pos;
    if (errors_ >= max_shown) {
        store({});  // only counted
        return;
    }

    Wanted wanted(wishes());
    const Got got = got_at(pos, end_);
    Diagnostic found;
    if (got.begin == got.end) {
        const Iterator behind = behind_last_word(pos, begin_);
        found.primary.at = at(behind, behind);
    } else {
        found.primary.at = at(got.begin, got.end);
    }

    if (wanted.closing_brace && (pos == end_ || at_item(pos))) {
        found.code = "L0103";
        found.message = "a block is not closed: `}` is missing before " + got.text;
        found.primary.text = "`}` expected before this";
        found.choices.push_back({{found.primary.at.begin, found.primary.at.begin}, pos == end_ ? "\n}" : "}\n"});
        const auto open = open_blocks();
        for (std::size_t i = open.size(); i > 0 && i + 3 > open.size(); --i) {
            found.more.push_back({at(open[i - 1], open[i - 1] + 1),
                                  i == open.size() ? "this block is still open" : "and this one"});
        }
        store(std::move(found));
        return;
    }

    const std::string_view meant =
        got.word ? nearest(view(got.begin, got.end), wanted.words) : std::string_view{};
    if (pos != end_ && *pos == '}' && depth_ == 0) {
        found.code = "L0101";
        found.message = "this `}` closes nothing";
        found.primary.text = "no block is open here";
    } else if (wanted.many()) {
        found.code = got.word ? "L0102" : "L0101";
        found.message = (got.word ? "unknown word " : "unexpected ") + got.text;
        std::sort(wanted.shown.begin(), wanted.shown.end());
        found.notes.push_back("expected here: " + wanted.joined());
    } else {
        found.code = "L0101";
        found.message = wanted.shown.empty()
                            ? "unexpected " + got.text
                            : "expected " + wanted.joined() + ", found " + got.text;
        if (meant.empty() && !wanted.shown.empty() && wanted.shown.size() < 3) {
            found.primary.text = "expected " + wanted.joined();
        }
        help_with_number(got, begin_, end_, wanted, found);
    }
    if (!meant.empty()) {
        found.primary.text = "did you mean " + quoted(meant) + "?";
        found.fix = Fix{found.primary.at, std::string(meant),
                        meant == only_nearest(view(got.begin, got.end), wanted.words)};
    }
    store(std::move(found));
}

}  // namespace larder::dsl::grammar
