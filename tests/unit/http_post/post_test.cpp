// tests/unit/http_post/post_test.cpp -- where requests go, and how they end.
#include "catch.hpp"
#include "plugins/http_post/post.hpp"

using namespace larder::http_post;

TEST_CASE("an address has a scheme, a host and what follows, and defaults for the rest") {
    const auto plain = Target::parse("http://127.0.0.1:8080/hook?x=1");
    REQUIRE(plain);
    CHECK_FALSE(plain->tls);
    CHECK(plain->host == "127.0.0.1");
    CHECK(plain->port == "8080");
    CHECK(plain->path == "/hook?x=1");
    const auto secure = Target::parse("https://hooks.example");
    REQUIRE(secure);
    CHECK(secure->tls);
    CHECK(secure->port == "443");
    CHECK(secure->path == "/");
    const auto six = Target::parse("http://[::1]:81?a");
    REQUIRE(six);
    CHECK(six->host == "::1");
    CHECK(six->port == "81");
    CHECK(six->path == "/?a");
}

TEST_CASE("what is no address, has a password in it or could break a request's lines is refused") {
    for (const char* wrong : {"", "hooks.example", "ftp://hooks.example", "http://", "http://:80/", "http://user:word@host/", "http://host:port/",
                              "http://host:123456/", "http://[::1", "http://host/a b", "http://host/\r\nX: y", "http://h\xC3\xB6st/"}) {
        INFO(wrong);
        CHECK_FALSE(Target::parse(wrong));
    }
}

TEST_CASE("nobody listens, and the request ends with a reason") {
    auto target = Target::parse("http://127.0.0.1:1/");
    std::string problem;
    CHECK(post(*target, {}, "{}", std::chrono::milliseconds(500), problem) == 0);
    CHECK_FALSE(problem.empty());
}

TEST_CASE("a request that was given up ends at once, and so do those that begin later") {
    Cancel cancel;
    cancel.now();
    std::string problem;
    CHECK(post(*Target::parse("http://127.0.0.1:1/"), {}, "", std::chrono::hours(1), problem, &cancel) == 0);
    CHECK(problem == "it was given up");
}
