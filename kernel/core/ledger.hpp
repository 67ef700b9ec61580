// kernel/core/ledger.hpp -- what a namespace's entries are worth: queries avoided, time saved, memory spent.
//
// A query of the origin is avoided when an access is answered without one. What the cache loads itself it counts, so
// there the ledger is exact: accesses less queries, also those that failed, that nobody waited for (warming, a
// stale answer made fresh behind it) or that came to nothing. It is below zero while more was loaded ahead than was
// asked for. Where clients load by themselves each miss is taken for one query of theirs.
//
// The time saved is what the avoided queries would have taken at the mean time of a load, as far as that is known:
// of loads of the cache's own, and of clients from a miss to the value that they set.
#pragma once

#include "kernel/core/figures.hpp"

#include <cstdint>

namespace larder {

struct Ledger {
    std::uint64_t accesses = 0, origin_queries = 0, bytes = 0, ahead = 0;  // ahead: of the queries, those of warming
    std::int64_t queries_avoided = 0;
    double load_ms = 0;   // mean; 0: not known
    double ms_saved = 0;
    bool exact = false;   // the cache loads itself
};

inline Ledger ledger_of(const SpaceCounts& c, const DurationFigures& loads, std::uint64_t bytes) {
    Ledger out;
    out.exact = c.loads + c.load_errors != 0;
    out.accesses = c.hits + c.absent + c.misses + (out.exact ? 0 : c.stale);
    out.origin_queries = out.exact ? c.loads + c.load_errors : c.misses;
    out.ahead = c.warmed;
    out.queries_avoided = static_cast<std::int64_t>(out.accesses) - static_cast<std::int64_t>(out.origin_queries);
    out.bytes = bytes;
    out.load_ms = loads.count == 0 ? 0 : 1000 * loads.mean_s();
    out.ms_saved = out.load_ms * static_cast<double>(out.queries_avoided);
    return out;
}

inline Ledger ledger_of(const SpaceFigures& space) { return ledger_of(space.counts, space.loads, space.bytes); }

}  // namespace larder
