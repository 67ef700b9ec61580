// kernel/config/codes.hpp -- what the codes of findings in larder.toml mean: `larder explain L0502`.
#pragma once

#include <string_view>
#include <vector>

namespace larder::config {

// Empty: no such code here.
std::string_view explain_code(std::string_view code);
std::vector<std::string_view> all_codes();  // ascending

}  // namespace larder::config
