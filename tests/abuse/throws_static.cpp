// tests/abuse/throws_static.cpp -- the constructor of a static object throws while it is loaded.
#define ABUSE_NAME "throws_static"
#include "abuse.h"

namespace {
struct Thrower {
    Thrower() { throw 42; }
};
const Thrower thrower;
}  // namespace
