// kernel/api/version.cpp -- which larder this is.
#include "kernel/api/version.hpp"

namespace larder {

const char* const version = LARDER_VERSION;

}  // namespace larder
