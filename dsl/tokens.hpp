// dsl/tokens.hpp -- the words of the language as X3 primitives.
//
// Each one skips blanks and comments, tries to match at the next character, and on failure notes
// what it wanted there. X3 skips nothing itself: its skipper would make `where()` mean the place
// before the blanks in one case and behind them in another. A value goes into its attribute whole,
// through move_to, so no token is put together by Fusion.
//
// Only combinators stand above these; what looks at characters is in scan.cpp.
#pragma once

#include "dsl/ast.hpp"
#include "dsl/parse_state.hpp"
#include "dsl/scan.hpp"

#include <boost/spirit/home/x3.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace larder::dsl::grammar {

namespace x3 = boost::spirit::x3;

struct StateTag;
// The one context all grammar files are instantiated for.
using Context = x3::context<StateTag, std::reference_wrapper<ParseState>>;

template <class C>
ParseState& state_of(const C& context) {
    return x3::get<StateTag>(context).get();
}

// An error whose message is in the list already.
struct Reported : x3::expectation_failure<Iterator> {
    explicit Reported(Iterator at) : x3::expectation_failure<Iterator>(at, "reported") {}
};

template <class Value, class Attribute>
void give(Value&& value, Attribute& attribute) {
    if constexpr (!std::is_same_v<std::remove_const_t<Attribute>, x3::unused_type>) {
        x3::traits::move_to(std::forward<Value>(value), attribute);
    }
}

// What a primitive has to say to X3.
template <class Derived, class Attribute>
struct Token : x3::parser<Derived> {
    using attribute_type = Attribute;
    static constexpr bool has_attribute = !std::is_same_v<Attribute, x3::unused_type>;
};

// ---- words and marks ----------------------------------------------------------------------------

template <class Attribute>
struct WordToken : Token<WordToken<Attribute>, Attribute> {
    std::string_view text;
    constexpr explicit WordToken(std::string_view t) : text(t) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ParseState& state = state_of(context);
        const Iterator begin = skip_blank(first, last);
        const Iterator end = begin + text.size();
        if (begin == last || *begin != text.front() ||
            static_cast<std::size_t>(last - begin) < text.size() || view(begin, end) != text ||
            word_end(end, last) != end) {
            state.want(begin, {text, Wish::Kind::word});
            return false;
        }
        if constexpr (std::is_same_v<Attribute, ast::Keyword>) {
            give(ast::Keyword{state.at(begin, end), state.doc_at(begin)}, attribute);
        } else if constexpr (std::is_same_v<Attribute, ast::Word<bool>>) {
            give(ast::Word<bool>{state.at(begin, end), {}, true}, attribute);
        }
        first = end;
        return true;
    }
};
// `kw` heads a statement and yields its place; `word` yields nothing; `flag_word` its place.
constexpr WordToken<ast::Keyword> kw(std::string_view text) {
    return WordToken<ast::Keyword>{text};
}
constexpr WordToken<x3::unused_type> word(std::string_view text) {
    return WordToken<x3::unused_type>{text};
}
constexpr WordToken<ast::Word<bool>> flag_word(std::string_view text) {
    return WordToken<ast::Word<bool>>{text};
}

// Punctuation. Newlines may stand before or after some of it: so a list goes on over lines.
struct Mark : Token<Mark, x3::unused_type> {
    std::string_view text;
    bool lines_before;
    bool lines_after;
    constexpr Mark(std::string_view t, bool before, bool after)
        : text(t), lines_before(before), lines_after(after) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A&) const {
        ParseState& state = state_of(context);
        Iterator i = skip_blank(first, last);
        const Iterator here = i;
        if (lines_before && i != last && *i == '\n') {
            i = state.skip_lines(i, last);
        }
        if (static_cast<std::size_t>(last - i) < text.size() || view(i, i + text.size()) != text) {
            state.want(here, {text, Wish::Kind::mark});
            return false;
        }
        first = i + text.size();
        if (lines_after) {
            first = state.skip_lines(first, last);
        }
        return true;
    }
};
inline constexpr Mark comma{",", false, true};
inline constexpr Mark arrow{"->", true, true};
inline constexpr Mark left_paren{"(", false, true};
inline constexpr Mark right_paren{")", true, false};
inline constexpr Mark assign{"=", false, true};
inline constexpr Mark plus_sign{"+", false, false};
inline constexpr Mark minus_sign{"-", false, false};

struct OpenBrace : Token<OpenBrace, x3::unused_type> {
    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A&) const {
        ParseState& state = state_of(context);
        const Iterator i = skip_blank(first, last);
        if (i == last || *i != '{') {
            state.want(i, {"{", Wish::Kind::mark});
            return false;
        }
        if (!state.open_block(i)) {
            throw Reported(i);
        }
        first = state.skip_lines(i + 1, last);
        while (first != last && *first == ';') {
            first = state.skip_lines(first + 1, last);
        }
        return true;
    }
};
struct CloseBrace : Token<CloseBrace, x3::unused_type> {
    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A&) const {
        ParseState& state = state_of(context);
        const Iterator i = state.skip_lines(first, last);
        if (i == last || *i != '}') {
            state.want(i, {"}", Wish::Kind::closing_brace});
            return false;
        }
        state.close_block();
        first = i + 1;
        return true;
    }
};
inline constexpr OpenBrace open_brace{};
inline constexpr CloseBrace close_brace{};

// The braces around a list of statements mend themselves. What stands in front of the `{` is
// reported and passed over; without any `{` on the line the statement is lost.
struct OpenBlock : Token<OpenBlock, x3::unused_type> {
    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R& rest, A& unused) const {
        if (open_brace.parse(first, last, context, rest, unused)) {
            return true;
        }
        ParseState& state = state_of(context);
        state.report_expected(first);
        first = state.find_open_brace(first);
        state.resume(first);
        if (first == last || *first != '{') {
            throw Reported(first);
        }
        return open_brace.parse(first, last, context, rest, unused);
    }
};
// A lost `}` is reported and taken as read: a list ends only at a `}`, at an item or at the end.
struct CloseBlock : Token<CloseBlock, x3::unused_type> {
    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R& rest, A& unused) const {
        if (!close_brace.parse(first, last, context, rest, unused)) {
            ParseState& state = state_of(context);
            state.report_expected(first);
            state.close_block();
        }
        return true;
    }
};
inline constexpr OpenBlock open_block{};
inline constexpr CloseBlock close_block{};

// ---- statements
// -----------------------------------------------------------------------------------

// A newline or `;`, with all that follow; or a `}` or the end of the file, which are left alone.
struct StatementEnd : Token<StatementEnd, x3::unused_type> {
    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A&) const {
        ParseState& state = state_of(context);
        Iterator i = skip_blank(first, last);
        state.count_statement(i);
        if (i != last && *i != '\n' && *i != ';' && *i != '}') {
            state.want(i, {"the end of the line", Wish::Kind::end_of_line});
            return false;
        }
        while (i != last && (*i == '\n' || *i == ';')) {
            i = state.skip_lines(i + 1, last);
        }
        first = i;
        return true;
    }
};
inline constexpr StatementEnd end_of_statement{};

// The last alternative of every list of statements: a `}` or the end of the file ends the list,
// anything else is an error at this word. Without it the list would end there, and the error would
// be "expected `}`".
struct UnknownStatement : Token<UnknownStatement, ast::Broken> {
    bool top_level;
    constexpr explicit UnknownStatement(bool top) : top_level(top) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C&, R&, A&) const {
        const Iterator i = skip_blank(first, last);
        if (i == last || (!top_level && *i == '}')) {
            return false;
        }
        throw x3::expectation_failure<Iterator>(i, "statement");
    }
};
inline constexpr UnknownStatement unknown_statement{false};
inline constexpr UnknownStatement unknown_item{true};

// The token before this one ended in `text`: what follows belongs to it.
struct Behind : Token<Behind, x3::unused_type> {
    std::string_view text;
    constexpr explicit Behind(std::string_view t) : text(t) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator&, const C& context, R&, A&) const {
        const Iterator begin = state_of(context).begin();
        return view(begin, first).ends_with(text);
    }
};
constexpr Behind behind(std::string_view text) { return Behind{text}; }

// ---- names
// ------------------------------------------------------------------------------------------

struct NameToken : Token<NameToken, ast::Name> {
    std::string_view what;
    bool dotted;
    constexpr NameToken(std::string_view w, bool d) : what(w), dotted(d) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ParseState& state = state_of(context);
        const Iterator begin = skip_blank(first, last);
        if (begin == last || !is_word_start(*begin)) {
            state.want(begin, {what, Wish::Kind::thing});
            return false;
        }
        Iterator end = word_end(begin, last);
        while (dotted && end != last && *end == '.' && end + 1 != last && is_word_start(end[1])) {
            end = word_end(end + 1, last);
        }
        give(ast::Name{state.at(begin, end), view(begin, end)}, attribute);
        first = end;
        return true;
    }
};
inline constexpr NameToken namespace_name{"a namespace", true};
inline constexpr NameToken store_name{"a store", false};
inline constexpr NameToken plain_name{"a name", false};
inline constexpr NameToken capture_name{"a capture name", false};
inline constexpr NameToken plugin_name{"a plugin", false};
inline constexpr NameToken metric_name{"a metric", false};
inline constexpr NameToken profile_name{"a profile", false};

// A name that `accepts` lets through; for places where two kinds of name begin alike.
template <class Test>
struct NameIf : Token<NameIf<Test>, ast::Name> {
    std::string_view what;
    Test accepts;
    std::string_view also;  // a word among those names, for did-you-mean
    constexpr NameIf(std::string_view w, Test test, std::string_view word = {})
        : what(w), accepts(test), also(word) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ParseState& state = state_of(context);
        const Iterator begin = skip_blank(first, last);
        const std::string_view name = word_at(begin, last);
        if (name.empty() || !accepts(name)) {
            state.want(begin, {what, Wish::Kind::thing});
            if (!also.empty()) {
                state.want(begin, {also, Wish::Kind::word});
            }
            return false;
        }
        const Iterator end = begin + name.size();
        give(ast::Name{state.at(begin, end), name}, attribute);
        first = end;
        return true;
    }
};

// {end}, outside of a text.
struct CaptureToken : Token<CaptureToken, ast::Name> {
    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ParseState& state = state_of(context);
        const Iterator begin = skip_blank(first, last);
        const std::string_view name =
            begin != last && *begin == '{' ? word_at(begin + 1, last) : std::string_view{};
        const Iterator brace = begin + 1 + name.size();
        if (name.empty() || brace >= last || *brace != '}') {
            state.want(begin, {"a capture like `{day}`", Wish::Kind::thing});
            return false;
        }
        give(ast::Name{state.at(begin, brace + 1), name}, attribute);
        first = brace + 1;
        return true;
    }
};
inline constexpr CaptureToken capture{};

// Everything there is, as a target.
struct EverythingToken : Token<EverythingToken, ast::EverythingTarget> {
    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ParseState& state = state_of(context);
        const Iterator begin = skip_blank(first, last);
        if (word_at(begin, last) != "everything") {
            state.want(begin, {"everything", Wish::Kind::word});
            return false;
        }
        first = begin + std::string_view("everything").size();
        give(ast::EverythingTarget{state.at(begin, first)}, attribute);
        return true;
    }
};
inline constexpr EverythingToken everything{};

// One word of a closed set, or one relation sign.
template <class E>
struct Choice {
    std::string_view text;
    E value;
};
template <class E, std::size_t N>
struct ChoiceToken : Token<ChoiceToken<E, N>, ast::Word<E>> {
    std::array<Choice<E>, N> choices;
    constexpr explicit ChoiceToken(const std::array<Choice<E>, N>& c) : choices(c) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ParseState& state = state_of(context);
        const Iterator begin = skip_blank(first, last);
        std::string_view got = word_at(begin, last);
        if (got.empty()) {
            Iterator end = begin;
            while (end != last && (*end == '<' || *end == '>' || *end == '=')) {
                ++end;
            }
            got = view(begin, end);
        }
        for (const Choice<E>& choice : choices) {
            if (choice.text == got) {
                const Iterator end = begin + got.size();
                give(ast::Word<E>{state.at(begin, end), state.doc_at(begin), choice.value},
                     attribute);
                first = end;
                return true;
            }
        }
        for (const Choice<E>& choice : choices) {
            state.want(begin, {choice.text, Wish::Kind::word});
        }
        return false;
    }
};
// constexpr auto verb = choice<ast::Verb>({{"drop", ast::Verb::drop}, ...});
template <class E, std::size_t N>
constexpr ChoiceToken<E, N> choice(const Choice<E> (&choices)[N]) {
    return ChoiceToken<E, N>{std::to_array(choices)};
}

// ---- values
// -------------------------------------------------------------------------------------------

struct TextToken : Token<TextToken, ast::Text> {
    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ParseState& state = state_of(context);
        const Iterator begin = skip_blank(first, last);
        if (begin == last || *begin != '"') {
            state.want(begin, {"a \"text\"", Wish::Kind::thing});
            return false;
        }
        ast::Text text;
        const Scanned scanned = scan_text(begin, last, state, text);
        if (scanned.reported) {
            throw Reported(scanned.end);
        }
        give(std::move(text), attribute);
        first = scanned.end;
        return true;
    }
};
inline constexpr TextToken text{};

struct ValueToken : Token<ValueToken, ast::Scalar> {
    ValuePlace place;
    constexpr explicit ValueToken(const ValuePlace& p) : place(p) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ast::Scalar value;
        const Scanned scanned =
            scan_value(skip_blank(first, last), last, state_of(context), place, value);
        if (scanned.reported) {
            throw Reported(scanned.end);
        }
        if (scanned.end == nullptr) {
            return false;
        }
        give(std::move(value), attribute);
        first = scanned.end;
        return true;
    }
};
constexpr ValueToken value_of(ast::Unit unit, std::string_view what) {
    return ValueToken{{units(unit), unit, what}};
}
inline constexpr ValueToken duration =
    value_of(ast::Unit::duration, "a duration like `30s` or `1h30m`");
inline constexpr ValueToken size = value_of(ast::Unit::size, "a size like `1KiB`");
inline constexpr ValueToken percent = value_of(ast::Unit::percent, "a percentage like `10%`");
inline constexpr ValueToken count = value_of(ast::Unit::count, "a whole number");
inline constexpr ValueToken truth = value_of(ast::Unit::truth, "`true`, `false` or `env NAME`");
inline constexpr ValueToken any_value{{any_unit, ast::Unit::none, "a value"}};
// A time of day and the edition of the language are literals, whatever a constant may be called.
inline constexpr ValueToken clock{
    {units(ast::Unit::clock), ast::Unit::clock, "a time of day like `02:00`", false}};
inline constexpr ValueToken plain_count{
    {units(ast::Unit::count), ast::Unit::count, "a whole number", false}};

struct EnvNameToken : Token<EnvNameToken, ast::EnvName> {
    std::string_view what;
    constexpr explicit EnvNameToken(std::string_view w) : what(w) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ast::EnvName name;
        const Scanned scanned =
            scan_env_name(skip_blank(first, last), last, state_of(context), what, name);
        if (scanned.end == nullptr) {
            return false;
        }
        give(std::move(name), attribute);
        first = scanned.end;
        return true;
    }
};
inline constexpr EnvNameToken codec_name{"a codec"};

struct StatusToken : Token<StatusToken, ast::Status> {
    bool classes;
    constexpr explicit StatusToken(bool c) : classes(c) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R&, A& attribute) const {
        ParseState& state = state_of(context);
        const Iterator begin = skip_blank(first, last);
        ast::Status status;
        const Scanned scanned = scan_status(begin, last, classes, status);
        if (scanned.end == nullptr) {
            state.want(begin, {classes ? "a status like `201` or `2xx`" : "a status like `201`",
                               Wish::Kind::thing});
            return false;
        }
        status.at = state.at(begin, scanned.end);
        give(std::move(status), attribute);
        first = scanned.end;
        return true;
    }
};
inline constexpr StatusToken status_code{false};
inline constexpr StatusToken status_class{true};

}  // namespace larder::dsl::grammar
