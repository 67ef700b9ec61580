// kernel/api/version.hpp -- which larder this is.
#pragma once

namespace larder {

extern const char* const version;  // "0.1.0", as CMakeLists.txt says

}  // namespace larder
