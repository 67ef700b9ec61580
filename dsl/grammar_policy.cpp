// dsl/grammar_policy.cpp -- the file as a whole, and the door to the parser.
#include "dsl/allow.hpp"
#include "dsl/encoding.hpp"
#include "dsl/grammar.hpp"
#include "dsl/parser.hpp"
#include "dsl/wanted.hpp"

#include <algorithm>
#include <functional>
#include <utility>

BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Edition, kw, number)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Use, kw, path)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Let, kw, id, value)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Profile, kw, id, body)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Defaults, kw, body)

namespace larder::dsl {
namespace grammar {

LARDER_LOCAL(edition, ast::Edition, kw("larder") > plain_count)
LARDER_LOCAL(use, ast::Use, kw("use") > text)
LARDER_LOCAL(let, ast::Let, kw("let") > plain_name > assign > any_value)
LARDER_LOCAL(defaults, ast::Defaults, kw("defaults") > open_block > *clause > close_block)

LARDER_LOCAL(profile_item, ast::Item,
             statement[(let | defaults | namespace_ | unknown_statement) > end_of_statement])
LARDER_LOCAL(profile, ast::Profile,
             kw("profile") > name_head > open_block > *profile_item > close_block)

LARDER_LOCAL(
    item, ast::Item,
    file_item[(edition | use | let | profile | defaults | namespace_ | rule | session | warm |
               alert | breaker | guard_item | test | guarantee | unknown_item) > end_of_statement])

}  // namespace grammar

namespace {

using grammar::GiveUp;
using grammar::ParseState;

void read(const Source& source, ParseState& state, ast::Policy& tree) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (source.text().empty()) {
        return;
    }
    grammar::Iterator first = state.begin();
    if (source.text().starts_with(byte_order_mark)) {
        first += byte_order_mark.size();
    }
    first = state.skip_lines(first, state.end());
    try {
        const auto file =
            boost::spirit::x3::with<grammar::StateTag>(std::ref(state))[*grammar::item];
        boost::spirit::x3::parse(first, state.end(), file, tree);
        if (first != state.end()) {
            state.report_expected(first);
        }
    } catch (const GiveUp&) {
        // Said in summary().
    }
}

Diagnostic too_long(const Source& source) {
    Diagnostic found;
    found.code = "L0111";
    found.message = "this file is longer than 8 MiB";
    found.primary.at = {source.base(), source.base()};
    found.notes.emplace_back("nothing of it was read");
    found.helps.emplace_back("split it, and join the parts with `use`");
    return found;
}

// What was not put into words: "1,234 more errors".
Diagnostic remainder(const Source& source, std::size_t hidden, bool gave_up) {
    Diagnostic found;
    found.severity = Severity::note;
    found.code = "L0112";
    found.message = std::to_string(hidden) + (hidden == 1 ? " more error" : " more errors");
    if (gave_up) {
        found.message = "at least " + found.message + "; the rest of the file was not read";
    }
    found.primary.at = {source.end(), source.end()};
    return found;
}

}  // namespace

Parsed parse(const SourceMap& sources, FileId file) {
    const Source& source = sources.file(file);
    Parsed parsed;
    Encoding encoding = check_encoding(source, max_errors, parsed.found);
    if (encoding.too_long) {
        parsed.found.assign(1, too_long(source));
        return parsed;
    }
    parsed.allows = find_allows(source);

    const std::size_t bad_bytes = encoding.bad.size();
    if (bad_bytes == max_errors) {
        // No text at all: there is no use in reading it as one.
        parsed.found.push_back(remainder(source, 1, true));
        return parsed;
    }
    ParseState state(source, parsed.found);
    state.set_known_bad(std::move(encoding.bad));
    read(source, state, parsed.tree);

    std::stable_sort(parsed.found.begin(), parsed.found.end(),
                     [](const Diagnostic& a, const Diagnostic& b) {
                         return a.primary.at.begin < b.primary.at.begin;
                     });
    const std::size_t all = bad_bytes + state.errors();
    if (all > max_errors) {
        parsed.found.resize(std::min(parsed.found.size(), max_errors));
        parsed.found.push_back(remainder(source, all - parsed.found.size(), state.gave_up()));
    }
    return parsed;
}

Wanted wanted_behind(std::string_view before) {
    // No word of the language, and no text, comment, brace or end of a line.
    constexpr char unwanted = '@';
    SourceMap sources;
    const Source& source = sources.file(sources.add({}, std::string(before) + unwanted));
    std::vector<Diagnostic> found;
    ParseState state(source, found);
    state.watch(state.end() - 1);
    ast::Policy tree;
    read(source, state, tree);

    Wanted out;
    const auto add = [](std::vector<std::string_view>& list, std::string_view text) {
        if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
    };
    for (const grammar::Wish& wish : state.wanted_there()) {
        switch (wish.kind) {
            case grammar::Wish::Kind::word:
                add(out.words, wish.text);
                break;
            case grammar::Wish::Kind::mark:
            case grammar::Wish::Kind::closing_brace:
                add(out.marks, wish.text);
                break;
            case grammar::Wish::Kind::thing:
                add(out.things, wish.text);
                break;
            case grammar::Wish::Kind::end_of_line:
                out.end_of_line = true;
        }
    }
    return out;
}

}  // namespace larder::dsl
