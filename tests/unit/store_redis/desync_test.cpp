// tests/unit/store_redis/desync_test.cpp -- servers that lie about the order, number and length of replies:
// nobody ever gets what somebody else has asked for.
#include "scripted_server.hpp"
#include "store_rig.hpp"

#include "tests/catch.hpp"

#include <memory>

using namespace larder;
using namespace larder::test;

namespace {

using Words = ScriptedServer::Words;
using Answer = std::optional<std::string>;

FakeConfig quiet(std::uint16_t port) {
    FakeConfig config = StoreRig::on(port);
    constexpr std::int64_t ms = 1'000'000;
    config.set("stream", false).set("connections", 1).set("lent", 0);  // lender_test.cpp has the lent ones
    config.set("heartbeat", 10'000 * ms).set("max_staleness", 30'000 * ms);
    return config;
}

bool is_get(const Words& words, const char* key) {
    return words.size() == 2 && words[0] == "GET" && words[1] == key;
}

// Asks for all keys at once; what each ended with, and its value.
struct Asked {
    Asked(StoreRig& store, const std::vector<std::string>& keys, std::uint64_t within_ms = 3000) {
        for (const std::string& name : keys) {
            all.push_back(std::make_unique<Later>());
            const larder_key key = StoreRig::key(name);
            const larder_call call = all.back()->call(store.now_ns() + within_ms * 1'000'000);
            larder_value unused{};
            status.push_back(store.store().get(store.self(), &key, &call, &unused));
        }
    }
    larder_status wait(std::size_t i) {
        return status[i] == LARDER_PENDING ? all[i]->wait() : status[i];
    }
    std::string value(std::size_t i) const { return std::string(all[i]->value.text()); }
    std::vector<std::unique_ptr<Later>> all;
    std::vector<larder_status> status;
};

}  // namespace

TEST_CASE("replies in single bytes are whole replies") {
    ScriptedServer server([](int, const Words& words) -> Answer {
        return is_get(words, "a") ? Answer(ScriptedServer::bulk(std::string(300, 'a'))) : std::nullopt;
    });
    server.trickle(true);
    StoreRig store(quiet(server.port()));
    std::string got;
    REQUIRE(store.get("a", &got) == LARDER_OK);
    CHECK(got == std::string(300, 'a'));
}

TEST_CASE("H12: a reply that comes after its caller gave up goes to nobody") {
    ScriptedServer server([](int connection, const Words& words) -> Answer {
        if (connection == 0 && is_get(words, "a")) {
            return "";
        }
        return is_get(words, "b") ? Answer(ScriptedServer::bulk("b's own")) : std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    Asked a(store, {"a"}, 30);
    REQUIRE(a.wait(0) == LARDER_E_TIMEOUT);
    std::string got;
    REQUIRE(store.get("b", &got) == LARDER_OK);
    CHECK(got == "b's own");
    CHECK(store.host().metric("timeouts_total") == 1);
    CHECK(store.until([&] { return server.connections() == 2; }));
}

TEST_CASE("what was under way beside one that was late gets its own answer all the same") {
    ScriptedServer server([](int connection, const Words& words) -> Answer {
        if (connection == 0 && (is_get(words, "a") || is_get(words, "b"))) {
            return "";
        }
        return std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    REQUIRE(store.until([&] { return store.health().state == LARDER_HEALTH_OK; }));
    Asked late(store, {"a"}, 30);
    Asked patient(store, {"b"}, 5000);
    REQUIRE(late.wait(0) == LARDER_E_TIMEOUT);
    // The connection takes nothing new: "c" goes to another, and "b" waits until its deadline at most.
    CHECK(store.get("c") == LARDER_MISS);
    CHECK(!patient.all[0]->ended());
    store.store().cancel(store.self(), patient.all[0].get());
    CHECK(patient.wait(0) == LARDER_E_CANCELLED);
}

TEST_CASE("a reply that nobody has asked for ends the connection, and no caller sees it") {
    ScriptedServer server([](int connection, const Words& words) -> Answer {
        if (connection == 0 && is_get(words, "a")) {
            return ScriptedServer::bulk("a") + ScriptedServer::bulk("too much");
        }
        return is_get(words, "b") ? Answer(ScriptedServer::bulk("b")) : std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    std::string got;
    // Nothing else is under way, whose reply it could be.
    REQUIRE(store.until([&] { return store.shared().now_ms(store.self()) != 0; }));
    REQUIRE(store.get("b") == LARDER_OK);
    REQUIRE(store.get("a", &got) == LARDER_OK);
    CHECK(got == "a");
    REQUIRE(store.until([&] { return store.host().metric("protocol_errors_total") == 1; }));
    REQUIRE(store.get("b", &got) == LARDER_OK);
    CHECK(got == "b");
}

TEST_CASE("a reply of a kind that the command cannot have ends the connection, and reads are asked again") {
    ScriptedServer server([](int connection, const Words& words) -> Answer {
        if (is_get(words, "a")) {
            return connection == 0 ? "*1\r\n$1\r\nx\r\n" : ScriptedServer::bulk("right");
        }
        return std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    std::string got;
    REQUIRE(store.get("a", &got) == LARDER_OK);
    CHECK(got == "right");
    CHECK(store.host().metric("protocol_errors_total") == 1);
    CHECK(store.host().metric("sent_again_total") == 1);
}

TEST_CASE("a batch whose answer has too few values ends the connection") {
    ScriptedServer server([](int, const Words& words) -> Answer {
        return words[0] == "MGET" ? Answer("*1\r\n$5\r\nwrong\r\n") : std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    larder_get_item items[2] = {};
    items[0].key = StoreRig::key("a");
    items[1].key = StoreRig::key("b");
    const larder_call call = store.call();
    CHECK(store.store().get_many(store.self(), items, 2, &call) == LARDER_E_IO);
    CHECK(items[0].value.data == nullptr);
    CHECK(items[0].status == LARDER_E_IO);
    CHECK(store.host().metric("protocol_errors_total") >= 1);
}

TEST_CASE("a write that may have been done is not done twice") {
    std::atomic<int> sets{0};
    ScriptedServer server([&](int, const Words& words) -> Answer {
        if (words[0] == "SET") {
            ++sets;
            return ScriptedServer::hang_up();
        }
        return std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    CHECK(store.put("larder:v:{a}", "x") == LARDER_E_IO);
    CHECK(sets == 1);
}

TEST_CASE("a read whose connection broke is asked once more, and no more than once") {
    std::atomic<int> gets{0};
    ScriptedServer server([&](int, const Words& words) -> Answer {
        if (is_get(words, "a")) {
            ++gets;
            return ScriptedServer::hang_up();
        }
        return std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    CHECK(store.get("a") == LARDER_E_IO);
    CHECK(gets == 2);
    CHECK(store.host().logged("redis l2: GET at 127.0.0.1:"));
}

TEST_CASE("a truncated value is nobody's value") {
    ScriptedServer server([&](int connection, const Words& words) -> Answer {
        if (is_get(words, "a")) {
            return connection == 0 ? "$10\r\nhalf" + ScriptedServer::hang_up()
                                   : ScriptedServer::bulk("whole");
        }
        return std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    std::string got;
    REQUIRE(store.get("a", &got) == LARDER_OK);
    CHECK(got == "whole");
}

TEST_CASE("lengths that no server should send end the connection at once") {
    const std::string bomb = GENERATE(as<std::string>(), "*1000000000\r\n", "$9223372036854775807\r\n",
                                      "$8388609\r\n", "*100001\r\n", "$-5\r\n", "$12x\r\n",
                                      "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
                                      "%1\r\n", "HTTP/1.1 400 Bad Request\r\n");
    INFO(bomb);
    ScriptedServer server([&](int connection, const Words& words) -> Answer {
        if (is_get(words, "a")) {
            return connection == 0 ? bomb : ScriptedServer::bulk("good");
        }
        return std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    std::string got;
    REQUIRE(store.get("a", &got) == LARDER_OK);
    CHECK(got == "good");
    CHECK(store.host().metric("protocol_errors_total") == 1);
}

TEST_CASE("silence ends at the caller's deadline, not at the connection's") {
    ScriptedServer server([](int, const Words& words) -> Answer {
        return is_get(words, "a") ? Answer("") : std::nullopt;
    });
    StoreRig store(quiet(server.port()));
    REQUIRE(store.until([&] { return store.health().state == LARDER_HEALTH_OK; }));
    const std::uint64_t before = store.now_ns();
    Asked a(store, {"a"}, 50);
    REQUIRE(a.wait(0) == LARDER_E_TIMEOUT);
    const std::uint64_t took_ms = (store.now_ns() - before) / 1'000'000;
    CHECK(took_ms >= 50);
    CHECK(took_ms < 1000);
    const larder_call late = store.call(std::chrono::milliseconds(-1));
    const larder_key key = StoreRig::key("a");
    larder_value unused{};
    CHECK(store.store().get(store.self(), &key, &late, &unused) == LARDER_E_TIMEOUT);
}

TEST_CASE("twenty thousand replies on connections that break at random never reach another caller") {
    // Every value is its key: any mix-up shows.
    std::atomic<unsigned> n{0};
    ScriptedServer server([&](int, const Words& words) -> Answer {
        if (words[0] != "GET") {
            return std::nullopt;
        }
        return ++n % 997 == 0 ? ScriptedServer::hang_up() : ScriptedServer::bulk(words[1]);
    });
    StoreRig store(quiet(server.port()));
    std::size_t good = 0;
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> keys;
        for (int i = 0; i < 100; ++i) {
            keys.push_back("key " + std::to_string(round) + " " + std::to_string(i));
        }
        Asked asked(store, keys);
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (asked.wait(i) == LARDER_OK) {
                REQUIRE(asked.value(i) == keys[i]);
                ++good;
            }
        }
    }
    CHECK(good > 19'000);
}

TEST_CASE("more operations at once than in_flight are refused, and counted") {
    ScriptedServer server([](int, const Words& words) -> Answer {
        return words[0] == "GET" ? Answer("") : std::nullopt;
    });
    FakeConfig config = quiet(server.port());
    config.set("in_flight", 10);
    StoreRig store(config);
    REQUIRE(store.until([&] { return store.health().state == LARDER_HEALTH_OK; }));
    Asked asked(store, std::vector<std::string>(30, "a"), 300);
    std::size_t refused = 0;
    for (const larder_status status : asked.status) {
        refused += status == LARDER_E_BUSY ? 1 : 0;
    }
    CHECK(refused >= 20);
    CHECK(store.host().metric("pool_exhausted_total") == static_cast<double>(refused));
    for (std::size_t i = 0; i < asked.status.size(); ++i) {
        asked.wait(i);
    }
}
