// tests/abuse/throws_std.cpp -- get throws a std::runtime_error at the kernel.
#define ABUSE_NAME "throws_std"
#define ABUSE_GET throws
#include "abuse.h"

#include <stdexcept>

static larder_status throws(void*, const larder_key*, const larder_call*, larder_value*) {
    throw std::runtime_error("abuse");
}
