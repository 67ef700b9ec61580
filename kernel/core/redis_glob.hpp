// kernel/core/redis_glob.hpp -- Redis' glob, as SCAN MATCH and KEYS speak it: * ? [a-z] [^x] and \.
#pragma once

#include <string_view>

namespace larder {

// Byte-wise, case-sensitive, as Redis 7's stringmatchlen. At worst |glob| * |text| steps: a star goes
// back to itself only, never to an earlier one.
bool redis_glob_match(std::string_view glob, std::string_view text) noexcept;

}  // namespace larder
