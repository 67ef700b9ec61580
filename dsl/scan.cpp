// dsl/scan.cpp -- numbers with their units, values and statuses, character by character.
#include "dsl/scan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace larder::dsl::grammar {
namespace {

using ast::Unit;

// ---- numbers ----------------------------------------------------------------------------------

struct UnitName {
    std::string_view text;
    Unit kind;
    double factor;
};
constexpr double kib = 1024;
constexpr std::array<UnitName, 15> unit_names{{{"ms", Unit::duration, 1},
                                               {"s", Unit::duration, 1e3},
                                               {"m", Unit::duration, 60e3},
                                               {"h", Unit::duration, 3600e3},
                                               {"d", Unit::duration, 86400e3},
                                               {"w", Unit::duration, 604800e3},
                                               {"B", Unit::size, 1},
                                               {"KB", Unit::size, 1e3},
                                               {"MB", Unit::size, 1e6},
                                               {"GB", Unit::size, 1e9},
                                               {"TB", Unit::size, 1e12},
                                               {"KiB", Unit::size, kib},
                                               {"MiB", Unit::size, kib* kib},
                                               {"GiB", Unit::size, kib* kib* kib},
                                               {"TiB", Unit::size, kib* kib* kib* kib}}};

// What people write, and what they mean.
struct Alias {
    std::string_view wrong;
    std::string_view right;
};
constexpr std::array<Alias, 38> aliases{{{"sec", "s"},
                                         {"secs", "s"},
                                         {"second", "s"},
                                         {"seconds", "s"},
                                         {"S", "s"},
                                         {"min", "m"},
                                         {"mins", "m"},
                                         {"minute", "m"},
                                         {"minutes", "m"},
                                         {"H", "h"},
                                         {"hour", "h"},
                                         {"hours", "h"},
                                         {"hr", "h"},
                                         {"hrs", "h"},
                                         {"D", "d"},
                                         {"day", "d"},
                                         {"days", "d"},
                                         {"week", "w"},
                                         {"weeks", "w"},
                                         {"W", "w"},
                                         {"msec", "ms"},
                                         {"millis", "ms"},
                                         {"milliseconds", "ms"},
                                         {"Ms", "ms"},
                                         {"b", "B"},
                                         {"byte", "B"},
                                         {"bytes", "B"},
                                         {"k", "KiB"},
                                         {"K", "KiB"},
                                         {"kb", "KB"},
                                         {"kib", "KiB"},
                                         {"M", "MiB"},
                                         {"mb", "MB"},
                                         {"mib", "MiB"},
                                         {"G", "GiB"},
                                         {"gb", "GB"},
                                         {"gib", "GiB"},
                                         {"kB", "KB"}}};

// The words behind `env NAME`, whole words because they stand alone.
constexpr std::array<UnitName, 26> unit_words{{{"ms", Unit::duration, 1},
                                               {"milliseconds", Unit::duration, 1},
                                               {"s", Unit::duration, 1e3},
                                               {"seconds", Unit::duration, 1e3},
                                               {"m", Unit::duration, 60e3},
                                               {"minutes", Unit::duration, 60e3},
                                               {"h", Unit::duration, 3600e3},
                                               {"hours", Unit::duration, 3600e3},
                                               {"d", Unit::duration, 86400e3},
                                               {"days", Unit::duration, 86400e3},
                                               {"w", Unit::duration, 604800e3},
                                               {"weeks", Unit::duration, 604800e3},
                                               {"B", Unit::size, 1},
                                               {"bytes", Unit::size, 1},
                                               {"KB", Unit::size, 1e3},
                                               {"kilobytes", Unit::size, 1e3},
                                               {"MB", Unit::size, 1e6},
                                               {"megabytes", Unit::size, 1e6},
                                               {"GB", Unit::size, 1e9},
                                               {"gigabytes", Unit::size, 1e9},
                                               {"KiB", Unit::size, kib},
                                               {"kibibytes", Unit::size, kib},
                                               {"MiB", Unit::size, kib* kib},
                                               {"mebibytes", Unit::size, kib* kib},
                                               {"GiB", Unit::size, kib* kib* kib},
                                               {"gibibytes", Unit::size, kib* kib* kib}}};

struct Limit {
    double most;
    std::string_view text;
};
Limit limit_of(Unit unit) {
    switch (unit) {
        case Unit::duration:
            return {36500.0 * 86400e3, "a duration is at most `36500d`, a hundred years"};
        case Unit::size:
            return {1024 * kib * kib * kib * kib, "a size is at most `1024TiB`"};
        default:
            return {9007199254740992.0, "a number is at most 9007199254740992, which is 2^53"};
    }
}

struct Number {
    Iterator end = nullptr;
    double value = 0;
    bool whole = true;
};

// Digits, and a fraction if digits follow the point. Null `end`: no digit here.
Number scan_number(Iterator i, Iterator last) {
    const Iterator begin = i;
    std::uint64_t whole = 0;
    for (; i != last && is_digit(*i); ++i) {
        // Past 10^17 the exact value no longer matters: every limit is far below.
        whole = whole < 100'000'000'000'000'000 ? whole * 10 + static_cast<std::uint64_t>(*i - '0')
                                                : 1'000'000'000'000'000'000;
    }
    if (i == begin) {
        return {};
    }
    if (i == last || *i != '.' || i + 1 == last || !is_digit(i[1])) {
        return {i, static_cast<double>(whole), true};
    }
    ++i;
    while (i != last && is_digit(*i)) {
        ++i;
    }
    double value = 0;
    // Out of range leaves 0; the whole part is then above every limit, or the fraction is nothing.
    if (std::from_chars(begin, i, value).ec != std::errc{}) {
        value = static_cast<double>(whole);
    }
    return {i, value, false};
}

struct Literal {
    Scanned scanned;
    Unit kind = Unit::none;
    double value = 0;
    bool whole = true;
};

Literal reported_at(Iterator end) { return {{end, true}}; }

Literal scan_clock(Iterator begin, const Number& hours, Iterator last, ParseState& state) {
    const Number minutes = scan_number(hours.end + 1, last);
    const bool shape = hours.whole && minutes.whole && minutes.end - hours.end == 3;
    if (!shape || hours.value > 23 || minutes.value > 59) {
        state.report("L0106", state.at(begin, minutes.end), "there is no such time of day", "",
                     {"times run from `00:00` to `23:59`"});
        return reported_at(minutes.end);
    }
    return {{minutes.end}, Unit::clock, hours.value * 60 + minutes.value};
}

Literal unknown_unit(Iterator begin, Iterator unit, Iterator end, ParseState& state) {
    const std::string_view name = view(unit, end);
    const std::string meant(unit_meant(name));
    if (meant.empty() || meant == name) {
        state.report("L0107", state.at(unit, end), "unknown unit " + quoted(name), "",
                     {"units of time are ms, s, m, h, d, w; units of size are B, KB, MB, GB, KiB, "
                      "MiB, GiB"});
    } else {
        // `5mins` is five minutes; what `5M` is, or whether `kb` counts in 1000, is a guess.
        const bool is_spelt_out = name.size() >= 3;
        state.report("L0107", state.at(unit, end), "unknown unit " + quoted(name), "",
                     {"write " + quoted(std::string(view(begin, unit)) + meant)},
                     Fix{state.at(unit, end), meant, is_spelt_out});
    }
    return reported_at(end);
}

// 1h30m, 100MiB. `first` is the number at `begin`, and a letter follows it.
Literal scan_with_units(Iterator begin, const Number& first, Iterator last, ParseState& state) {
    Literal literal;
    Number number = first;
    for (;;) {
        Iterator end = number.end;
        while (end != last && is_word_start(*end)) {
            ++end;
        }
        const std::string_view name = view(number.end, end);
        const auto unit = std::find_if(unit_names.begin(), unit_names.end(),
                                       [&](const UnitName& u) { return u.text == name; });
        if (unit == unit_names.end() ||
            (literal.kind != Unit::none && literal.kind != unit->kind)) {
            return unknown_unit(begin, number.end, end, state);
        }
        literal.kind = unit->kind;
        literal.value += number.value * unit->factor;
        number = scan_number(end, last);
        if (number.end == nullptr) {
            literal.scanned.end = end;
            return literal;
        }
        if (number.end == last || !is_word_start(*number.end)) {
            state.report("L0107", state.at(begin, number.end), "the last number has no unit", "",
                         {"write for example `1h30m`"});
            return reported_at(number.end);
        }
    }
}

Literal within_limit(Iterator begin, Literal literal, ParseState& state) {
    const Limit limit = limit_of(literal.kind);
    if (literal.scanned.reported || literal.value <= limit.most) {
        return literal;
    }
    state.report("L0110", state.at(begin, literal.scanned.end), "this number is too large", "",
                 {std::string(limit.text)});
    return reported_at(literal.scanned.end);
}

// REQUIRES: `i` is at a digit.
Literal scan_literal(Iterator i, Iterator last, ParseState& state) {
    const Number number = scan_number(i, last);
    const Iterator end = number.end;
    Literal literal{{end}, Unit::count, number.value, number.whole};
    if (end != last && *end == '%') {
        literal = {{end + 1}, Unit::percent, number.value, number.whole};
    } else if (end != last && *end == ':' && end + 1 != last && is_digit(end[1])) {
        return scan_clock(i, number, last, state);
    } else if (end != last && is_word_start(*end)) {
        literal = scan_with_units(i, number, last, state);
    }
    return within_limit(i, literal, state);
}

// ---- values -----------------------------------------------------------------------------------

bool fits(const ValuePlace& place, const Literal& literal) {
    if ((place.fits & units(literal.kind)) == 0) {
        return false;
    }
    // 1.5 is a fine threshold of an alert, but no count.
    return literal.kind != Unit::count || literal.whole || place.fits == any_unit;
}

bool is_truth(std::string_view word) { return word == "true" || word == "false"; }

// Words that carry on a statement, and so are no names of constants.
bool is_connective(std::string_view word) {
    return word == "and" || word == "or" || word == "if" || word == "when" || word == "env";
}

// A number, a text or a truth value, as far as the place takes one.
Scanned scan_literal_value(Iterator i, Iterator last, ParseState& state, const ValuePlace& place,
                           ast::Scalar& value) {
    if (i == last) {
        return {};
    }
    if (is_digit(*i)) {
        const Literal literal = scan_literal(i, last, state);
        if (literal.scanned.reported) {
            return literal.scanned;
        }
        if (!fits(place, literal)) {
            return {};
        }
        value.kind = literal.kind;
        value.value = literal.value;
        value.has_literal = true;
        return literal.scanned;
    }
    if (*i == '"' && (place.fits & units(Unit::string)) != 0) {
        ast::Text text;
        const Scanned scanned = scan_text(i, last, state, text);
        if (!scanned.reported) {
            value.kind = Unit::string;
            value.string = view(i + 1, scanned.end - 1);
            value.has_literal = true;
        }
        return scanned;
    }
    const std::string_view word = word_at(i, last);
    if (is_truth(word) && (place.fits & units(Unit::truth)) != 0) {
        value.kind = Unit::truth;
        value.value = word == "true" ? 1 : 0;
        value.has_literal = true;
        return {i + word.size()};
    }
    return {};
}

// The name of the variable, behind the word `env`.
Iterator scan_variable(Iterator behind_env, Iterator last, ParseState& state,
                       std::string_view& name) {
    const Iterator i = skip_blank(behind_env, last);
    name = word_at(i, last);
    if (name.empty()) {
        state.want(i, {"the name of an environment variable", Wish::Kind::thing});
        return nullptr;
    }
    return i + name.size();
}

// Behind the word `or`, or null when another word or none is here.
Iterator scan_or(Iterator i, Iterator last, ParseState& state) {
    const Iterator word = skip_blank(i, last);
    if (word_at(word, last) == "or") {
        return skip_blank(word + 2, last);
    }
    state.want(word, {"or", Wish::Kind::word});
    return nullptr;
}

// `minutes` in `env X minutes or 30m`.
Iterator scan_unit_word(Iterator i, Iterator last, ParseState& state, const ValuePlace& place,
                        ast::Scalar& value) {
    const bool timely = (place.fits & units(Unit::duration)) != 0;
    const bool sizable = (place.fits & units(Unit::size)) != 0;
    if (!timely && !sizable) {
        return i;
    }
    const Iterator begin = skip_blank(i, last);
    const std::string_view word = word_at(begin, last);
    const auto unit = std::find_if(unit_words.begin(), unit_words.end(),
                                   [&](const UnitName& u) { return u.text == word; });
    if (unit == unit_words.end() || (place.fits & units(unit->kind)) == 0) {
        state.want(begin,
                   {timely ? "a unit like `minutes`" : "a unit like `KiB`", Wish::Kind::thing});
        return i;
    }
    value.env_factor = unit->factor;
    value.kind = unit->kind;
    return begin + word.size();
}

Scanned scan_env_value(Iterator begin, Iterator last, ParseState& state, const ValuePlace& place,
                       ast::Scalar& value) {
    Iterator end = scan_variable(begin + 3, last, state, value.env_name);
    if (end == nullptr) {
        return {};
    }
    value.kind = place.unit;
    end = scan_unit_word(end, last, state, place, value);
    const Iterator fallback = scan_or(end, last, state);
    if (fallback != nullptr) {
        // With a unit word the literal is of the same kind, whatever else the place would take.
        ValuePlace narrowed = place;
        if (value.env_factor != 0) {
            narrowed.fits = units(value.kind);
        }
        const Scanned scanned = scan_literal_value(fallback, last, state, narrowed, value);
        if (scanned.reported) {
            return scanned;
        }
        if (scanned.end == nullptr) {
            state.want(fallback, {place.what, Wish::Kind::thing});
            return {};
        }
        end = scanned.end;
    }
    value.at = state.at(begin, end);
    return {end};
}

}  // namespace

std::string_view unit_meant(std::string_view word) {
    const auto unit = std::find_if(unit_names.begin(), unit_names.end(),
                                   [&](const UnitName& u) { return u.text == word; });
    if (unit != unit_names.end()) {
        return unit->text;
    }
    const auto alias = std::find_if(aliases.begin(), aliases.end(),
                                    [&](const Alias& a) { return a.wrong == word; });
    return alias != aliases.end() ? alias->right : std::string_view{};
}

Scanned scan_value(Iterator i, Iterator last, ParseState& state, const ValuePlace& place,
                   ast::Scalar& value) {
    value = {};
    Scanned scanned = scan_literal_value(i, last, state, place, value);
    if (scanned.reported) {
        return scanned;
    }
    const std::string_view word = word_at(i, last);
    if (scanned.end == nullptr && place.names && !word.empty()) {
        if (word == "env") {
            return scan_env_value(i, last, state, place, value);
        }
        if (!is_connective(word) && !is_truth(word)) {
            value.let_name = word;
            value.kind = place.unit;
            scanned.end = i + word.size();
        }
    }
    if (scanned.end == nullptr) {
        state.want(i, {place.what, Wish::Kind::thing});
        return {};
    }
    value.at = state.at(i, scanned.end);
    return scanned;
}

Scanned scan_env_name(Iterator i, Iterator last, ParseState& state, std::string_view what,
                      ast::EnvName& name) {
    name = {};
    const std::string_view word = word_at(i, last);
    if (word.empty() || (is_connective(word) && word != "env")) {
        state.want(i, {what, Wish::Kind::thing});
        return {};
    }
    Iterator end = i + word.size();
    if (word != "env") {
        name.text = word;
        name.at = state.at(i, end);
        return {end};
    }
    end = scan_variable(end, last, state, name.env_name);
    if (end == nullptr) {
        return {};
    }
    if (const Iterator fallback = scan_or(end, last, state); fallback != nullptr) {
        name.text = word_at(fallback, last);
        if (name.text.empty()) {
            state.want(fallback, {what, Wish::Kind::thing});
            return {};
        }
        end = fallback + name.text.size();
    }
    name.at = state.at(i, end);
    return {end};
}

Scanned scan_status(Iterator i, Iterator last, bool classes, ast::Status& status) {
    if (last - i < 3 || *i < '1' || *i > '5' || (last - i > 3 && is_word_char(i[3]))) {
        return {};
    }
    const auto digit = [&](std::ptrdiff_t n) { return static_cast<unsigned>(i[n] - '0'); };
    if (classes && i[1] == 'x' && i[2] == 'x') {
        const unsigned from = digit(0) * 100;
        status.from = static_cast<std::uint16_t>(from);
        status.to = static_cast<std::uint16_t>(from + 99);
        return {i + 3};
    }
    if (!is_digit(i[1]) || !is_digit(i[2])) {
        return {};
    }
    status.from = status.to = static_cast<std::uint16_t>(digit(0) * 100 + digit(1) * 10 + digit(2));
    return {i + 3};
}

}  // namespace larder::dsl::grammar
