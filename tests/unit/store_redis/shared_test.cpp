// tests/unit/store_redis/shared_test.cpp -- larder.shared/1 on a real redis-server: records, leases, and the
// server's clock.
#include "store_rig.hpp"

#include "plugins/store_redis/record_bytes.hpp"
#include "tests/catch.hpp"

#include <array>

using namespace larder;
using namespace larder::test;

namespace {

const std::string apple = "larder:v:{fruit:apple}", apple_lease = "larder:l:{fruit:apple}";
const std::string tag = "larder:g:00000000000000aa", root = "larder:g:00000000000000bb";

larder_record record(const std::string& key, std::uint64_t drop, std::uint64_t expire,
                     std::uint64_t expired_at_ms = 0) {
    larder_record r{};
    r.key = plugin::bytes_of(key);
    r.drop = drop;
    r.expire = expire;
    r.expired_at_ms = expired_at_ms;
    return r;
}

struct Shelf {
    RedisProcess redis;
    StoreRig store{redis};
    larder_call call = store.call();

    larder_status make(larder_record* records, std::size_t m, std::uint64_t ttl_ms = 60'000) {
        call = store.call();
        return store.shared().make(store.self(), records, m, ttl_ms, &call);
    }
    larder_status change(larder_record* records, std::size_t m, const larder_key* keys,
                         std::size_t n, std::uint32_t replicas = 0) {
        call = store.call();
        return store.shared().change(store.self(), records, m, 60'000, keys, n, replicas, &call);
    }
    larder_status lease(std::uint64_t token, std::uint64_t ttl_ms = 60'000) {
        call = store.call();
        const larder_key key = StoreRig::key(apple);
        return store.shared().lease(store.self(), &key, token, ttl_ms, &call);
    }
    larder_status fill(std::uint64_t token, std::string_view value) {
        call = store.call();
        const larder_key key = StoreRig::key(apple);
        larder_put put{};
        put.struct_size = sizeof put;
        put.value = plugin::bytes_of(value);
        put.ttl_ms = 30'000;
        return store.shared().fill(store.self(), &key, token, &put, &call);
    }
};

}  // namespace

#define NEED_REDIS()                                  \
    if (!RedisProcess::available()) {                 \
        LARDER_SKIP("there is no redis-server here"); \
    }

TEST_CASE("values and records come in one round trip, each with its own answer") {
    NEED_REDIS();
    Shelf shelf;
    shelf.store.put(apple, "red");
    larder_record made = record(tag, 11, 12, 13);
    REQUIRE(shelf.make(&made, 1) == LARDER_OK);
    std::array<larder_get_item, 2> items{};
    items[0].key = StoreRig::key(apple);
    items[1].key = StoreRig::key("larder:v:{fruit:pear}");
    std::array<larder_record, 2> records = {record(tag, 0, 0), record(root, 0, 0)};
    shelf.call = shelf.store.call();
    const auto commands = [&] {
        const std::string info = shelf.redis.ask({"INFO", "commandstats"});
        return info.substr(info.find("cmdstat_mget:calls="), 20);
    };
    REQUIRE(shelf.store.shared().read(shelf.store.self(), items.data(), 2, records.data(), 2,
                                      &shelf.call) == LARDER_OK);
    CHECK(commands() == "cmdstat_mget:calls=2");
    plugin::Value value(&items[0].value);
    CHECK(items[0].status == LARDER_OK);
    CHECK(value.text() == "red");
    CHECK(items[1].status == LARDER_MISS);
    CHECK(records[0].status == LARDER_OK);
    CHECK(records[0].drop == 11);
    CHECK(records[0].expire == 12);
    CHECK(records[0].expired_at_ms == 13);
    CHECK(records[1].status == LARDER_MISS);
}

TEST_CASE("a record is 24 bytes little endian under its key") {
    NEED_REDIS();
    Shelf shelf;
    larder_record made = record(tag, 0x0102030405060708, 2, 3);
    REQUIRE(shelf.make(&made, 1) == LARDER_OK);
    const std::string stored = shelf.redis.ask({"GET", tag});
    CHECK(stored == store_redis::record_bytes(made));
    CHECK(stored.substr(0, 8) == "\x08\x07\x06\x05\x04\x03\x02\x01");
}

TEST_CASE("make leaves what is there, answers it, and makes it live at least as long") {
    NEED_REDIS();
    Shelf shelf;
    larder_record first = record(tag, 1, 2, 3), second = record(tag, 4, 5, 6);
    REQUIRE(shelf.make(&first, 1, 10'000) == LARDER_OK);
    REQUIRE(shelf.make(&second, 1, 50'000) == LARDER_OK);
    CHECK(second.status == LARDER_OK);
    CHECK(second.drop == 1);
    CHECK(second.expire == 2);
    CHECK(second.expired_at_ms == 3);
    CHECK(std::stoi(shelf.redis.ask({"PTTL", tag})) > 10'000);
    REQUIRE(shelf.make(&second, 1, 1'000) == LARDER_OK);
    CHECK(std::stoi(shelf.redis.ask({"PTTL", tag})) > 10'000);
}

TEST_CASE("what stands in a record's place and is none counts as missing, and is replaced") {
    NEED_REDIS();
    Shelf shelf;
    shelf.redis.ask({"SET", tag, "nonsense"});
    larder_record r = record(tag, 1, 2);
    shelf.call = shelf.store.call();
    REQUIRE(shelf.store.shared().read(shelf.store.self(), nullptr, 0, &r, 1, &shelf.call) ==
            LARDER_OK);
    CHECK(r.status == LARDER_MISS);
    REQUIRE(shelf.make(&r, 1) == LARDER_OK);
    CHECK(shelf.redis.ask({"GET", tag}) == store_redis::record_bytes(r));
}

TEST_CASE("change overwrites records that are there and makes none") {
    NEED_REDIS();
    Shelf shelf;
    larder_record made = record(tag, 1, 2);
    REQUIRE(shelf.make(&made, 1) == LARDER_OK);
    std::array<larder_record, 2> records = {record(tag, 7, 8, 9), record(root, 7, 8)};
    REQUIRE(shelf.change(records.data(), 2, nullptr, 0) == LARDER_OK);
    CHECK(records[0].status == LARDER_OK);
    CHECK(records[1].status == LARDER_MISS);
    CHECK(shelf.redis.ask({"GET", tag}) == store_redis::record_bytes(record(tag, 7, 8, 9)));
    CHECK(shelf.redis.ask({"EXISTS", root}) == "0");
}

TEST_CASE("an expire of a record takes no drop back") {
    NEED_REDIS();
    Shelf shelf;
    larder_record made = record(tag, 1, 2, 0);
    REQUIRE(shelf.make(&made, 1) == LARDER_OK);
    larder_record dropped = record(tag, 100, 101, 0);
    REQUIRE(shelf.change(&dropped, 1, nullptr, 0) == LARDER_OK);
    std::array<larder_record, 2> expired = {record(tag, 0, 55, 66), record(root, 0, 55, 66)};
    REQUIRE(shelf.change(expired.data(), 2, nullptr, 0) == LARDER_OK);
    CHECK(expired[0].status == LARDER_OK);
    CHECK(expired[1].status == LARDER_MISS);
    CHECK(shelf.redis.ask({"GET", tag}) == store_redis::record_bytes(record(tag, 100, 55, 66)));
}

TEST_CASE("change removes keys and their leases, the leases first") {
    NEED_REDIS();
    Shelf shelf;
    shelf.store.put(apple, "red");
    shelf.redis.ask({"SET", apple_lease, "somebody"});
    larder_record made = record(tag, 1, 2);
    REQUIRE(shelf.make(&made, 1) == LARDER_OK);
    const larder_key key = StoreRig::key(apple);
    larder_record changed = record(tag, 3, 4);
    REQUIRE(shelf.change(&changed, 1, &key, 1) == LARDER_OK);
    CHECK(shelf.redis.ask({"EXISTS", apple}) == "0");
    CHECK(shelf.redis.ask({"EXISTS", apple_lease}) == "0");
}

TEST_CASE("a change that replicas must have fails where there are none, and did change") {
    NEED_REDIS();
    Shelf shelf;
    larder_record made = record(tag, 1, 2), changed = record(tag, 3, 4);
    REQUIRE(shelf.make(&made, 1) == LARDER_OK);
    shelf.call = shelf.store.call(std::chrono::milliseconds(1000));
    CHECK(shelf.store.shared().change(shelf.store.self(), &changed, 1, 60'000, nullptr, 0, 1,
                                      &shelf.call) == LARDER_E_TIMEOUT);
    CHECK(shelf.redis.ask({"GET", tag}) == store_redis::record_bytes(changed));
    // Nobody else had to wait for it: its connection was one of its own, and goes on.
    CHECK(shelf.store.host().metric("discarded_total") == 0);
}

TEST_CASE("a lease is one loader's, who may ask again; the rest hear that it is taken") {
    NEED_REDIS();
    Shelf shelf;
    CHECK(shelf.lease(0xabc) == LARDER_OK);
    CHECK(shelf.lease(0xdef) == LARDER_EXISTS);
    CHECK(shelf.lease(0xabc) == LARDER_OK);
    CHECK(shelf.redis.ask({"GET", apple_lease}) == "abc");
    CHECK(std::stoi(shelf.redis.ask({"PTTL", apple_lease})) > 50'000);
}

TEST_CASE("a lease that is given back is free at once, and nobody gives back another's") {
    NEED_REDIS();
    Shelf shelf;
    REQUIRE(shelf.lease(5) == LARDER_OK);
    CHECK(shelf.lease(6, 0) == LARDER_OK);
    CHECK(shelf.lease(6) == LARDER_EXISTS);
    CHECK(shelf.lease(5, 0) == LARDER_OK);
    CHECK(shelf.redis.ask({"EXISTS", apple_lease}) == "0");
    CHECK(shelf.lease(6) == LARDER_OK);
}

TEST_CASE("a fill under the lease puts the value and ends the lease") {
    NEED_REDIS();
    Shelf shelf;
    REQUIRE(shelf.lease(5) == LARDER_OK);
    CHECK(shelf.fill(6, "stolen") == LARDER_E_CONFLICT);
    CHECK(shelf.fill(5, "mine") == LARDER_OK);
    CHECK(shelf.redis.ask({"GET", apple}) == "mine");
    CHECK(std::stoi(shelf.redis.ask({"PTTL", apple})) <= 30'000);
    CHECK(shelf.fill(5, "twice") == LARDER_E_CONFLICT);
    CHECK(shelf.redis.ask({"GET", apple}) == "mine");
}

TEST_CASE("H1: a value read before an invalidation fills nothing afterwards") {
    NEED_REDIS();
    Shelf shelf;
    REQUIRE(shelf.lease(5) == LARDER_OK);
    const larder_key key = StoreRig::key(apple);
    REQUIRE(shelf.change(nullptr, 0, &key, 1) == LARDER_OK);
    CHECK(shelf.fill(5, "from before") == LARDER_E_CONFLICT);
    CHECK(shelf.store.get(apple) == LARDER_MISS);
    REQUIRE(shelf.lease(7) == LARDER_OK);
    REQUIRE(shelf.store.put(apple, "newer") == LARDER_OK);
    CHECK(shelf.fill(7, "from before") == LARDER_E_CONFLICT);
    CHECK(shelf.redis.ask({"GET", apple}) == "newer");
}

TEST_CASE("records survive that scripts are forgotten in the middle") {
    NEED_REDIS();
    Shelf shelf;
    std::array<larder_record, 3> records = {record(tag, 1, 2), record(root, 3, 4),
                                            record(tag, 5, 6)};
    shelf.redis.ask({"SCRIPT", "FLUSH"});
    REQUIRE(shelf.make(records.data(), 3) == LARDER_OK);
    CHECK(records[2].drop == 1);
    shelf.redis.ask({"SCRIPT", "FLUSH"});
    larder_record expired = record(tag, 0, 9, 9);
    REQUIRE(shelf.change(&expired, 1, nullptr, 0) == LARDER_OK);
    CHECK(expired.status == LARDER_OK);
    CHECK(shelf.redis.ask({"GET", tag}) == store_redis::record_bytes(record(tag, 1, 9, 9)));
}

TEST_CASE("the server's clock is known soon, and right") {
    NEED_REDIS();
    Shelf shelf;
    const auto& shared = shelf.store.shared();
    REQUIRE(shelf.store.until([&] { return shared.now_ms(shelf.store.self()) != 0; }));
    const std::string time = shelf.redis.ask({"TIME"});
    const std::uint64_t there = std::stoull(time.substr(0, 10)) * 1000 +
                                std::stoull(time.substr(11)) / 1000;
    const std::uint64_t here = shared.now_ms(shelf.store.self());
    CHECK(here + 100 >= there);
    CHECK(here <= there + 100);
    CHECK(plugin::text_of(shared.prefix(shelf.store.self())) == "larder");
    CHECK(shared.max_staleness_ms(shelf.store.self()) == 400);
}
