// tests/unit/gateway_resp/transport_test.cpp -- addresses, unix sockets, threads: what lies below requests.
#include "catch.hpp"
#include "resp_client.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace larder::test {
namespace {

using resp::ListenAddress;

struct Folder {
    Folder()
        : path(std::filesystem::temp_directory_path() /
               ("larder-transport-" + std::to_string(::getpid()))) {
        std::filesystem::create_directory(path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

resp::Options listening(const std::string& address) {
    resp::Options options;
    options.listen = {address};
    return options;
}

TEST_CASE("an address is read as larder.toml writes it, and nothing else is one") {
    ListenAddress a;
    REQUIRE(ListenAddress::parse("127.0.0.1:7380", a));
    CHECK((a.host == "127.0.0.1" && a.port == "7380" && a.path.empty() && !a.tls));
    CHECK(a.local());
    REQUIRE(ListenAddress::parse("[::1]:0", a));
    CHECK((a.host == "::1" && a.local()));
    REQUIRE(ListenAddress::parse("tls:0.0.0.0:7443", a));
    CHECK((a.tls && a.host == "0.0.0.0" && !a.local()));
    REQUIRE(ListenAddress::parse("unix:/run/larder.sock", a));
    CHECK((a.path == "/run/larder.sock" && a.local()));
    REQUIRE(ListenAddress::parse("localhost:1", a));
    CHECK(a.local());
    REQUIRE(ListenAddress::parse("127.8.9.10:1", a));
    CHECK(a.local());
    REQUIRE(ListenAddress::parse("example.org:1", a));
    CHECK_FALSE(a.local());
    for (const char* wrong : {"", "localhost", ":1", "host:", "host:70000", "host:-1", "unix:",
                              "unix:relative", "tls:", "tls:unix:/x"}) {
        INFO(wrong);
        CHECK_FALSE(ListenAddress::parse(wrong, a));
    }
}

TEST_CASE("a socket file that nobody answers is replaced; another file is not touched") {
    const Folder folder;
    const std::string path = folder.path / "s.sock";
    {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        path.copy(name.sun_path, sizeof name.sun_path - 1);
        const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
        REQUIRE(::bind(left, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
        ::close(left);  // as a killed process leaves it
    }
    {
        TestGateway gateway(listening("unix:" + path));
        RespClient c(gateway.address());
        CHECK(c.say("PING") == "+PONG");
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
        CHECK_THROWS_AS(TestGateway(listening("unix:" + path)), std::runtime_error);
        CHECK(c.say("PING") == "+PONG");
    }
    CHECK_FALSE(std::filesystem::exists(path));
    std::ofstream(path) << "precious";
    CHECK_THROWS_AS(TestGateway(listening("unix:" + path)), std::runtime_error);
    CHECK(std::filesystem::file_size(path) == 8);
    CHECK_THROWS_WITH(TestGateway(listening("unix:/" + std::string(200, 'x'))),
                      contains("longer than"));
}

TEST_CASE("with several threads each client still gets its own answers, in order") {
    resp::Options options;
    options.threads = 4;
    options.looks = 8;
    TestGateway gateway(options);
    constexpr int clients = 8, rounds = 20, depth = 50;
    std::atomic<int> wrong{0};
    std::vector<std::thread> running;
    for (int n = 0; n < clients; ++n) {
        running.emplace_back([&, n] {
            RespClient c = gateway.client();
            for (int round = 0; round < rounds; ++round) {
                std::string pipeline;
                for (int i = 0; i < depth; ++i) {
                    const std::string key = "user:" + std::to_string(n) + "-" + std::to_string(i);
                    const std::string value = key + "=" + std::to_string(round);
                    pipeline += RespClient::request({"SET", key, value}) +
                                RespClient::request({"GET", key});
                }
                c.send(pipeline);
                for (int i = 0; i < depth; ++i) {
                    const std::string key = "user:" + std::to_string(n) + "-" + std::to_string(i);
                    wrong += c.reply() == "+OK" ? 0 : 1;
                    wrong += c.reply() == "$" + key + "=" + std::to_string(round) ? 0 : 1;
                }
            }
        });
    }
    for (std::thread& one : running) {
        one.join();
    }
    CHECK(wrong == 0);
    CHECK(gateway.gateway->counters.requests.load() == clients * rounds * depth * 2);
    CHECK(gateway.gateway->counters.hits.load() == clients * rounds * depth);
}

TEST_CASE("many open connections of several threads are all served, and counted") {
    resp::Options options;
    options.threads = 2;
    TestGateway gateway(options);
    std::vector<std::unique_ptr<RespClient>> all;
    for (int i = 0; i < 32; ++i) {
        all.push_back(std::make_unique<RespClient>(gateway.address()));
        CHECK(all.back()->say("PING") == "+PONG");
    }
    for (const auto& one : all) {
        CHECK(one->ask({"SET", "user:1", "x"}) == "+OK");
    }
    CHECK(gateway.gateway->counters.connections.load() == 32);
}

TEST_CASE("SETs in a row become one batch, a GET between them is answered at its place") {
    TestGateway gateway;
    RespClient c = gateway.client();
    std::string pipeline;
    for (int i = 0; i < 10; ++i) {
        pipeline += RespClient::request({"SET", "user:1", std::to_string(i)});
    }
    pipeline += RespClient::request({"get", "user:1"});
    pipeline += RespClient::request({"Set", "user:1", "last"});
    pipeline += RespClient::request({"SET", "nowhere:1", "x"});
    pipeline += RespClient::request({"SET", "menu.item:x1", "does not fit"});
    pipeline += RespClient::request({"GET", "user:1"});
    c.send(pipeline);
    for (int i = 0; i < 10; ++i) {
        CHECK(c.reply() == "+OK");
    }
    CHECK(c.reply() == "$9");
    CHECK(c.reply() == "+OK");
    CHECK(c.reply().starts_with("-ERR key 'nowhere:1' names no namespace"));
    CHECK(c.reply().starts_with("-ERR"));
    CHECK(c.reply() == "$last");
}

TEST_CASE("a pipeline of SETs needs the role that one SET needs") {
    resp::Options options;
    resp::Users users;
    users.add({"reader", "pw", LARDER_ROLE_READ});
    TestGateway gateway(options, std::move(users));
    RespClient c = gateway.client();
    CHECK(c.ask({"SET", "user:1", "x"}) == "-NOAUTH Authentication required.");
    CHECK(c.ask({"AUTH", "reader", "pw"}) == "+OK");
    c.send(RespClient::request({"SET", "user:1", "x"}) + RespClient::request({"SET", "user:1", "x"}) +
           RespClient::request({"GET", "user:1"}));
    CHECK(c.reply().starts_with("-NOPERM"));
    CHECK(c.reply().starts_with("-NOPERM"));
    CHECK(c.reply() == "nil");
}

}  // namespace
}  // namespace larder::test
