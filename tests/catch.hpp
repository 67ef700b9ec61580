// tests/catch.hpp -- the only door to Catch2, for version 2 (Debian 12) and version 3 alike.
//
// What differs between the two and is levelled here: the include path, where Approx lives, the name
// of the matcher for "contains", and SKIP, which version 2 does not have. Everything else (TEST_CASE,
// SECTION, REQUIRE, CHECK, GENERATE, the matchers) reads the same. Tests include this file and no
// Catch2 header, so that the day version 2 goes is a change in one place.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string>

namespace larder::test {

#if __has_include(<catch2/catch_all.hpp>)
using Catch::Approx;
#else
using Catch::Detail::Approx;
#endif

// Matches a text that has `part` in it: REQUIRE_THAT(message, contains("write 5m")).
inline auto contains(const std::string& part) {
#if __has_include(<catch2/catch_all.hpp>)
    return Catch::Matchers::ContainsSubstring(part);
#else
    return Catch::Matchers::Contains(part);
#endif
}

}  // namespace larder::test

// Ends the test case because something it needs is not there, and says so: the runner counts it as
// skipped, not as passed. Only where the machine decides (no redis-server, no right to make a user).
#ifdef SKIP
#define LARDER_SKIP(reason) SKIP(reason)
#else
#define LARDER_SKIP(reason)         \
    do {                            \
        WARN("skipped: " << reason); \
        return;                     \
    } while (false)
#endif
