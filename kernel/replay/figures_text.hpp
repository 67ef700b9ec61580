// kernel/replay/figures_text.hpp -- numbers of a replay as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace larder::replay {

std::string grouped_text(std::uint64_t n);               // 1,234,567
std::string decimal_text(double value, int places);
std::string percent_text(double share);                  // cut, not rounded: 99.996 % is not 100
std::string size_text(std::uint64_t bytes);              // "6.1 MiB"
std::string seconds_text(std::uint64_t us);

}  // namespace larder::replay
