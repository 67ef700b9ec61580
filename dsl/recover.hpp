// dsl/recover.hpp -- how reading goes on after an error: three directives around the rules that do.
//
//   statement[p]  one statement of a block. Goes on behind its end, over the blocks it opened, but
//                 not over a `}` that is not its own.
//   head[p]       what stands between a head word and its `{`. Goes on at the `{`, so that the body
//                 is still read, and a namespace whose head is wrong is still a namespace.
//   file_item[p]  one item of the file. Goes on at the next line that begins with an item's word.
//
// After an error the directive has matched, with what its attribute held by then: at least the
// default of a variant, which is Broken, and nothing above it knows. X3's own on_error() would be
// the usual way, but it is told neither where its rule began (`first` has moved when an exception
// comes through) nor how many blocks were open there; without these a `}` closes the wrong block.
#pragma once

#include "dsl/tokens.hpp"

#include <cstddef>

namespace larder::dsl::grammar {

// Where an attempt to read began.
struct Start {
    Iterator at;
    std::size_t depth;
};

// Each says what is wrong, unless that was done already, and returns where to go on.
Iterator recover_statement(ParseState& state, Start start,
                           const x3::expectation_failure<Iterator>& error);
Iterator recover_head(ParseState& state, Start start,
                      const x3::expectation_failure<Iterator>& error);
Iterator recover_item(ParseState& state, Start start,
                      const x3::expectation_failure<Iterator>& error);

using GoOn = Iterator (*)(ParseState&, Start, const x3::expectation_failure<Iterator>&);

template <class Subject, GoOn go_on>
struct Recovering : x3::unary_parser<Subject, Recovering<Subject, go_on>> {
    using base_type = x3::unary_parser<Subject, Recovering<Subject, go_on>>;
    static constexpr bool is_pass_through_unary = true;
    static constexpr bool handles_container = Subject::handles_container;

    constexpr explicit Recovering(const Subject& p) : base_type(p) {}

    template <class C, class R, class A>
    bool parse(Iterator& first, const Iterator& last, const C& context, R& rest,
               A& attribute) const {
        ParseState& state = state_of(context);
        const Start start{skip_blank(first, last), state.depth()};
        // An item at the left edge: a `}` is lost above it, and the list of statements ends here.
        if (go_on == &recover_statement && state.at_item(start.at)) {
            state.want(start.at, {"}", Wish::Kind::closing_brace});
            return false;
        }
        try {
            return this->subject.parse(first, last, context, rest, attribute);
        } catch (const x3::expectation_failure<Iterator>& error) {
            first = go_on(state, start, error);
            state.resume(first);
            return true;
        }
    }
};

template <GoOn go_on>
struct RecoveringGenerator {
    template <class Subject>
    constexpr auto operator[](const Subject& subject) const {
        using Parser = typename x3::extension::as_parser<Subject>::value_type;
        return Recovering<Parser, go_on>{x3::as_parser(subject)};
    }
};
inline constexpr RecoveringGenerator<&recover_statement> statement{};
inline constexpr RecoveringGenerator<&recover_head> head{};
inline constexpr RecoveringGenerator<&recover_item> file_item{};

}  // namespace larder::dsl::grammar
