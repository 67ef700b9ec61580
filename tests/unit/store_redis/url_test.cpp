// tests/unit/store_redis/url_test.cpp -- what a URL of Redis means.
#include "plugins/redis_wire/url.hpp"

#include "tests/catch.hpp"

using namespace larder::redis_wire;

namespace {

Url read(const std::string& text) {
    Url url;
    std::string why;
    INFO(text);
    REQUIRE(parse_url(text, url, why));
    return url;
}

std::string refused(const std::string& text) {
    Url url;
    std::string why;
    INFO(text);
    CHECK_FALSE(parse_url(text, url, why));
    return why;
}

}  // namespace

TEST_CASE("host, port and database are where every client of Redis writes them") {
    const Url url = read("redis://cache.example.org:7000/3");
    CHECK(url.endpoint.host == "cache.example.org");
    CHECK(url.endpoint.port == 7000);
    CHECK(url.db == 3u);
    CHECK_FALSE(url.endpoint.tls);
    CHECK(read("redis://h").endpoint.port == 6379);
    CHECK_FALSE(read("redis://h").db.has_value());
    CHECK_FALSE(read("redis://h/").db.has_value());
    CHECK(read("redis://h?db=5").db == 5u);
    CHECK(read("redis://").endpoint.host == "127.0.0.1");
    CHECK(read("redis://localhost:6379/0").db == 0u);
}

TEST_CASE("IPv6 addresses stand in brackets") {
    const Url url = read("redis://[::1]:7000/0");
    CHECK(url.endpoint.host == "::1");
    CHECK(url.endpoint.port == 7000);
    CHECK(url.endpoint.text() == "[::1]:7000");
    CHECK(read("redis://[fe80::1]").endpoint.host == "fe80::1");
    refused("redis://[::1");
    refused("redis://[::1]7000");
}

TEST_CASE("user and password are taken off and decoded, whatever stands in them") {
    CHECK(read("redis://:secret@h").password == "secret");
    CHECK(read("redis://:secret@h").username.empty());
    const Url url = read("rediss://cache:p%40ss%3a%2Fword@h:1/0");
    CHECK(url.username == "cache");
    CHECK(url.password == "p@ss:/word");
    CHECK(url.endpoint.tls);
    CHECK(url.endpoint.host == "h");
    CHECK(read("redis://u:a@b@h").password == "a@b");
    CHECK(read("redis://u:a/b@h/2").password == "a/b");
    CHECK(read("redis://u:a/b@h/2").db == 2u);
    CHECK(read("redis://u:a:b@h").password == "a:b");
}

TEST_CASE("a unix socket has a path, and its database behind a question mark") {
    const Url url = read("unix:///run/redis.sock?db=2");
    CHECK(url.endpoint.path == "/run/redis.sock");
    CHECK(url.db == 2u);
    CHECK(read("unix://:pw@/run/redis.sock").password == "pw");
    CHECK(read("unix:///run/redis@home").endpoint.path == "/run/redis@home");
    refused("unix://run/redis.sock");
}

TEST_CASE("what is no URL of Redis is refused without repeating what it held") {
    for (const char* text :
         {"", "http://h", "redis:h", "redis://h:0", "redis://h:65536", "redis://h:x", "redis://h/x",
          "redis://h/1/2", "redis://h?db=x", "redis://h?timeout=1", "redis://secret@h",
          "redis://u:%zz@h", "redis://u:%4@h"}) {
        const std::string why = refused(text);
        CHECK_FALSE(why.empty());
        CHECK(why.find("secret") == std::string::npos);
    }
}
