// dsl/fix.hpp -- the remedies that the findings of a policy carry, applied.
//
// Applied, checked again, applied again: a remedy for the syntax uncovers what the checks have to
// say. It ends after most_rounds, or when nothing is left to do. A text is never left worse: when the
// remedies of a round make more errors than they take away, the text stays as it came.
#pragma once

#include "dsl/compile.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace larder::dsl {

struct FixOptions {
    CompileOptions compile;
    bool guesses = false;  // also what is only likely to be meant: names near to the one written
};

struct Remedy {
    std::string where;  // "menu.larder:3:7", in the text of its round
    std::string code;
    std::string before, after;  // empty: put in, taken away
};

struct Fixed {
    static constexpr std::size_t most_rounds = 16;

    std::string text;              // what was given when nothing was done
    std::vector<Remedy> applied;   // in the order in which it was done
    std::size_t errors = 0;        // of `text`, in whatever file
    std::size_t warnings = 0;
    std::size_t guesses_left = 0;  // findings with a remedy that was not asked for
    bool worse = false;            // there were remedies, but they made it worse
};

// Files that the text uses are read but not changed. A text in the one style stays in it. Never throws
// for bad input.
Fixed fix_text(const std::string& name, std::string text, const FixOptions& options);

}  // namespace larder::dsl
