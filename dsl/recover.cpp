// dsl/recover.cpp -- the three ways on, and the promise that each of them moves.
#include "dsl/recover.hpp"

namespace larder::dsl::grammar {
namespace {

void explain(ParseState& state, const x3::expectation_failure<Iterator>& error) {
    if (dynamic_cast<const Reported*>(&error) == nullptr) {
        state.report_expected(error.where());
    } else {
        state.forget_follow_up();
    }
}

}  // namespace

Iterator recover_statement(ParseState& state, Start start,
                           const x3::expectation_failure<Iterator>& error) {
    explain(state, error);
    const Iterator where = skip_blank(error.where(), state.end());
    if (where > start.at && state.at_item(where)) {
        state.cut_blocks(start.depth);
        return where;
    }
    return state.behind_statement(where, start.depth);
}

Iterator recover_head(ParseState& state, Start start,
                      const x3::expectation_failure<Iterator>& error) {
    explain(state, error);
    state.cut_blocks(start.depth);
    const Iterator brace = state.find_open_brace(error.where());
    if (brace == state.end() || *brace != '{') {
        // That the `{` is missing too is no second mistake.
        state.expect_follow_up();
    }
    return brace;
}

Iterator recover_item(ParseState& state, Start start,
                      const x3::expectation_failure<Iterator>& error) {
    explain(state, error);
    state.cut_blocks(0);
    const Iterator next = state.find_item(skip_blank(error.where(), state.end()));
    // The item that failed must not be read again.
    return next > start.at || next == state.end() ? next : state.find_item(next + 1);
}

}  // namespace larder::dsl::grammar
