// tests/abuse/throws_destroy.cpp -- the destructor of its instance throws.
#define ABUSE_NAME "throws_destroy"
#define ABUSE_DESTROY throws
#include "abuse.h"

static void throws(void*) { throw 42; }
