// kernel/replay/tally.cpp -- what came of traffic under one policy.
#include "kernel/replay/tally.hpp"

#include <algorithm>

namespace larder::replay {

SpaceTally& SpaceTally::operator+=(const SpaceTally& o) {
    hits += o.hits;
    misses += o.misses;
    stale += o.stale;
    absent += o.absent;
    first += o.first;
    expired += o.expired;
    dropped += o.dropped;
    evicted += o.evicted;
    loads += o.loads;
    load_us += o.load_us;
    timed_loads += o.timed_loads;
    puts += o.puts;
    removes += o.removes;
    refused += o.refused;
    entries += o.entries;
    bytes += o.bytes;
    peak_loads = std::max(peak_loads, o.peak_loads);
    return *this;
}

SpaceTally Tally::all() const {
    SpaceTally out;
    for (const SpaceTally& one : spaces) out += one;
    return out;
}

const SpaceTally* Tally::space(const std::string& name) const {
    const auto found = std::find_if(spaces.begin(), spaces.end(), [&](const SpaceTally& one) { return one.name == name; });
    return found == spaces.end() ? nullptr : &*found;
}

double hit_ratio(const SpaceTally& tally) {
    return tally.gets() == 0 ? 0 : static_cast<double>(tally.answered()) / static_cast<double>(tally.gets());
}

}  // namespace larder::replay
