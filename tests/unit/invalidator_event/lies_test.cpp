// tests/unit/invalidator_event/lies_test.cpp -- servers that answer what no server answers: left, counted, survived.
#include "plugins/invalidator_event/event_source.hpp"

#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/unit/store_redis/scripted_server.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace larder::test;
using Component = larder::plugin::Invalidator<larder::invalidator_event::EventSource>;
using Names = std::vector<std::string>;
using Words = ScriptedServer::Words;

namespace {

// Runs a source against a server that answers `lie` to `command` on its first connections, and honestly later.
// True: it came back, and was told what came then.
bool survives(const std::string& command, const std::string& lie, bool streams) {
    constexpr int lies = 2;
    const auto honest = [&](const Words& words) -> std::optional<std::string> {
        if (words[0] == "SUBSCRIBE") {
            return "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n{}\r\n";
        }
        if (words[0] == "XREVRANGE" || words[0] == "XRANGE") {
            return "*0\r\n";
        }
        if (words[0] == "XREAD") {
            return words.back() == "5-1" ? std::string()
                                         : "*1\r\n*2\r\n$1\r\nc\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n";
        }
        return std::nullopt;
    };
    const ScriptedServer server([&](int connection, const Words& words) -> std::optional<std::string> {
        if (connection < lies && words[0] == command) {
            return lie;
        }
        return honest(words);
    });
    FakeHost host;
    host.use_machine_clock();
    host.ignore_events_of("test:");
    FakeInstance instance(host, Component::value,
                          FakeConfig()
                              .set("url", "redis://127.0.0.1:" + std::to_string(server.port()))
                              .set(streams ? "streams" : "channels", Names{"c"})
                              .set("resync", "")
                              .set("heartbeat", 200'000'000)
                              .set("connect_timeout", 300'000'000));
    REQUIRE(instance.created() == LARDER_OK);
    REQUIRE(instance.start() == LARDER_OK);
    const bool told = host.wait_for_events(1);
    instance.stop();
    return told && host.events()[0].name == "c" && server.connections() > lies;
}

}  // namespace

TEST_CASE("a server that lies to a subscriber is left, and listened to when it is honest again") {
    for (const char* lie :
         {"-NOPERM no\r\n", "+OK\r\n", ":1\r\n", "$-1\r\n", "*0\r\n", "*-1\r\n", "junk\r\n", "*3\r\n$9\r\nsubscribe\r\n*0\r\n:1\r\n",
          "*1\r\n$7\r\nmessage\r\n", "*3\r\n$7\r\nnothing\r\n$1\r\nc\r\n$1\r\nx\r\n", "$999999999999\r\n",
          "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n+unasked\r\n", "*2000000000\r\n"}) {
        INFO(lie);
        CHECK(survives("SUBSCRIBE", lie, false));
    }
}

TEST_CASE("a server that lies to a reader of streams is left, and read when it is honest again") {
    for (const char* lie :
         {"-WRONGTYPE no\r\n", "+OK\r\n", ":1\r\n", "*1\r\n$1\r\nc\r\n", "*1\r\n*1\r\n$1\r\nc\r\n", "*1\r\n*2\r\n$1\r\nz\r\n*0\r\n",
          "*1\r\n*2\r\n$1\r\nc\r\n$1\r\nx\r\n", "*1\r\n*2\r\n$1\r\nc\r\n*1\r\n$3\r\n1-1\r\n",
          "*1\r\n*2\r\n$1\r\nc\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*1\r\n$1\r\na\r\n", "*9\r\n*2\r\n$1\r\nc\r\n*0\r\n\r\n", "junk\r\n"}) {
        INFO(lie);
        CHECK(survives("XREAD", lie, true));
        CHECK(survives("XREVRANGE", std::string(lie) == "+OK\r\n" ? "*2\r\n:1\r\n:2\r\n" : lie, true));
    }
}
