// tests/abuse/throws_int.cpp -- get throws an int at the kernel.
#define ABUSE_NAME "throws_int"
#define ABUSE_GET throws
#include "abuse.h"

static larder_status throws(void*, const larder_key*, const larder_call*, larder_value*) {
    throw 42;
}
