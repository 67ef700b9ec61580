// tests/unit/sdk/all_headers.cpp -- all kinds together in C++, C header and wrapper.
#include <larder/plugin/cpp.hpp>
#include <larder/plugin/plugin.h>
