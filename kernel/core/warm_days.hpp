// kernel/core/warm_days.hpp -- "@today", "@today-7d" and "@today+1d" in what is warmed, as dates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace larder {

// Words for days in `values` become the dates, in UTC, that they mean at `wall_ms`; in `key`, where the values stand, too.
// Any other text stays as it is.
void put_days(std::string& key, std::vector<std::string>& values, std::uint64_t wall_ms);

}  // namespace larder
