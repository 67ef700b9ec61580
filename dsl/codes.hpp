// dsl/codes.hpp -- the pages of the diagnostic codes, as docs/diagnostics.md has them.
#pragma once

#include <string_view>

namespace larder::dsl {

// The whole text of docs/diagnostics.md: the build copies it in, so the page and the program cannot
// disagree.
std::string_view diagnostics_page();

}  // namespace larder::dsl
