// tests/unit/store_lmdb/store_test.cpp -- what store.h asks of a store, and what outlives the process.
#include "lmdb_rig.hpp"

#include "tests/catch.hpp"

#include <algorithm>

using namespace larder;
using namespace larder::test;

namespace {

const std::string apple = "larder:v:{fruit:apple}", pear = "larder:v:{fruit:pear}";

larder_status touch(LmdbRig& store, std::string_view name, std::uint64_t ttl_ms, std::string_view patch = {},
                    std::uint32_t offset = 0, std::uint64_t if_version = 0) {
    const larder_key key = LmdbRig::key(name);
    const larder_call call = LmdbRig::call();
    larder_touch touch{};
    touch.struct_size = sizeof touch;
    touch.patch_offset = offset;
    touch.ttl_ms = ttl_ms;
    touch.if_version = if_version;
    touch.patch = plugin::bytes_of(patch);
    return store.store().touch(store.self(), &key, &touch, &call);
}

}  // namespace

TEST_CASE("what was put is got, byte by byte, and a key that was never put is a miss") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    const std::string bytes("\0\r\n$5 any byte\xff", 15);
    std::string got;
    CHECK(store.get(apple) == LARDER_MISS);
    REQUIRE(store.put(apple, bytes) == LARDER_OK);
    REQUIRE(store.get(apple, &got) == LARDER_OK);
    CHECK(got == bytes);
    REQUIRE(store.put(apple, "") == LARDER_OK);
    CHECK(store.value(apple).empty());
}

TEST_CASE("values of any size up to an eighth of the capacity come back, a larger one is refused and the old one stays") {
    const TemporaryFolder folder;
    FakeConfig config;
    config.set("capacity", 16 << 20);
    LmdbRig store(folder.file("l2"), config);
    for (const std::size_t size : {1, 1999, 2001, 4056, 4096, 100'000, 2 << 20}) {
        const std::string value(size, static_cast<char>('a' + size % 26));
        REQUIRE(store.put(apple, value) == LARDER_OK);
        CHECK(store.value(apple) == value);
    }
    CHECK(store.put(apple, std::string((2 << 20) + 1, 'x')) == LARDER_E_TOO_LARGE);
    CHECK(store.value(apple).size() == 2 << 20);
}

TEST_CASE("what was put is there when the store is opened again, and lives no longer than it was given") {
    const TemporaryFolder folder;
    {
        LmdbRig store(folder.file("l2"));
        store.put(apple, "red", 60'000);
        store.put(pear, "green", 0);
    }
    {
        LmdbRig store(folder.file("l2"));
        CHECK(store.value(apple) == "red");
        store.host().advance_clock_only(std::chrono::milliseconds(59'999));
        CHECK(store.value(apple) == "red");
        store.host().advance_clock_only(std::chrono::milliseconds(1));
        CHECK(store.value(apple) == "-");
        CHECK(store.value(pear) == "green");
    }
}

TEST_CASE("an entry past its ttl is a miss at once, and the sweep takes it out of the file") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red", 500);
    store.put(pear, "green", 0);
    store.host().advance_clock_only(std::chrono::milliseconds(500));
    CHECK(store.get(apple) == LARDER_MISS);
    CHECK(store.stats().entries == 2);
    CHECK(store.keys() == std::vector{pear});
    CHECK(store.keys(LARDER_SCAN_LAPSED).size() == 2);
    store.pass(std::chrono::seconds(3));
    CHECK(store.stats().entries == 1);
    CHECK(store.stats().expirations == 1);
    CHECK(store.value(pear) == "green");
}

TEST_CASE("the sweep comes through more entries than one step looks at") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    for (int i = 0; i < 10'000; ++i) {
        store.put("larder:v:{n:" + std::to_string(i) + "}", "x", i % 2 == 0 ? 1000 : 0);
    }
    store.pass(std::chrono::seconds(6));
    CHECK(store.stats().entries == 5000);
    CHECK(store.stats().expirations == 5000);
}

TEST_CASE("put if absent does not overwrite, but what is past its ttl is absent") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    CHECK(store.put(apple, "red", 1000, LARDER_PUT_IF_ABSENT) == LARDER_OK);
    CHECK(store.put(apple, "green", 1000, LARDER_PUT_IF_ABSENT) == LARDER_EXISTS);
    CHECK(store.value(apple) == "red");
    store.host().advance_clock_only(std::chrono::seconds(1));
    CHECK(store.put(apple, "green", 1000, LARDER_PUT_IF_ABSENT) == LARDER_OK);
    CHECK(store.value(apple) == "green");
}

TEST_CASE("put if version overwrites that version and no other, and 0 means absent") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    CHECK(store.put(apple, "red", 0, LARDER_PUT_IF_VERSION, 7, 8) == LARDER_E_CONFLICT);
    CHECK(store.put(apple, "red", 0, LARDER_PUT_IF_VERSION, 0, 7) == LARDER_OK);
    CHECK(store.put(apple, "green", 0, LARDER_PUT_IF_VERSION, 0, 8) == LARDER_E_CONFLICT);
    CHECK(store.put(apple, "green", 0, LARDER_PUT_IF_VERSION, 7, 8) == LARDER_OK);
    CHECK(store.value(apple) == "green");
}

TEST_CASE("put that keeps the ttl keeps the deadline of what it replaces") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red", 1000);
    store.put(apple, "green", 0, LARDER_PUT_KEEP_TTL);
    store.host().advance_clock_only(std::chrono::milliseconds(999));
    CHECK(store.value(apple) == "green");
    store.host().advance_clock_only(std::chrono::milliseconds(1));
    CHECK(store.value(apple) == "-");
}

TEST_CASE("remove says whether something was there, and spares another version") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    CHECK(store.remove(apple) == LARDER_MISS);
    store.put(apple, "red", 0, 0, 0, 7);
    CHECK(store.remove(apple, 8) == LARDER_E_CONFLICT);
    CHECK(store.value(apple) == "red");
    CHECK(store.remove(apple, 7) == LARDER_OK);
    CHECK(store.value(apple) == "-");
}

TEST_CASE("touch patches in place, sets the time left, and spares another version") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    CHECK(touch(store, apple, 1000) == LARDER_MISS);
    store.put(apple, "abcdef", 1000, 0, 0, 7);
    CHECK(touch(store, apple, 5000, "XY", 2, 8) == LARDER_E_CONFLICT);
    CHECK(touch(store, apple, 5000, "XYZ", 4, 7) == LARDER_E_INVALID);
    REQUIRE(touch(store, apple, 5000, "XY", 2, 7) == LARDER_OK);
    store.host().advance_clock_only(std::chrono::milliseconds(4999));
    CHECK(store.value(apple) == "abXYef");
    REQUIRE(touch(store, apple, 0) == LARDER_OK);
    store.pass(std::chrono::seconds(10));
    CHECK(store.value(apple) == "abXYef");
}

TEST_CASE("a batch answers each key for itself") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red");
    larder_get_item items[2]{};
    items[0].key = LmdbRig::key(apple);
    items[1].key = LmdbRig::key(pear);
    const larder_call call = LmdbRig::call();
    REQUIRE(store.store().get_many(store.self(), items, 2, &call) == LARDER_OK);
    CHECK(items[0].status == LARDER_OK);
    CHECK(items[1].status == LARDER_MISS);
    const plugin::Value red(&items[0].value);
    CHECK(red.text() == "red");
    store.put(pear, "green");
    const larder_key both[] = {LmdbRig::key(apple), LmdbRig::key(pear)};
    REQUIRE(store.store().remove_many(store.self(), both, 2, &call) == LARDER_OK);
    CHECK(store.stats().entries == 0);
}

TEST_CASE("a visit shows the bytes in place, once, and of a miss nothing") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red");
    std::string seen;
    const larder_call call = LmdbRig::call();
    const auto visit = [&](const std::string& name) {
        const larder_key key = LmdbRig::key(name);
        return store.store().visit(store.self(), &key, &call,
                                   [](void* ctx, larder_bytes bytes) noexcept { *static_cast<std::string*>(ctx) += plugin::text_of(bytes); }, &seen);
    };
    CHECK(visit(apple) == LARDER_OK);
    CHECK(visit(pear) == LARDER_MISS);
    CHECK(seen == "red");
}

TEST_CASE("a value that somebody holds stays as it is when it is overwritten, removed and the store stopped") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red");
    plugin::Value held;
    const larder_key key = LmdbRig::key(apple);
    const larder_call call = LmdbRig::call();
    REQUIRE(store.store().get(store.self(), &key, &call, held.out()) == LARDER_OK);
    store.put(apple, "green");
    store.remove(apple);
    store.stop();
    CHECK(held.text() == "red");
}

TEST_CASE("asked whether it is there, a key is not copied") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red");
    std::string got = "untouched";
    const larder_key key = LmdbRig::key(apple);
    larder_call call = LmdbRig::call();
    call.flags = LARDER_CALL_NO_VALUE;
    larder_value out{"untouched", 9, nullptr, nullptr};
    CHECK(store.store().get(store.self(), &key, &call, &out) == LARDER_OK);
    CHECK(out.release == nullptr);
    CHECK(out.size == 9);
}

TEST_CASE("a call with done is answered later, from another thread") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    Later later;
    const larder_call call = later.call();
    const larder_key key = LmdbRig::key(apple);
    larder_put put{};
    put.struct_size = sizeof put;
    std::string value = "red";
    put.value = plugin::bytes_of(value);
    put.version = 1;
    REQUIRE(store.store().put(store.self(), &key, &put, &call) == LARDER_PENDING);
    value = "gone";
    CHECK(later.wait() == LARDER_OK);
    CHECK(store.value(apple) == "red");
}

TEST_CASE("a scan shows every value once it is through, whatever the step, and no records") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    std::vector<std::string> all;
    for (int i = 0; i < 250; ++i) {
        all.push_back("larder:v:{n:" + std::to_string(1000 + i) + "}");
        store.put(all.back(), "x");
    }
    larder_record record = record_of("larder:g:00000000000000aa", 1, 2);
    store.make(record);
    for (const std::uint32_t step : {0U, 1U, 7U, 1000U}) {
        std::vector<std::string> seen = store.keys(0, step);
        std::sort(seen.begin(), seen.end());
        CHECK(seen == all);
    }
}

TEST_CASE("an entry that is overwritten during a scan is seen all the same") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red");
    store.put(pear, "green");
    std::vector<std::string> seen;
    larder_scan scan{};
    scan.struct_size = sizeof scan;
    scan.ns = UINT32_MAX;
    scan.count = 1;
    scan.ctx = &seen;
    scan.on_key = [](void* ctx, const larder_key* key, std::uint64_t, std::int64_t) noexcept -> std::int32_t {
        static_cast<std::vector<std::string>*>(ctx)->emplace_back(key->data, key->size);
        return 0;
    };
    const larder_call call = LmdbRig::call();
    do {
        REQUIRE(store.store().scan(store.self(), &scan, &call) == LARDER_OK);
        CHECK(scan.cursor < std::uint64_t{1} << 48);
        store.put(apple, "redder");
        store.put(pear, "greener");
    } while (scan.cursor != 0);
    CHECK(seen == std::vector{apple, pear});
}

TEST_CASE("clearing the store removes all entries and no record") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    const std::string tag = "larder:g:00000000000000aa";
    larder_record record = record_of(tag, 1, 2);
    store.make(record);
    for (int i = 0; i < 5000; ++i) {
        store.put("larder:v:{n:" + std::to_string(i) + "}", "x");
    }
    const larder_call call = LmdbRig::call();
    REQUIRE(store.store().clear_ns(store.self(), UINT32_MAX, &call) == LARDER_OK);
    CHECK(store.stats().entries == 0);
    CHECK(store.keys(LARDER_SCAN_LAPSED).empty());
    CHECK(store.record(tag).status == LARDER_OK);
    CHECK(store.put(apple, "red") == LARDER_OK);
    CHECK(store.value(apple) == "red");
}

TEST_CASE("clearing one namespace removes its entries and those of no other") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    larder_cache_api cache{};
    cache.struct_size = sizeof cache;
    cache.ns_name = [](const larder_host*, std::uint32_t ns, larder_bytes* name) noexcept -> larder_status {
        *name = plugin::bytes_of("fruit");
        return ns == 5 ? LARDER_OK : LARDER_MISS;
    };
    store.host().set_service(LARDER_SVC_CACHE, &cache);
    for (int i = 0; i < 5000; ++i) {
        store.put("larder:v:{fruit:" + std::to_string(i) + "}", "x");
    }
    store.put("larder:v:{fruits:1}", "other");
    const larder_call call = LmdbRig::call();
    REQUIRE(store.store().clear_ns(store.self(), 5, &call) == LARDER_OK);
    CHECK(store.keys() == std::vector<std::string>{"larder:v:{fruits:1}"});
    CHECK(store.store().clear_ns(store.self(), 6, &call) == LARDER_E_UNSUPPORTED);
}

TEST_CASE("hits, misses, entries and bytes are counted, and bytes grow with what is kept") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red");
    store.get(apple);
    store.get(pear);
    const larder_store_stats small = store.stats();
    CHECK(small.hits == 1);
    CHECK(small.misses == 1);
    CHECK(small.entries == 1);
    CHECK(small.capacity_bytes == 1U << 30);
    store.put(pear, std::string(1 << 20, 'x'));
    CHECK(store.stats().bytes >= small.bytes + (1 << 20));
    CHECK(store.stats().bytes < small.bytes + (1 << 20) + 65'536);
}

TEST_CASE("a key longer than the file takes is refused, and a miss") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    const std::string longest(480, 'k'), longer(481, 'k');
    CHECK(store.put(longest, "x") == LARDER_OK);
    CHECK(store.value(longest) == "x");
    CHECK(store.put(longer, "x") == LARDER_E_TOO_LARGE);
    CHECK(store.get(longer) == LARDER_MISS);
    CHECK(store.remove(longer) == LARDER_MISS);
    CHECK(store.put("", "x") == LARDER_E_INVALID);
}

TEST_CASE("a store that was stopped answers closed") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red");
    store.stop();
    CHECK(store.get(apple) == LARDER_E_CLOSED);
    CHECK(store.put(apple, "green") == LARDER_E_CLOSED);
    CHECK(store.health().state == LARDER_HEALTH_DOWN);
}

TEST_CASE("options that make no sense are refused in words") {
    const TemporaryFolder folder;
    FakeConfig config;
    config.set("prefix", "a:b");
    CHECK_THAT(LmdbRig(folder.file("l2"), config).refusal(), contains("prefix"));
    folder.write("a-file", "x");
    CHECK_THAT(LmdbRig(folder.file("a-file/l2")).refusal(), contains("cannot be made"));
}
