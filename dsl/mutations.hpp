// dsl/mutations.hpp -- the small changes of a policy that its tests should notice.
//
// Each takes one decision of the text away or moves it: a target of a drop, a `serve`, an `unless`, a
// method, a status, a tag, a dependency; a ttl twice and half as long. (DeMillo, Lipton and Sayward,
// "Hints on test data selection", 1978.) A change is an edit of the text, so that whatever reads policies
// reads the changed one.
//
// Left alone is what no test item can see: sessions, warming, alerts, compression, limits, modes of
// writing; and texts that others share through `use`.
#pragma once

#include "dsl/compile.hpp"

#include <string>
#include <vector>

namespace larder::dsl {

struct Mutation {
    Span at;                  // what is replaced, in the first file of the sources
    std::string replacement;  // a blank where something is taken away
    std::string says;         // "without `drop user_stats`", "`ttl` 10m instead of 5m"
    Where where;
    Span shown;               // what a message points to
};

// In the order of the text. `compiled` was compiled without an error, with these options.
std::vector<Mutation> mutations_of(const Compiled& compiled, const CompileOptions& options);

// The text of the first file with that change.
std::string mutated(const SourceMap& sources, const Mutation& mutation);

}  // namespace larder::dsl
