// tests/unit/store_redis/store_test.cpp -- larder_store_v1 on a real redis-server: what each function answers,
// and what then stands in Redis.
#include "store_rig.hpp"

#include "tests/catch.hpp"

#include <algorithm>
#include <memory>
#include <set>

using namespace larder;
using namespace larder::test;

namespace {

const std::string apple = "larder:v:{fruit:apple}", apple_lease = "larder:l:{fruit:apple}";
const std::string pear = "larder:v:{fruit:pear}";

}  // namespace

#define NEED_REDIS()                                \
    if (!RedisProcess::available()) {               \
        LARDER_SKIP("there is no redis-server here"); \
    }

TEST_CASE("what was put is got, as it is, and a key that was never put is a miss") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    const std::string bytes("\0\r\n$5 any byte\xff", 15);
    std::string got;
    REQUIRE(store.get(apple) == LARDER_MISS);
    REQUIRE(store.put(apple, bytes) == LARDER_OK);
    REQUIRE(store.get(apple, &got) == LARDER_OK);
    CHECK(got == bytes);
    CHECK(redis.ask({"GET", apple}) == bytes);
    const int left = std::stoi(redis.ask({"PTTL", apple}));
    CHECK(left > 50'000);
    CHECK(left <= 60'000);
}

TEST_CASE("empty values, values of a megabyte, and values without a ttl come back") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    const std::string large(1 << 20, 'x');
    std::string got = "before";
    REQUIRE(store.put(apple, "", 0) == LARDER_OK);
    REQUIRE(store.get(apple, &got) == LARDER_OK);
    CHECK(got.empty());
    CHECK(redis.ask({"PTTL", apple}) == "-1");
    REQUIRE(store.put(apple, large) == LARDER_OK);
    REQUIRE(store.get(apple, &got) == LARDER_OK);
    CHECK(got == large);
}

TEST_CASE("a value longer than max_value is refused before it is sent") {
    NEED_REDIS();
    RedisProcess redis;
    FakeConfig config = StoreRig::on(redis.port());
    config.set("max_value", 1000).set("max_reply", 10'000);
    StoreRig store(config);
    CHECK(store.put(apple, std::string(1001, 'x')) == LARDER_E_TOO_LARGE);
    CHECK(store.put(apple, std::string(1000, 'x')) == LARDER_OK);
    CHECK(store.get(apple) == LARDER_OK);
}

TEST_CASE("put if absent does not overwrite") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    REQUIRE(store.put(apple, "first", 60'000, LARDER_PUT_IF_ABSENT) == LARDER_OK);
    REQUIRE(store.put(apple, "second", 60'000, LARDER_PUT_IF_ABSENT) == LARDER_EXISTS);
    CHECK(redis.ask({"GET", apple}) == "first");
}

TEST_CASE("put if version overwrites that version and no other") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    REQUIRE(store.put(apple, envelope(7, "seven")) == LARDER_OK);
    CHECK(store.put(apple, envelope(9, "nine"), 60'000, LARDER_PUT_IF_VERSION, 8) ==
          LARDER_E_CONFLICT);
    CHECK(store.put(apple, envelope(9, "nine"), 60'000, LARDER_PUT_IF_VERSION, 0) ==
          LARDER_E_CONFLICT);
    CHECK(redis.ask({"GET", apple}) == envelope(7, "seven"));
    CHECK(store.put(apple, envelope(9, "nine"), 60'000, LARDER_PUT_IF_VERSION, 7) == LARDER_OK);
    CHECK(redis.ask({"GET", apple}) == envelope(9, "nine"));
    CHECK(store.put(pear, envelope(1, "new"), 60'000, LARDER_PUT_IF_VERSION, 0) == LARDER_OK);
    CHECK(store.put("larder:v:{fruit:plum}", envelope(1, ""), 60'000, LARDER_PUT_IF_VERSION, 3) ==
          LARDER_E_CONFLICT);
}

TEST_CASE("put that keeps the ttl keeps the deadline of what it replaces") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    REQUIRE(store.put(apple, "a", 10'000) == LARDER_OK);
    REQUIRE(store.put(apple, "b", 60'000, LARDER_PUT_KEEP_TTL) == LARDER_OK);
    CHECK(redis.ask({"GET", apple}) == "b");
    CHECK(std::stoi(redis.ask({"PTTL", apple})) <= 10'000);
    REQUIRE(store.put(pear, "c", 60'000, LARDER_PUT_KEEP_TTL) == LARDER_OK);
    CHECK(std::stoi(redis.ask({"PTTL", pear})) > 10'000);
}

TEST_CASE("every way to put or remove a value takes its lease away") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    const auto lease = [&] { redis.ask({"SET", apple_lease, "somebody"}); };
    lease();
    REQUIRE(store.put(apple, envelope(1, "a")) == LARDER_OK);
    CHECK(redis.ask({"EXISTS", apple_lease}) == "0");
    lease();
    REQUIRE(store.put(apple, envelope(2, "a"), 60'000, LARDER_PUT_IF_VERSION, 1) == LARDER_OK);
    CHECK(redis.ask({"EXISTS", apple_lease}) == "0");
    lease();
    REQUIRE(store.remove(apple, 2) == LARDER_OK);
    CHECK(redis.ask({"EXISTS", apple_lease}) == "0");
    lease();
    REQUIRE(store.remove(apple) == LARDER_MISS);
    CHECK(redis.ask({"EXISTS", apple_lease}) == "0");
    lease();
    const larder_key keys[] = {StoreRig::key(apple), StoreRig::key(pear)};
    const larder_call call = store.call();
    REQUIRE(store.store().remove_many(store.self(), keys, 2, &call) == LARDER_OK);
    CHECK(redis.ask({"EXISTS", apple_lease}) == "0");
}

TEST_CASE("remove says whether something was there, and spares another version") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    CHECK(store.remove(apple) == LARDER_MISS);
    store.put(apple, envelope(7, ""));
    CHECK(store.remove(apple, 8) == LARDER_E_CONFLICT);
    CHECK(redis.ask({"EXISTS", apple}) == "1");
    CHECK(store.remove(apple, 7) == LARDER_OK);
    CHECK(store.remove(apple, 7) == LARDER_MISS);
    store.put(apple, "x");
    CHECK(store.remove(apple) == LARDER_OK);
}

TEST_CASE("touch patches in place, sets the time left, and spares another version") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    store.put(apple, envelope(7, "abcdef"), 5'000);
    const larder_key key = StoreRig::key(apple);
    const auto touch = [&](std::uint32_t offset, std::string_view patch, std::uint64_t ttl_ms,
                           std::uint64_t if_version) {
        larder_touch t{};
        t.struct_size = sizeof t;
        t.patch_offset = offset;
        t.patch = plugin::bytes_of(patch);
        t.ttl_ms = ttl_ms;
        t.if_version = if_version;
        const larder_call call = store.call();
        return store.store().touch(store.self(), &key, &t, &call);
    };
    CHECK(touch(65, "XY", 50'000, 7) == LARDER_OK);
    CHECK(redis.ask({"GET", apple}) == envelope(7, "aXYdef"));
    CHECK(std::stoi(redis.ask({"PTTL", apple})) > 5'000);
    CHECK(touch(65, "Z", 50'000, 8) == LARDER_E_CONFLICT);
    CHECK(touch(69, "ZZ", 50'000, 0) == LARDER_E_INVALID);
    CHECK(touch(0, "", 0, 0) == LARDER_OK);
    CHECK(redis.ask({"PTTL", apple}) == "-1");
    CHECK(redis.ask({"GET", apple}) == envelope(7, "aXYdef"));
    redis.ask({"DEL", apple});
    CHECK(touch(0, "", 1000, 0) == LARDER_MISS);
}

TEST_CASE("a batch answers each key for itself") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    std::vector<std::string> names;
    std::vector<larder_get_item> items;
    for (int i = 0; i < 1300; ++i) {
        names.push_back("larder:v:{n:" + std::to_string(i) + "}");
    }
    for (int i = 0; i < 1300; ++i) {
        if (i % 3 == 0) {
            store.put(names[static_cast<std::size_t>(i)], "value " + std::to_string(i));
        }
        larder_get_item item{};
        item.key = StoreRig::key(names[static_cast<std::size_t>(i)]);
        items.push_back(item);
    }
    const larder_call call = store.call();
    REQUIRE(store.store().get_many(store.self(), items.data(), items.size(), &call) == LARDER_OK);
    for (std::size_t i = 0; i < items.size(); ++i) {
        plugin::Value value(&items[i].value);
        REQUIRE(items[i].status == (i % 3 == 0 ? LARDER_OK : LARDER_MISS));
        REQUIRE(value.text() == (i % 3 == 0 ? "value " + std::to_string(i) : ""));
    }
}

TEST_CASE("asked whether it is there, a key is not fetched") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    store.put(apple, "x");
    larder_call call = store.call();
    call.flags = LARDER_CALL_NO_VALUE;
    larder_value untouched{};
    const larder_key there = StoreRig::key(apple), missing = StoreRig::key(pear);
    CHECK(store.store().get(store.self(), &there, &call, &untouched) == LARDER_OK);
    CHECK(untouched.data == nullptr);
    CHECK(store.store().get(store.self(), &missing, &call, &untouched) == LARDER_MISS);
}

TEST_CASE("a key that holds a list is damage, and the next caller is served") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    redis.ask({"RPUSH", apple, "1"});
    store.put(pear, "x");
    CHECK(store.get(apple) == LARDER_E_CORRUPT);
    CHECK(store.get(pear) == LARDER_OK);
    CHECK(store.host().metric("discarded_total") == 0);
}

TEST_CASE("a call with done is answered from another thread, with the value") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    store.put(apple, "red");
    Later there, missing;
    larder_value unused{};
    larder_key key = StoreRig::key(apple);
    const larder_call first = there.call(), second = missing.call();
    REQUIRE(store.store().get(store.self(), &key, &first, &unused) == LARDER_PENDING);
    key = StoreRig::key(pear);
    REQUIRE(store.store().get(store.self(), &key, &second, &unused) == LARDER_PENDING);
    CHECK(there.wait() == LARDER_OK);
    CHECK(there.value.text() == "red");
    CHECK(missing.wait() == LARDER_MISS);
}

TEST_CASE("a thousand operations at once each get their own answer") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    constexpr std::size_t n = 1000;
    std::vector<std::string> names;
    std::vector<std::unique_ptr<Later>> all;
    for (std::size_t i = 0; i < n; ++i) {
        names.push_back("larder:v:{n:" + std::to_string(i) + "}");
        all.push_back(std::make_unique<Later>());
        const larder_key key = StoreRig::key(names.back());
        const std::string value = "v" + std::to_string(i);
        larder_put put{};
        put.struct_size = sizeof put;
        put.value = plugin::bytes_of(value);
        const larder_call call = all.back()->call();
        REQUIRE(store.store().put(store.self(), &key, &put, &call) == LARDER_PENDING);
    }
    for (const auto& one : all) {
        REQUIRE(one->wait() == LARDER_OK);
    }
    for (std::size_t i = 0; i < n; ++i) {
        all[i] = std::make_unique<Later>();
        const larder_key key = StoreRig::key(names[i]);
        const larder_call call = all[i]->call();
        larder_value unused{};
        REQUIRE(store.store().get(store.self(), &key, &call, &unused) == LARDER_PENDING);
    }
    for (std::size_t i = 0; i < n; ++i) {
        REQUIRE(all[i]->wait() == LARDER_OK);
        REQUIRE(all[i]->value.text() == "v" + std::to_string(i));
    }
}

TEST_CASE("scripts that the server has forgotten are sent again, and the caller sees nothing of it") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    store.put(apple, envelope(7, ""));
    redis.ask({"SCRIPT", "FLUSH"});
    CHECK(store.put(apple, envelope(8, ""), 60'000, LARDER_PUT_IF_VERSION, 7) == LARDER_OK);
    CHECK(redis.ask({"GET", apple}) == envelope(8, ""));
}

TEST_CASE("a scan shows every value once it is through, and no records or leases") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    std::set<std::string> put, seen;
    for (int i = 0; i < 500; ++i) {
        const std::string name = "larder:v:{n:" + std::to_string(i) + "}";
        store.put(name, "12345");
        put.insert(name);
    }
    redis.ask({"SET", "larder:g:0123456789abcdef", "x"});
    redis.ask({"SET", "larder:l:{n:1}", "x"});
    redis.ask({"SET", "other:v:{n:1}", "x"});
    larder_scan scan{};
    scan.struct_size = sizeof scan;
    scan.ns = UINT32_MAX;
    scan.ctx = &seen;
    scan.on_key = [](void* ctx, const larder_key* key, std::uint64_t size,
                     std::int64_t ttl_ms) noexcept -> std::int32_t {
        if (size == 5 && ttl_ms > 0) {
            static_cast<std::set<std::string>*>(ctx)->emplace(key->data, key->size);
        }
        return 0;
    };
    int calls = 0;
    do {
        const larder_call call = store.call();
        REQUIRE(store.store().scan(store.self(), &scan, &call) == LARDER_OK);
        REQUIRE(++calls < 100);
    } while (scan.cursor != 0);
    CHECK(seen == put);
    CHECK(calls > 1);
}

TEST_CASE("clearing the store removes what is under its prefix and nothing else; one namespace it cannot") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    for (int i = 0; i < 3000; ++i) {
        Later later;
        store.put("larder:v:{n:" + std::to_string(i) + "}", "x");
    }
    redis.ask({"SET", "other", "stays"});
    const larder_call call = store.call();
    CHECK(store.store().clear_ns(store.self(), 3, &call) == LARDER_E_UNSUPPORTED);
    REQUIRE(store.store().clear_ns(store.self(), UINT32_MAX, &call) == LARDER_OK);
    CHECK(redis.ask({"KEYS", "larder:v:*"}).empty());
    CHECK(redis.ask({"GET", "other"}) == "stays");
    Later later;
    const larder_call again = later.call();
    REQUIRE(store.store().clear_ns(store.self(), UINT32_MAX, &again) == LARDER_PENDING);
    CHECK(later.wait() == LARDER_OK);
}

TEST_CASE("hits and misses are counted") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    store.put(apple, "x");
    store.get(apple);
    store.get(apple);
    store.get(pear);
    larder_store_stats stats{};
    stats.struct_size = sizeof stats;
    REQUIRE(store.store().stats(store.self(), UINT32_MAX, &stats) == LARDER_OK);
    CHECK(stats.hits == 2);
    CHECK(stats.misses == 1);
}

TEST_CASE("a store that was stopped answers closed, and ends what was under way first") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    store.put(apple, "x");
    redis.freeze();
    Later later;
    const larder_call call = later.call();
    const larder_key key = StoreRig::key(apple);
    larder_value unused{};
    REQUIRE(store.store().get(store.self(), &key, &call, &unused) == LARDER_PENDING);
    store.stop();
    CHECK(later.ended());
    CHECK(later.wait() == LARDER_E_CANCELLED);
    CHECK(store.get(apple) == LARDER_E_CLOSED);
    redis.thaw();
}
