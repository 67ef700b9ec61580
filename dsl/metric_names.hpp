// dsl/metric_names.hpp -- what an alert may be about.
#pragma once

#include <string_view>
#include <vector>

namespace larder::dsl {

// Defined beside the check that knows them, check_run.cpp.
std::vector<std::string_view> metric_names();

}  // namespace larder::dsl
