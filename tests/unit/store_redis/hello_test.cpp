// tests/unit/store_redis/hello_test.cpp -- how a connection begins, how long the next one waits, and what time it
// is there.
#include "plugins/redis_wire/hello.hpp"

#include "plugins/redis_wire/reader.hpp"
#include "plugins/store_redis/server_clock.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <set>

using namespace larder::redis_wire;
using namespace larder::store_redis;

namespace {

std::string judged(const ConnectionOptions& options, std::uint32_t index, const std::string& wire) {
    Reader reader{ReplyLimits{}};
    reader.feed(wire.data(), wire.size());
    REQUIRE(reader.next() == Reader::Got::reply);
    return judge_hello(options, index, reader.reply());
}

}  // namespace

TEST_CASE("a connection says who it is, then which database, then that it is there") {
    ConnectionOptions options;
    std::string wire;
    CHECK(write_hello(options, wire) == 1);
    CHECK(wire == "*1\r\n$4\r\nPING\r\n");
    options.password = "pw";
    options.username = "u";
    options.db = 3;
    wire.clear();
    CHECK(write_hello(options, wire) == 3);
    CHECK(wire == "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*1\r\n$4\r\nPING\r\n");
    CHECK(judged(options, 0, "+OK\r\n").empty());
    CHECK(judged(options, 0, "-WRONGPASS no\r\n") == "AUTH: WRONGPASS no");
    CHECK(judged(options, 1, "-ERR DB index is out of range\r\n") ==
          "SELECT: ERR DB index is out of range");
    CHECK(judged(options, 2, "-LOADING data\r\n") == "PING: LOADING data");
    CHECK(judged(options, 2, "+PONG\r\n").empty());
    CHECK_FALSE(judged(options, 2, "$4\r\nPONG\r\n").empty());
}

TEST_CASE("pauses grow to 640 ms and differ from node to node") {
    CHECK(pause_ns(0, 1) == 0);
    constexpr std::uint64_t ms = 1'000'000;
    std::set<std::uint64_t> drawn;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        for (std::uint32_t failures = 1; failures < 40; ++failures) {
            const std::uint64_t pause = pause_ns(failures, seed);
            const std::uint64_t most = (20 * ms) << std::min(failures - 1, 5u);
            REQUIRE(pause >= most / 2);
            REQUIRE(pause <= most);
        }
        drawn.insert(pause_ns(6, seed));
    }
    CHECK(drawn.size() > 90);
}

TEST_CASE("the server's clock is the best sample's, and a slow one is not believed over it") {
    ServerClock clock;
    constexpr std::uint64_t ms = 1'000'000;
    CHECK(clock.now_ms(5 * ms) == 0);
    // Asked at 1000 ms, heard at 1002: it was 70001 there at 1001 here.
    clock.sample(1000 * ms, 1002 * ms, 70'001'000);
    CHECK(clock.now_ms(1001 * ms) == 70'001);
    CHECK(clock.now_ms(2001 * ms) == 71'001);
    clock.sample(3000 * ms, 3200 * ms, 90'000'000);
    CHECK(clock.now_ms(3001 * ms) == 72'001);
    // Unless none better comes: then its clock was set.
    for (int i = 0; i < 8; ++i) {
        clock.sample(3000 * ms, 3200 * ms, 90'000'000);
    }
    CHECK(clock.now_ms(3100 * ms) == 90'000);
    // Behind this node's, too.
    ServerClock early;
    early.sample(500'000 * ms, 500'000 * ms, 1'000'000);
    CHECK(early.now_ms(500'001 * ms) == 1'001);
}
