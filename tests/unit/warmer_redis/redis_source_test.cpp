// tests/unit/warmer_redis/redis_source_test.cpp -- the source against servers whose every byte is the test's.
#include "plugins/warmer_redis/redis_source.hpp"

#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/unit/store_redis/scripted_server.hpp"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace larder::test;
using larder::plugin::bytes_of;
using larder::plugin::Value;
using Component = larder::plugin::Warmer<larder::warmer_redis::RedisSource>;
using Words = ScriptedServer::Words;

namespace {

constexpr std::int64_t space_ttl_ms = 60'000;
constexpr std::uint64_t ms = 1'000'000;

struct Got {
    larder_status status = LARDER_E_INTERNAL;
    std::string value;
    bool absent = false, touched = false;
    std::int64_t ttl_ms = 0;
};

class Source {
  public:
    explicit Source(std::uint16_t port, FakeConfig config = {}) {
        host.use_machine_clock();
        host.set_secret("password", "the password");
        made = std::make_unique<FakeInstance>(
            host, Component::value,
            config.set("url", "redis://127.0.0.1:" + std::to_string(port)).name_instance("old"));
        REQUIRE(made->created() == LARDER_OK);
        REQUIRE(made->start() == LARDER_OK);
    }

    Got get(const std::string& id, std::uint64_t patience_ms = 20'000,
            const char* text = "user:{id}") const {
        const larder_pair field{bytes_of("id"), bytes_of(id)};
        larder_warm_item item{};
        item.struct_size = sizeof item;
        item.hint = bytes_of(text);
        item.fields = &field;
        item.field_count = 1;
        const larder_call call = call_for(patience_ms);
        larder_cache_set set{};
        set.ttl_ms = space_ttl_ms;
        Got out;
        Value value;
        larder_value* const raw = value.out();
        out.status = made->table<larder_warmer_v1>().fetch(made->self(), &item, &call, &set, raw);
        out.value = value.text();
        out.touched = value.data() != nullptr;
        out.absent = (set.flags & LARDER_SET_ABSENT) != 0;
        out.ttl_ms = set.ttl_ms;
        return out;
    }

    larder_source_write put(const std::string& id, const std::string& value, bool remove = false,
                            std::uint64_t patience_ms = 20'000) const {
        const larder_pair field{bytes_of("id"), bytes_of(id)};
        larder_warm_item source{};
        source.struct_size = sizeof source;
        source.hint = bytes_of("user:{id}");
        larder_source_write write{};
        write.value = bytes_of(value);
        write.fields = &field;
        write.field_count = 1;
        write.remove = remove ? 1 : 0;
        write.status = LARDER_E_IO;
        const larder_call call = call_for(patience_ms);
        const larder_status all =
            made->table<larder_warmer_v1>().write(made->self(), &source, &write, 1, &call);
        write.status = all == LARDER_OK ? write.status : all;
        return write;
    }

    FakeHost host;
    std::unique_ptr<FakeInstance> made;

  private:
    larder_call call_for(std::uint64_t patience_ms) const {
        larder_call call{};
        call.struct_size = sizeof call;
        call.deadline_ns = host.now_ns() + patience_ms * ms;
        return call;
    }
};

std::optional<std::string> with_ttl(const Words& words, const std::string& pttl) {
    if (words[0] == "GET") {
        return ScriptedServer::bulk("of " + words[1]);
    }
    return words[0] == "PTTL" ? std::optional(pttl) : std::nullopt;
}

std::optional<std::string> honest(const Words& words) { return with_ttl(words, ":-1\r\n"); }

}  // namespace

TEST_CASE("a load is a GET and a PTTL of one key, whatever bytes it has") {
    std::mutex mutex;
    std::vector<Words> heard;
    const ScriptedServer server([&](int, const Words& words) {
        const std::lock_guard lock(mutex);
        if (words[0] == "GET" || words[0] == "PTTL") {
            heard.push_back(words);
        }
        return honest(words);
    });
    const Source source(server.port());
    const std::string id = std::string("a b\r\n*1\r\n$8\r\nFLUSHALL\r\n\0\xff", 25);
    const Got got = source.get(id);
    CHECK(got.status == LARDER_OK);
    CHECK(got.value == "of user:" + id);
    const std::lock_guard lock(mutex);
    CHECK(heard == std::vector<Words>{{"GET", "user:" + id}, {"PTTL", "user:" + id}});
}

TEST_CASE("an entry lives no longer than its key has left, and no longer than the namespace says") {
    std::string pttl;
    const ScriptedServer server([&](int, const Words& words) { return with_ttl(words, pttl); });
    const Source source(server.port());
    pttl = ":5000\r\n";
    const Got got = source.get("1");
    CHECK(got.status == LARDER_OK);
    CHECK(got.ttl_ms < 5000);  // it was on its way
    CHECK(got.ttl_ms > 0);
    pttl = ":-1\r\n";
    CHECK(source.get("1").ttl_ms == space_ttl_ms);
    pttl = ":1000000\r\n";
    CHECK(source.get("1").ttl_ms == space_ttl_ms);
    pttl = ":0\r\n";
    CHECK(source.get("1").ttl_ms == 1);
}

TEST_CASE("a key that is not there, or expires behind the GET, is absent, and no value is filled in") {
    std::string pttl = ":-2\r\n";
    bool there = false;
    const ScriptedServer server([&](int, const Words& words) {
        return words[0] == "GET" && !there ? std::optional<std::string>("$-1\r\n") : with_ttl(words, pttl);
    });
    const Source source(server.port());
    for (int turn = 0; turn < 2; ++turn) {
        const Got got = source.get("1");
        CHECK(got.status == LARDER_OK);
        CHECK(got.absent);
        CHECK_FALSE(got.touched);
        there = true;
    }
}

TEST_CASE("an empty value is a value") {
    const ScriptedServer server([&](int, const Words& words) {
        return words[0] == "GET" ? ScriptedServer::bulk("") : honest(words);
    });
    const Source source(server.port());
    const Got got = source.get("1");
    CHECK(got.status == LARDER_OK);
    CHECK_FALSE(got.absent);
    CHECK(got.value.empty());
}

TEST_CASE("an error of the server is a status and a line of the log that names neither key nor password") {
    std::string said;
    const ScriptedServer server([&](int, const Words& words) -> std::optional<std::string> {
        if (words[0] == "GET" || words[0] == "PTTL" || words[0] == "SET") {
            return said;
        }
        return honest(words);
    });
    const Source source(server.port());
    const struct {
        const char* error;
        larder_status status;
    } cases[] = {{"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", LARDER_E_INVALID},
                 {"-LOADING Redis is loading the dataset in memory\r\n", LARDER_E_BUSY},
                 {"-MOVED 3999 127.0.0.1:6381\r\n", LARDER_E_CONFIG},
                 {"-NOPERM no permissions to access 'user:planted-key'\r\n", LARDER_E_DENIED},
                 {"-ERR unknown command 'GET', with args beginning with: 'user:planted-key'\r\n", LARDER_E_IO}};
    for (const auto& one : cases) {
        INFO(one.error);
        said = one.error;
        CHECK(source.get("planted-key").status == one.status);
        CHECK(source.put("planted-key", "planted-value").status == one.status);
    }
    CHECK(source.host.logged("source old: GET user:{id} at 127.0.0.1:"));
    CHECK(source.host.logged("WRONGTYPE: what stands there is no string"));
    for (const char* secret : {"planted-key", "planted-value", "the password"}) {
        CHECK_FALSE(source.host.logged(secret));
    }
}

TEST_CASE("a server that says what no server says fails that load alone, and is asked again") {
    for (const char* lie :
         {"junk\r\n", "+OK\r\n", ":1\r\n", "*1\r\n$1\r\nx\r\n", "*2000000000\r\n", "$999999999999\r\n",
          "$-7\r\n", "$3\r\nabc\r\n:-3\r\n", "$3\r\nabc\r\n+OK\r\n", "$3\r\nabc\r\n$1\r\nx\r\n"}) {
        INFO(lie);
        const ScriptedServer server([&](int connection, const Words& words) {
            return connection == 0 && words[0] == "GET" ? std::optional<std::string>(lie) : honest(words);
        });
        const Source source(server.port(), FakeConfig().set("connect_timeout", std::int64_t{300} * 1'000'000));
        const larder_status first = source.get("1").status;
        CHECK((first == LARDER_E_IO || first == LARDER_E_TOO_LARGE));
        CHECK(source.get("2").value == "of user:2");
        CHECK(server.connections() >= 2);
    }
}

TEST_CASE("a message that nobody asked for ends the connection, and the next one answers") {
    const ScriptedServer server([&](int connection, const Words& words) {
        return connection == 0 && words[0] == "PTTL" ? std::optional<std::string>(":-1\r\n+unasked\r\n") : honest(words);
    });
    const Source source(server.port());
    CHECK(source.get("1").value == "of user:1");
    CHECK(source.get("2").value == "of user:2");
    CHECK(server.connections() == 2);
}

TEST_CASE("a value longer than max_value is too large, and who stood behind it is answered") {
    std::promise<void> go;
    const auto gone = go.get_future().share();
    const ScriptedServer server([&](int, const Words& words) -> std::optional<std::string> {
        if (words[0] == "GET" && words[1] == "user:first") {
            gone.wait();
        }
        if (words[0] == "GET" && words[1] == "user:large") {
            return ScriptedServer::bulk(std::string(5000, 'x'));
        }
        return honest(words);
    });
    const Source source(server.port(), FakeConfig().set("max_value", 4096));
    // While the first is under way the others line up behind it.
    auto first = std::async(std::launch::async, [&] { return source.get("first"); });
    auto large = std::async(std::launch::async, [&] { return source.get("large"); });
    std::vector<std::future<Got>> others;
    for (int i = 0; i < 8; ++i) {
        others.push_back(std::async(std::launch::async, [&, i] { return source.get(std::to_string(i)); }));
    }
    go.set_value();
    CHECK(first.get().status == LARDER_OK);
    CHECK(large.get().status == LARDER_E_TOO_LARGE);
    for (int i = 0; i < 8; ++i) {
        CHECK(others[static_cast<std::size_t>(i)].get().value == "of user:" + std::to_string(i));
    }
}

TEST_CASE("a server that hangs is a timeout at the caller's deadline, and is left for a new connection") {
    const ScriptedServer server([&](int connection, const Words& words) {
        return connection == 0 && words[0] == "GET" ? std::optional<std::string>("") : honest(words);
    });
    const Source source(server.port(), FakeConfig().set("connect_timeout", std::int64_t{400} * 1'000'000));
    CHECK(source.get("1", 50).status == LARDER_E_TIMEOUT);
    CHECK(source.get("2").value == "of user:2");
    CHECK(server.connections() == 2);
    CHECK(source.host.logged("no answer in time"));
}

TEST_CASE("what comes after its caller has left is nobody else's answer") {
    std::promise<void> go;
    const auto gone = go.get_future().share();
    const ScriptedServer server([&](int, const Words& words) {
        if (words[0] == "GET" && words[1] == "user:late") {
            gone.wait();
        }
        return honest(words);
    });
    const Source source(server.port());
    CHECK(source.get("late", 50).status == LARDER_E_TIMEOUT);
    auto next = std::async(std::launch::async, [&] { return source.get("next"); });
    go.set_value();
    CHECK(next.get().value == "of user:next");
    CHECK(server.connections() == 1);
}

TEST_CASE("a load whose connection was lost is asked once more; a write is not, and nobody knows") {
    std::atomic<int> gets{0}, sets{0};
    const ScriptedServer server([&](int, const Words& words) -> std::optional<std::string> {
        if (words[0] == "GET" && gets.fetch_add(1) == 0) {
            return ScriptedServer::hang_up();
        }
        if (words[0] == "SET") {
            ++sets;
            return ScriptedServer::hang_up();
        }
        return honest(words);
    });
    const Source source(server.port());
    CHECK(source.get("1").value == "of user:1");
    CHECK(gets == 2);
    CHECK(source.put("1", "x").status == LARDER_E_TIMEOUT);
    CHECK(sets == 1);
    CHECK(source.get("2").value == "of user:2");
}

TEST_CASE("a server that hangs up on every load ends it with an error, not with a loop") {
    std::atomic<int> gets{0};
    const ScriptedServer server([&](int, const Words& words) -> std::optional<std::string> {
        if (words[0] == "GET") {
            ++gets;
            return ScriptedServer::hang_up();
        }
        return honest(words);
    });
    const Source source(server.port());
    CHECK(source.get("1").status == LARDER_E_IO);
    CHECK(gets == 2);
}

TEST_CASE("a password that is wrong is denied, and told without the password") {
    const ScriptedServer server([&](int, const Words& words) -> std::optional<std::string> {
        if (words[0] == "AUTH") {
            return "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
        }
        return words[0] == "PING" ? std::optional<std::string>("-NOAUTH Authentication required.\r\n") : honest(words);
    });
    const Source source(server.port());
    CHECK(source.get("1").status == LARDER_E_DENIED);
    CHECK(source.put("1", "x").status == LARDER_E_DENIED);
    CHECK(source.host.logged("WRONGPASS"));
    CHECK_FALSE(source.host.logged("the password"));
}

TEST_CASE("where nobody listens loads and writes fail soon, and nothing was done") {
    std::uint16_t port = 0;
    {
        const ScriptedServer gone([](int, const Words&) { return std::nullopt; });
        port = gone.port();
    }
    const Source source(port);
    CHECK(source.get("1").status == LARDER_E_IO);
    CHECK(source.put("1", "x").status == LARDER_E_IO);
    larder_health health{};
    health.struct_size = sizeof health;
    CHECK(Component::value.health(source.made->self(), &health) == LARDER_OK);
    CHECK(health.state == LARDER_HEALTH_DEGRADED);
}

TEST_CASE("a server that takes connections and says nothing is a timeout for reads, and for writes an error: none was sent") {
    const ScriptedServer server([](int, const Words&) { return std::optional<std::string>(""); });
    const Source source(server.port());
    CHECK(source.get("1", 50).status == LARDER_E_TIMEOUT);
    CHECK(source.put("1", "x", false, 50).status == LARDER_E_IO);
}

TEST_CASE("many threads over one connection each get their own answer, byte by byte") {
    ScriptedServer server([](int, const Words& words) { return honest(words); });
    server.trickle(true);
    const Source source(server.port());
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 25; ++i) {
                const std::string id = std::to_string(t) + "-" + std::to_string(i);
                wrong += source.get(id).value != "of user:" + id ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
    CHECK(server.connections() == 1);
}

TEST_CASE("a write is a SET with the time to live that is configured, a removal a DEL") {
    std::mutex mutex;
    std::vector<Words> heard;
    const ScriptedServer server([&](int, const Words& words) -> std::optional<std::string> {
        const std::lock_guard lock(mutex);
        if (words[0] == "SET" || words[0] == "DEL") {
            heard.push_back(words);
        }
        return words[0] == "DEL" ? std::optional<std::string>(words[1] == "user:1" ? ":1\r\n" : ":0\r\n") : std::nullopt;
    });
    {
        const Source source(server.port());
        CHECK(source.put("1", "one").status == LARDER_OK);
        CHECK(source.put("1", "", true).status == LARDER_OK);
        CHECK(source.put("2", "", true).status == LARDER_MISS);
    }
    const Source brief(server.port(), FakeConfig().set("write_ttl", std::int64_t{90} * 1'000'000'000));
    CHECK(brief.put("3", std::string("\0\r\n", 3)).status == LARDER_OK);
    const std::lock_guard lock(mutex);
    CHECK(heard == std::vector<Words>{{"SET", "user:1", "one"},
                                      {"DEL", "user:1"},
                                      {"DEL", "user:2"},
                                      {"SET", "user:3", std::string("\0\r\n", 3), "PX", "90000"}});
}

TEST_CASE("a key longer than max_key is refused before anybody is asked") {
    std::atomic<int> gets{0};
    const ScriptedServer server([&](int, const Words& words) {
        gets += words[0] == "GET" ? 1 : 0;
        return honest(words);
    });
    const Source source(server.port(), FakeConfig().set("max_key", 20));
    CHECK(source.get(std::string(16, 'x')).status == LARDER_E_INVALID);
    CHECK(source.get("1", 20'000, "user:{no}").status == LARDER_E_INVALID);
    CHECK(source.put(std::string(16, 'x'), "v").status == LARDER_E_INVALID);
    CHECK(gets == 0);
    CHECK(source.get(std::string(15, 'x')).status == LARDER_OK);
}

TEST_CASE("beyond in_flight loads are refused, and taken again when there is room") {
    std::promise<void> asked, go;
    const auto gone = go.get_future().share();
    std::atomic<bool> first{true};
    const ScriptedServer server([&](int, const Words& words) {
        if (words[0] == "GET" && first.exchange(false)) {
            asked.set_value();
            gone.wait();
        }
        return honest(words);
    });
    const Source source(server.port(), FakeConfig().set("in_flight", 1));
    auto slow = std::async(std::launch::async, [&] { return source.get("1"); });
    asked.get_future().wait();
    CHECK(source.get("2").status == LARDER_E_BUSY);
    go.set_value();
    CHECK(slow.get().status == LARDER_OK);
    larder_status after = LARDER_E_BUSY;
    for (int i = 0; i < 1000 && after == LARDER_E_BUSY; ++i) {
        after = source.get("3").status;
    }
    CHECK(after == LARDER_OK);
}

TEST_CASE("a stop ends who waits, and nothing is asked after it") {
    std::promise<void> asked;
    std::atomic<bool> first{true};
    const ScriptedServer server([&](int, const Words& words) {
        if (words[0] == "GET" && first.exchange(false)) {
            asked.set_value();
        }
        return words[0] == "GET" ? std::optional<std::string>("") : honest(words);
    });
    const Source source(server.port());
    auto waiting = std::async(std::launch::async, [&] { return source.get("1", 60'000); });
    asked.get_future().wait();
    CHECK(source.made->stop() == LARDER_OK);
    CHECK(waiting.get().status == LARDER_E_CLOSED);
    CHECK(source.get("2").status == LARDER_E_CLOSED);
    CHECK(source.put("2", "x").status == LARDER_E_CLOSED);
}

TEST_CASE("options that make no sense are refused with the option's place") {
    for (const char* url : {"http://127.0.0.1:6379", "redis://user@127.0.0.1", "redis://127.0.0.1:99999"}) {
        INFO(url);
        FakeHost host;
        const FakeInstance made(host, Component::value, FakeConfig().set("url", url));
        CHECK(made.created() == LARDER_E_CONFIG);
        CHECK(made.reason().find("test.toml:1:1: url: ") != std::string::npos);
    }
    for (const char* url : {"redis://127.0.0.1", "redis://other:x@127.0.0.1"}) {
        INFO(url);
        FakeHost host;
        const FakeInstance made(host, Component::value, FakeConfig().set("url", url).set("username", "user"));
        CHECK(made.created() == LARDER_E_CONFIG);
        CHECK(made.reason().find("test.toml:1:1: username: ") != std::string::npos);
    }
    FakeHost host;
    const FakeInstance made(host, Component::value, FakeConfig().set("url", "rediss://127.0.0.1").set("tls_cert", "/a"));
    CHECK(made.created() == LARDER_E_CONFIG);
    CHECK(made.reason().find("tls_cert and tls_key belong together") != std::string::npos);
}
