// tests/unit/gateway_http/conditional_test.cpp -- validators, conditions, ranges; Vary; targets.
#include "catch.hpp"
#include "messages.hpp"
#include "plugins/gateway_http/conditional.hpp"
#include "plugins/gateway_http/target.hpp"
#include "plugins/gateway_http/vary.hpp"

#include <string>

namespace larder::test {
namespace {

using namespace http;

constexpr std::int64_t modified = 784'111'777, now = modified + 1000;
const Validators kept{"\"v1\"", modified, modified + 100};

Condition condition(const std::string& fields) { return evaluate(request(fields), kept, now); }

std::string range(const std::string& fields) {
    ByteRange part;
    switch (range_of(request(fields), kept, 10, now, part)) {
        case RangeVerdict::whole: return "whole";
        case RangeVerdict::unsatisfiable: return "unsatisfiable";
        case RangeVerdict::part: return std::to_string(part.from) + "+" + std::to_string(part.size);
    }
    return {};
}

}  // namespace

TEST_CASE("If-None-Match compares weakly, lists and star included") {
    CHECK(condition("If-None-Match: \"v1\"\r\n") == Condition::not_modified);
    CHECK(condition("If-None-Match: \"a,b\", W/\"v1\"\r\n") == Condition::not_modified);
    CHECK(condition("If-None-Match: *\r\n") == Condition::not_modified);
    CHECK(condition("If-None-Match: \"v2\"\r\n") == Condition::holds);
    CHECK(condition("") == Condition::none);
}

TEST_CASE("If-Modified-Since counts only without If-None-Match") {
    CHECK(condition("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n") == Condition::not_modified);
    CHECK(condition("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n") == Condition::holds);
    CHECK(condition("If-Modified-Since: nonsense\r\n") == Condition::none);
    CHECK(condition("If-None-Match: \"v2\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n") == Condition::holds);
}

TEST_CASE("ranges of a kept answer, while it is the one that If-Range names") {
    CHECK(range("Range: bytes=0-3\r\n") == "0+4");
    CHECK(range("Range: bytes=3-\r\n") == "3+7");
    CHECK(range("Range: bytes=-4\r\n") == "6+4");
    CHECK(range("Range: bytes=-40\r\n") == "0+10");
    CHECK(range("Range: bytes=5-500\r\n") == "5+5");
    CHECK(range("Range: bytes=10-\r\n") == "unsatisfiable");
    CHECK(range("Range: bytes=-0\r\n") == "unsatisfiable");
    for (const char* whole : {"", "Range: bytes=0-1,4-5\r\n", "Range: items=0-1\r\n", "Range: bytes=5-3\r\n",
                              "Range: bytes=a-b\r\n", "Range: bytes\r\n"})
        CHECK(range(whole) == "whole");
    CHECK(range("Range: bytes=0-3\r\nIf-Range: \"v1\"\r\n") == "0+4");
    CHECK(range("Range: bytes=0-3\r\nIf-Range: \"v2\"\r\n") == "whole");
    CHECK(range("Range: bytes=0-3\r\nIf-Range: W/\"v1\"\r\n") == "whole");
    CHECK(range("Range: bytes=0-3\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n") == "0+4");
    CHECK(range("Range: bytes=0-3\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n") == "whole");
}

TEST_CASE("Vary compares lists as lists, and absent is not empty") {
    const std::string vary = vary_of(answer("Vary: Accept-Language, X-Thing\r\n"), request("Accept-Language: de, en\r\nX-Thing: A,b\r\n"));
    CHECK(vary_matches(vary, request("Accept-Language: EN\r\nAccept-Language: de\r\nX-Thing: A, b\r\n")));
    CHECK_FALSE(vary_matches(vary, request("Accept-Language: de\r\nX-Thing: A,b\r\n")));
    CHECK_FALSE(vary_matches(vary, request("Accept-Language: de, en\r\nX-Thing: a,b\r\n")));
    CHECK_FALSE(vary_matches(vary, request("Accept-Language: de, en\r\n")));
    CHECK(vary_of(answer(""), request("")).empty());
}

TEST_CASE("targets in origin and absolute form are the same resource") {
    Target a, b;
    const Head origin = request("", "GET /x?y=1 HTTP/1.1"), absolute = request("", "GET http://EXAMPLE.org/x?y=1 HTTP/1.1");
    REQUIRE(read_target(origin, a));
    REQUIRE(read_target(absolute, b));
    std::string one, two;
    append_identity(one, a, a.query);
    append_identity(two, b, b.query);
    CHECK(one == two);
    CHECK(one == "example.org/x?y=1");
    for (const char* line : {"GET x HTTP/1.1", "GET * HTTP/1.1", "GET http://user@host/ HTTP/1.1", "GET /a#b HTTP/1.1", "GET ftp://a/b HTTP/1.1"}) {
        const Head bad = request("", line);
        INFO(line);
        CHECK_FALSE(read_target(bad, a));
    }
}

TEST_CASE("ignored parameters are left out and the others stay as they were") {
    const IgnoredQuery ignored({"utm_*", "gclid"});
    std::string buffer;
    CHECK(ignored.strip("a=1&utm_source=x&b=2&gclid=3", buffer) == "a=1&b=2");
    CHECK(ignored.strip("a=1&b=%20", buffer) == "a=1&b=%20");
    CHECK(ignored.strip("utm_x", buffer).empty());
}

}  // namespace larder::test
