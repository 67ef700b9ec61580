// tests/unit/store_redis_topology/node_breaker_test.cpp -- a server that fails is left alone, not forgotten.
#include "plugins/store_redis/node_breaker.hpp"

#include "tests/catch.hpp"

using larder::store_redis::NodeBreaker;

TEST_CASE("five failures in a row open it, and a success between begins anew") {
    NodeBreaker breaker;
    for (int i = 0; i < 4; ++i) {
        CHECK_FALSE(breaker.failed(1));
    }
    breaker.succeeded();
    for (int i = 0; i < 4; ++i) {
        CHECK_FALSE(breaker.failed(1));
        CHECK(breaker.admits(1));
    }
    CHECK(breaker.failed(1));
    CHECK_FALSE(breaker.admits(1));
}

TEST_CASE("after a second one probe is let through, and what becomes of it decides") {
    NodeBreaker breaker;
    for (int i = 0; i < 5; ++i) {
        breaker.failed(0);
    }
    const auto second = NodeBreaker::pause_ns;
    CHECK_FALSE(breaker.admits(second - 1));
    CHECK(breaker.admits(second));
    CHECK_FALSE(breaker.admits(second));
    breaker.failed(second);
    CHECK_FALSE(breaker.admits(2 * second - 1));
    CHECK(breaker.admits(2 * second));
    breaker.succeeded();
    CHECK(breaker.admits(2 * second));
    CHECK(breaker.admits(2 * second));
}

TEST_CASE("a probe that nobody tells of does not keep it open for ever") {
    NodeBreaker breaker;
    for (int i = 0; i < 5; ++i) {
        breaker.failed(0);
    }
    CHECK(breaker.admits(NodeBreaker::pause_ns));
    CHECK(breaker.admits(2 * NodeBreaker::pause_ns));
}
