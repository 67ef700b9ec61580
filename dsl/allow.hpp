// dsl/allow.hpp -- `# allow L0303: reason`, found whether or not the file parses.
#pragma once

#include "dsl/parser.hpp"

#include <vector>

namespace larder::dsl {

std::vector<Allow> find_allows(const Source& source);

}  // namespace larder::dsl
