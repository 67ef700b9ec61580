// tests/unit/liblarder/loop_test.cpp -- completions: one descriptor, nothing twice, nothing after a cancel.
#include "host.hpp"

#include <poll.h>

using namespace larder::test;

namespace {

const std::string policy =
    "larder 1\n"
    "namespace menu { key \"{id}\"; ttl 1m }\n"
    "alert cold when hit_rate(menu) < 50% -> log\n";

bool readable(const Loop& loop) {
    pollfd one{larder_loop_fd(loop.loop), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a thousand completions are one wake, and a loop that was drained is quiet") {
    const Host host(policy);
    const Loop loop(host);
    const Got got = host.get("menu", "7", loop.loop, 1);
    for (std::uint64_t user = 0; user < 1000; ++user) REQUIRE(host.get("menu", "7", loop.loop, user).result == LARDER_R_WAIT);
    CHECK_FALSE(readable(loop));
    CHECK(host.fill(got.lease, "soup") == LARDER_R_DONE);
    std::size_t n = 0;
    while (readable(loop)) n += loop.drain().size();
    CHECK(n == 1000);
    CHECK(loop.drain().empty());
}

TEST_CASE("after a cancel no completion of that user appears, whether it was queued or under way") {
    const Host host(policy);
    const Loop loop(host);
    const Got got = host.get("menu", "7", loop.loop, 1);
    CHECK(host.get("menu", "7", loop.loop, 2).result == LARDER_R_WAIT);
    CHECK(host.get("menu", "7", loop.loop, 3).result == LARDER_R_WAIT);
    CHECK(larder_loop_cancel(loop.loop, 2) == 1);
    CHECK(host.fill(got.lease, "soup") == LARDER_R_DONE);
    CHECK(larder_loop_cancel(loop.loop, 3) == 1);
    CHECK_FALSE(readable(loop));
    CHECK(loop.drain().empty());
    CHECK(larder_loop_cancel(loop.loop, 3) == 0);
}

TEST_CASE("a lease that nobody will hear of is given to the next") {
    const Host host(policy);
    const Loop loop(host);
    const Got first = host.get("menu", "7", loop.loop, 1);
    CHECK(host.get("menu", "7", loop.loop, 2).result == LARDER_R_WAIT);
    CHECK(host.get("menu", "7", loop.loop, 3).result == LARDER_R_WAIT);
    CHECK(larder_loop_cancel(loop.loop, 2) == 1);
    CHECK(host.drop("menu", "key:7") == LARDER_R_DONE);
    CHECK(host.fill(first.lease, "old") == LARDER_R_NONE);
    const auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].user == 3);
    CHECK(done[0].result == LARDER_R_LEASE);
}

TEST_CASE("an alert that fires arrives on the loops that watch, once") {
    const Host host(policy);
    const Loop loop(host);
    CHECK(larder_loop_watch_alerts(loop.loop, 99) == LARDER_R_DONE);
    for (int minute = 0; minute < 3; ++minute) {
        for (int i = 0; i < 10; ++i) larder_kernel_fail(host.k, host.get("menu", std::to_string(i)).lease, nullptr);
        host.advance(61'000);
    }
    const auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].user == 99);
    CHECK_THAT(done[0].value, contains("cold"));
}

TEST_CASE("what takes long may be asked for on a loop, and answers there") {
    const Host host(policy);
    const Loop loop(host);
    CHECK(host.put("menu", "7", "soup") == LARDER_R_DONE);
    CHECK(larder_kernel_drop(host.k, host.space("menu"), "7", 1, loop.loop, 5) == LARDER_R_WAIT);
    const auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].user == 5);
    CHECK(done[0].result == LARDER_R_DONE);
    CHECK(host.get("menu", "7").result == LARDER_R_LEASE);
}
