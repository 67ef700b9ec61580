// dsl/analysis/joint_walk.hpp -- many patterns read at once: every set of them that one text
// matches.
//
// The automata of all routes are walked together, the set of places they can be in being one place
// of the walk. Two texts are of one kind when exactly the same patterns match them; for each kind
// that some text has there is one word, with a short text of that kind. Nothing is sampled: a kind
// that is not listed does not exist, as long as `complete` holds.
//
// Sets of places can be exponentially many ("/**/a/**/b", many times over), so the walk has bounds.
// The work it may do is counted, not timed: the same patterns always stop at the same place.
#pragma once

#include "dsl/automaton.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace larder::dsl {

struct JointWord {
    std::vector<std::uint32_t> accepted;  // which patterns match, ascending; empty: none does
    std::string witness;                  // one of the shortest
    std::uint32_t segments = 0;           // of the witness; see JointBounds::segments
};

struct JointBounds {
    std::size_t places = 200'000;
    std::size_t work = 40'000'000;  // steps of single automata
    // Kinds are told apart by their number of segments, too, up to this one (which stands for all
    // above it). 0: they are not.
    std::uint32_t segments = 0;
    std::size_t words = 20'000;  // kinds
};

struct JointWalk {
    std::vector<JointWord> words;  // in the order they were found: short witnesses first
    bool complete = true;          // false: it stopped at a bound, and there may be others
    std::size_t places = 0;
};

// What texts there are. A path begins with `/` and is normal: no empty segment, no `.` and `..`.
enum class Texts : std::uint8_t { paths, names };

JointWalk walk_jointly(std::span<const Automaton* const> patterns, Texts texts,
                       const JointBounds& bounds = {});

}  // namespace larder::dsl
