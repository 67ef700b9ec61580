// tests/sim/world.hpp -- one seed: a world of nodes, what their clients do, what goes wrong, and the verdict.
//
// The seed decides the shape (nodes, keys, tiers, policy, pace, faults) and every choice after it. A world has
// three parts: clients at work while things fail; peace, in which all that is owed must be delivered; and a
// last look, in which nothing that was invalidated may be seen anywhere and the cache must be of use again.
#pragma once

#include <cstdint>
#include <string>

namespace larder::sim {

struct Verdict {
    bool good = true;
    std::string what;     // what must not be
    std::string story;    // of the key, and of faults; only where it was asked for
    std::uint64_t trace = 0, reads = 0, found = 0, loads = 0, steps = 0, virtual_ms = 0;
};

enum class Kind { memory, shared };  // memory: each node for itself, no store that others share

// `tells`: with the story, at some cost. A world that failed leaves threads and memory behind.
Verdict run_world(Kind kind, std::uint64_t seed, bool tells);

}  // namespace larder::sim
