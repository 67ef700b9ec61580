// tests/unit/gateway_resp/together_test.cpp -- clients that hear of each other: messages, invalidations,
// transactions; and the turnstile that keeps transactions apart.
#include "plugins/gateway_resp/turnstile.hpp"
#include "resp_client.hpp"
#include "tests/catch.hpp"

#include <atomic>
#include <thread>

namespace larder::test {
namespace {

using resp::Turnstile;

resp::Options two_threads() {
    resp::Options options;
    options.threads = 2;
    options.open_role = LARDER_ROLE_ADMIN;
    return options;
}

TEST_CASE("who is alone in the turnstile has nobody beside it, and everybody gets in") {
    Turnstile turnstile;
    std::atomic<int> together{0}, alone{0}, broken{0};
    const auto visit = [&](Turnstile::Manner manner, int times) {
        for (int i = 0; i < times; ++i) {
            for (;;) {
                std::atomic<bool> called{false};
                if (turnstile.enter(manner) ||
                    turnstile.wait_for(manner, [&called] { called.store(true); })) {
                    break;
                }
                while (!called.load()) {
                    std::this_thread::yield();
                }
            }
            auto& mine = manner == Turnstile::Manner::Alone ? alone : together;
            mine.fetch_add(1);
            const bool crowded = manner == Turnstile::Manner::Alone
                                     ? alone.load() != 1 || together.load() != 0
                                     : alone.load() != 0;
            broken.fetch_add(crowded ? 1 : 0);
            mine.fetch_sub(1);
            turnstile.leave(manner);
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back(visit, i % 2 == 0 ? Turnstile::Manner::Alone
                                               : Turnstile::Manner::Together, 5000);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(broken.load() == 0);
}

TEST_CASE("a message goes to who listens to the channel or to a pattern of it") {
    TestGateway gateway(two_threads());
    RespClient listener = gateway.client(), other = gateway.client(), speaker = gateway.client();
    CHECK(listener.ask({"SUBSCRIBE", "news"}) == "[$subscribe $news :1]");
    CHECK(other.ask({"PSUBSCRIBE", "n*"}) == "[$psubscribe $n* :1]");
    CHECK(speaker.ask({"PUBLISH", "news", "hello"}) == ":2");
    CHECK(listener.reply() == "[$message $news $hello]");
    CHECK(other.reply() == "[$pmessage $n* $news $hello]");
    CHECK(listener.ask({"GET", "user:1"}).starts_with("-ERR Can't execute 'get'"));
    CHECK(listener.ask({"UNSUBSCRIBE"}) == "[$unsubscribe $news :0]");
    CHECK(listener.ask({"GET", "user:1"}) == "nil");
    CHECK(speaker.ask({"PUBLISH", "news", "again"}) == ":1");
}

TEST_CASE("a client that left hears nothing and is counted no more") {
    TestGateway gateway(two_threads());
    RespClient speaker = gateway.client();
    {
        RespClient listener = gateway.client();
        listener.ask({"SUBSCRIBE", "news"});
        CHECK(listener.ask({"QUIT"}) == "+OK");
    }
    CHECK(speaker.ask({"PUBLISH", "news", "hello"}) == ":0");
}

TEST_CASE("an invalidation comes behind the reply of the client that caused it") {
    TestGateway gateway(two_threads());
    RespClient c = gateway.client();
    c.ask({"HELLO", "3"});
    CHECK(c.ask({"CLIENT", "TRACKING", "ON"}) == "+OK");
    CHECK(c.ask({"SET", "user:1", "a"}) == "+OK");
    CHECK(c.ask({"GET", "user:1"}) == "$a");
    CHECK(c.ask({"SET", "user:1", "b"}) == "+OK");
    CHECK_THAT(c.reply(), Catch::Matchers::Contains("$invalidate") &&
                              Catch::Matchers::Contains("$user:1"));
    CHECK(c.ask({"SET", "user:1", "c"}) == "+OK");  // not read since
    CHECK(c.ask({"PING"}) == "+PONG");
}

TEST_CASE("NOLOOP leaves out what the client changes itself") {
    TestGateway gateway(two_threads());
    RespClient c = gateway.client(), other = gateway.client();
    c.ask({"HELLO", "3"});
    CHECK(c.ask({"CLIENT", "TRACKING", "ON", "NOLOOP"}) == "+OK");
    c.ask({"MGET", "user:1", "user:2"});
    CHECK(c.ask({"SET", "user:1", "a"}) == "+OK");
    CHECK(other.ask({"SET", "user:2", "a"}) == "+OK");
    CHECK_THAT(c.reply(), Catch::Matchers::Contains("$user:2"));
}

TEST_CASE("a drop by somebody else is told for what was read, in its place in the ring of events") {
    TestGateway gateway(two_threads());
    RespClient c = gateway.client(), other = gateway.client();
    c.ask({"HELLO", "3"});
    CHECK(c.ask({"CLIENT", "TRACKING", "ON"}) == "+OK");
    CHECK(other.ask({"SET", "menu:1", "a"}) == "+OK");
    CHECK(c.ask({"GET", "menu:1"}) == "$a");
    CHECK(other.ask({"LARDER", "DROP", "menu"}).starts_with(":"));
    gateway.cache.add_event("invalidate", "drop by request: drop menu");
    gateway.host.advance(std::chrono::seconds(1));
    CHECK_THAT(c.reply(), Catch::Matchers::Contains("$invalidate") &&
                              Catch::Matchers::Contains("$menu:1"));
}

}  // namespace
}  // namespace larder::test
