// tests/unit/gateway_resp/hostile_test.cpp -- clients that mean harm, and others who must not
// notice.
#include "catch.hpp"
#include "resp_client.hpp"

#include <random>
#include <thread>

namespace larder::test {
namespace {

using std::chrono::milliseconds;

TEST_CASE("garbage and impossible lengths get an error, and the connection ends") {
    TestGateway gateway;
    RespClient bystander = gateway.client();
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"*1000000000\r\n", "-ERR Protocol error: invalid multibulk length"},
        {"*1\r\n$1000000000\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*1\r\n+PING\r\n", "-ERR Protocol error: expected '$', got '+'"},
        {std::string(100'000, 'A'), "-ERR Protocol error: too big inline request"},
        {"GET \"\r\n", "-ERR Protocol error: unbalanced quotes in request"}};
    for (const auto& [bytes, error] : cases) {
        RespClient c = gateway.client();
        c.send(bytes);
        CHECK(c.reply() == error);
        CHECK(c.reply() == "closed");
        CHECK(bystander.say("PING") == "+PONG");
    }
}

TEST_CASE("replies to good requests before the garbage are not lost") {
    const bool later = GENERATE(false, true);
    TestGateway gateway;
    gateway.cache.answer_later(later);
    RespClient c = gateway.client();
    c.send("SET user:1 x\r\nGET user:1\r\nGET user:2\r\n*x\r\n" + std::string(200'000, 'z'));
    CHECK(c.reply() == "+OK");
    CHECK(c.reply() == "$x");
    CHECK(c.reply() == "nil");
    CHECK(c.reply() == "-ERR Protocol error: invalid multibulk length");
    CHECK(c.reply() == "closed");
}

TEST_CASE("a web page that talks to the port gets no request through") {
    TestGateway gateway;
    RespClient c = gateway.client();
    c.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nSET user:1 evil\r\n");
    CHECK(c.reply() == "closed");
    RespClient d = gateway.client();
    CHECK(d.ask({"GET", "user:1"}) == "nil");
}

TEST_CASE("half a request and silence is closed after the timeout, and not before") {
    resp::Options options;
    options.timeout_ns = 20'000'000;  // of the host's clock, which the test moves
    TestGateway gateway(options);
    RespClient c = gateway.client();
    RespClient quiet = gateway.client();
    RespClient bystander = gateway.client();
    CHECK(c.say("PING") == "+PONG");
    CHECK(bystander.say("PING") == "+PONG");
    c.send("*2\r\n$3\r\nGET\r\n$6\r\nuser");
    CHECK(c.reply(150) == "silence");
    gateway.host.advance_clock_only(milliseconds(21));
    CHECK(c.reply() == "closed");
    CHECK(quiet.reply() == "closed");  // has never asked for anything
    CHECK(bystander.say("PING") == "+PONG");
    CHECK(gateway.gateway->counters.timeouts.load() == 2);
}

TEST_CASE("a byte now and then does not keep half a request alive") {
    resp::Options options;
    options.timeout_ns = 100'000'000;
    TestGateway gateway(options);
    RespClient c = gateway.client();
    CHECK(c.say("PING") == "+PONG");
    c.send("*2\r\n$3\r\nGET\r\n$60000\r\n");
    std::string end;
    for (int i = 0; i < 100 && end != "closed"; ++i) {
        gateway.host.advance_clock_only(milliseconds(10));
        c.send("x");
        end = c.reply(30);
    }
    CHECK(end == "closed");
}

TEST_CASE("an idle client is closed only where the options say so") {
    resp::Options options;
    options.idle_timeout_ns = 50'000'000;
    TestGateway gateway(options);
    RespClient c = gateway.client();
    CHECK(c.say("PING") == "+PONG");
    gateway.host.advance_clock_only(milliseconds(51));
    CHECK(c.reply() == "closed");
}

TEST_CASE(
    "a client that pipelines without end and reads nothing is stopped, then closed; others go on") {
    const bool later = GENERATE(false, true);
    resp::Options options;
    options.max_value = 64 * 1024;
    options.output_limit = 256 * 1024;
    options.timeout_ns = 20'000'000;
    TestGateway gateway(options);
    gateway.cache.answer_later(later);
    RespClient bystander = gateway.client();
    CHECK(bystander.ask({"SET", "user:1", std::string(1000, 'v')}) == "+OK");

    RespClient greedy(gateway.address(), 4096);
    const std::string request = RespClient::request({"GET", "user:1"});
    std::string block;
    for (int i = 0; i < 1000; ++i) {
        block += request;
    }
    bool stopped = false;
    for (int i = 0; i < 1000 && !stopped; ++i) {  // a million
        stopped = !greedy.send(block, 300);
        REQUIRE(bystander.say("PING") == "+PONG");
    }
    REQUIRE(stopped);
    CHECK(greedy.sent() < request.size() * 1'000'000);
    gateway.host.advance_clock_only(milliseconds(21));
    // What waits in the sockets may be read; then it is over.
    std::string end;
    while ((end = greedy.reply()).starts_with("$")) {
    }
    CHECK(end == "closed");
    CHECK(bystander.say("PING") == "+PONG");
    CHECK(gateway.gateway->counters.timeouts.load() == 1);
}

TEST_CASE("a client that reads late, but reads, gets every reply") {
    resp::Options options;
    options.max_value = 64 * 1024;
    options.output_limit = 256 * 1024;
    TestGateway gateway(options);
    RespClient c(gateway.address(), 4096);
    REQUIRE(c.ask({"SET", "user:1", std::string(20'000, 'v')}) == "+OK");
    constexpr int requests = 2000;  // 40 MB of replies through a 256 KiB bound
    std::thread sender([&] {
        for (int i = 0; i < requests; ++i) {
            c.send(RespClient::request({"GET", "user:1"}));
        }
    });
    int right = 0;
    for (int i = 0; i < requests; ++i) {
        right += c.reply().size() == 20'001 ? 1 : 0;
    }
    sender.join();
    CHECK(right == requests);
    CHECK(gateway.cache.pinned() == 0);
}

TEST_CASE("a reply larger than the bound is sent in parts") {
    resp::Options options;
    options.max_value = 64 * 1024;
    options.output_limit = 256 * 1024;
    TestGateway gateway(options);
    RespClient c = gateway.client();
    REQUIRE(c.ask({"SET", "user:1", std::string(60'000, 'v')}) == "+OK");
    std::vector<std::string> request{"MGET"};
    for (int i = 0; i < 500; ++i) {
        request.push_back("user:1");
    }
    CHECK(c.ask(request).size() == 2 + 500 * 60'002 - 1);  // 30 MB
    CHECK(c.say("PING") == "+PONG");
}

TEST_CASE("one client too many is told so") {
    resp::Options options;
    options.max_connections = 2;
    TestGateway gateway(options);
    RespClient a = gateway.client();
    CHECK(a.say("PING") == "+PONG");
    {
        RespClient b = gateway.client();
        CHECK(b.say("PING") == "+PONG");
        RespClient c = gateway.client();
        CHECK(c.reply() == "-ERR max number of clients reached");
        CHECK(c.reply() == "closed");
        b.send("QUIT\r\n");
        CHECK(b.reply() == "+OK");
        CHECK(b.reply() == "closed");
    }
    std::string again;
    for (int i = 0; i < 100 && again != "+PONG"; ++i) {  // until the gateway has seen b go
        RespClient d = gateway.client();
        again = d.say("PING");
    }
    CHECK(again == "+PONG");
}

TEST_CASE("a client that goes while the cache works leaves nothing behind") {
    TestGateway gateway;
    gateway.cache.answer_later(true);
    RespClient keeper = gateway.client();
    REQUIRE(keeper.ask({"SET", "user:1", std::string(100'000, 'v')}) == "+OK");
    gateway.cache.hold(true);
    for (int i = 0; i < 20; ++i) {
        RespClient c = gateway.client();
        c.send("GET user:1\r\nGET user:1\r\nMGET user:1 user:1\r\nINCR user:n\r\n");
    }
    gateway.cache.hold(false);
    CHECK(keeper.ask({"GET", "user:1"}).size() == 100'001);
    // A pin is given back behind the last write of its value, not before the client has read it.
    for (int i = 0; i < 1000 && (gateway.gateway->counters.connections.load() != 1 || gateway.cache.pinned() != 0); ++i) {
        keeper.say("PING");
    }
    CHECK(gateway.gateway->counters.connections.load() == 1);
    CHECK(gateway.cache.pinned() == 0);
}

TEST_CASE("stop waits for what the cache still works on") {
    auto gateway = std::make_unique<TestGateway>();
    gateway->cache.answer_later(true);
    gateway->cache.hold(true);
    RespClient c = gateway->client();
    c.send("GET user:1\r\n");
    while (gateway->cache.get_calls() == 0) {
        std::this_thread::yield();
    }
    std::thread ending([&] { gateway->server->stop(gateway->gateway->now_ns() + 1'000'000'000); });
    CHECK(c.reply(100) == "silence");
    gateway->cache.hold(false);
    CHECK(c.reply() == "nil");
    CHECK(c.reply() == "closed");
    ending.join();
}

TEST_CASE("random bytes never stop the gateway") {
    const char* given = std::getenv("LARDER_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : 77u;
    INFO("LARDER_SEED=" << seed);
    TestGateway gateway;
    std::mt19937 random(seed);
    for (int round = 0; round < 300; ++round) {
        RespClient c = gateway.client();
        std::string bytes;
        const std::size_t size = random() % 2000;
        for (std::size_t i = 0; i < size; ++i) {
            constexpr std::string_view likely = "*$13\r\nGETSLARDER \"MULTIEXEC";
            bytes += random() % 3 != 0 ? likely[random() % likely.size()]
                                       : static_cast<char>(random() % 256);
        }
        c.send(bytes);
    }
    RespClient c = gateway.client();
    CHECK(c.say("PING") == "+PONG");
}

TEST_CASE("a transaction cannot grow without bound") {
    resp::Options options;
    options.max_value = 16 * 1024;
    options.input_limit = 64 * 1024;
    TestGateway gateway(options);
    RespClient c = gateway.client();
    CHECK(c.ask({"MULTI"}) == "+OK");
    std::string reply = "+QUEUED";
    for (int i = 0; i < 100 && reply == "+QUEUED"; ++i) {
        reply = c.ask({"SET", "user:1", std::string(8000, 'x')});
    }
    CHECK(reply == "-ERR the transaction is larger than input_limit");
    CHECK(c.ask({"EXEC"}).starts_with("-EXECABORT"));
    CHECK(c.ask({"GET", "user:1"}) == "nil");
}

}  // namespace
}  // namespace larder::test
