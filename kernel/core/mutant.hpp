// kernel/core/mutant.hpp -- naive designs, one line each, that tests/sim shows to be noticed.
//
// Each is what a cache does that has not thought of a race. Built in only where LARDER_MUTANTS is defined, that is
// in the simulator's second build of the core; else mutant() is false at compile time and nothing of it is left.
#pragma once

namespace larder {

enum class Mutant {
    none,
    late_fill,         // what was read before a push is copied up after it
    no_lease,          // a loaded value is put whatever was removed meanwhile
    no_flush,          // a stream that is back has missed nothing
    late_stamp,        // the numbers an entry is stamped with are of after its load
    joins_old_flight,  // whoever comes joins the load that is in the air
    fill_if_absent,    // SET NX in the place of a lease
    tag_before_late,   // a late tag is changed before the number that says so
    no_hold,           // what the store has not got yet is as valid here as there
    stale_after_drop,  // what was dropped is still good enough on error
    fresh_life,        // a copy lives as long as a new entry
    count_
};

#ifdef LARDER_MUTANTS
inline Mutant active_mutant = Mutant::none;
inline bool mutant(Mutant which) noexcept { return active_mutant == which; }
#else
constexpr bool mutant(Mutant) noexcept { return false; }
#endif

}  // namespace larder
