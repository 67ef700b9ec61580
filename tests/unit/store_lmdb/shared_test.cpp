// tests/unit/store_lmdb/shared_test.cpp -- records beside entries: what was dropped stays dropped, over a restart too.
#include "lmdb_rig.hpp"

#include "tests/catch.hpp"

#include <algorithm>
#include <array>

using namespace larder;
using namespace larder::test;

namespace {

const std::string apple = "larder:v:{fruit:apple}";
const std::string tag = "larder:g:00000000000000aa", root = "larder:g:00000000000000bb";

struct Sink {
    std::mutex mutex;
    std::string order;
    std::vector<std::string> keys;
    larder_sink sink{};
    Sink() {
        sink.struct_size = sizeof sink;
        sink.ctx = this;
        sink.changed = [](void* ctx, const larder_bytes* told, std::size_t n) noexcept {
            Sink& me = *static_cast<Sink*>(ctx);
            const std::lock_guard lock(me.mutex);
            for (std::size_t i = 0; i < n; ++i) {
                me.keys.emplace_back(plugin::text_of(told[i]));
            }
        };
        sink.changed_all = [](void* ctx) noexcept { static_cast<Sink*>(ctx)->add('a'); };
        sink.trust = [](void* ctx, std::int32_t yes) noexcept { static_cast<Sink*>(ctx)->add(yes != 0 ? 'y' : 'n'); };
        sink.renewed = [](void*, std::int32_t) noexcept {};
    }
    void add(char c) {
        const std::lock_guard lock(mutex);
        order += c;
    }
};

larder_status lease(LmdbRig& store, std::uint64_t token, std::uint64_t ttl_ms = 30'000) {
    const larder_key key = LmdbRig::key(apple);
    const larder_call call = LmdbRig::call();
    return store.shared().lease(store.self(), &key, token, ttl_ms, &call);
}

larder_status fill(LmdbRig& store, std::uint64_t token, std::string_view value) {
    const larder_key key = LmdbRig::key(apple);
    const larder_call call = LmdbRig::call();
    larder_put put{};
    put.struct_size = sizeof put;
    put.value = plugin::bytes_of(value);
    put.version = 1;
    return store.shared().fill(store.self(), &key, token, &put, &call);
}

}  // namespace

TEST_CASE("values and records come from one moment of the file, each with its own answer") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red");
    larder_record made = record_of(tag, 11, 12, 13);
    REQUIRE(store.make(made) == LARDER_OK);
    std::array<larder_record, 2> records{record_of(root, 0, 0), record_of(tag, 0, 0)};
    larder_get_item item{};
    item.key = LmdbRig::key(apple);
    const larder_call call = LmdbRig::call();
    REQUIRE(store.shared().read(store.self(), &item, 1, records.data(), records.size(), &call) == LARDER_OK);
    CHECK(plugin::Value(&item.value).text() == "red");
    CHECK(records[0].status == LARDER_MISS);
    CHECK(records[1].status == LARDER_OK);
    CHECK(records[1].drop == 11);
    CHECK(records[1].expire == 12);
    CHECK(records[1].expired_at_ms == 13);
}

TEST_CASE("make leaves what is there and answers it") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    larder_record first = record_of(tag, 11, 12), second = record_of(tag, 21, 22);
    REQUIRE(store.make(first) == LARDER_OK);
    REQUIRE(store.make(second) == LARDER_OK);
    CHECK(second.status == LARDER_OK);
    CHECK(second.drop == 11);
    CHECK(second.expire == 12);
    REQUIRE(store.make(second, 600'000) == LARDER_OK);
    CHECK(second.drop == 11);
}

TEST_CASE("change overwrites records that are there, makes none, and an expire takes no drop back") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    larder_record made = record_of(tag, 11, 12);
    store.make(made);
    larder_record other = record_of(root, 31, 32);
    REQUIRE(store.change(other) == LARDER_OK);
    CHECK(other.status == LARDER_MISS);
    CHECK(store.record(root).status == LARDER_MISS);
    larder_record drop = record_of(tag, 21, 22);
    REQUIRE(store.change(drop) == LARDER_OK);
    CHECK(drop.status == LARDER_OK);
    CHECK(store.record(tag).drop == 21);
    larder_record expire = record_of(tag, 0, 42, 43);
    REQUIRE(store.change(expire) == LARDER_OK);
    CHECK(store.record(tag).drop == 21);
    CHECK(store.record(tag).expire == 42);
    CHECK(store.record(tag).expired_at_ms == 43);
}

TEST_CASE("a dropped record and the keys that went with it are gone together, also when the store is opened again") {
    const TemporaryFolder folder;
    {
        LmdbRig store(folder.file("l2"));
        larder_record made = record_of(tag, 11, 12);
        store.make(made);
        store.put(apple, "red");
        larder_record drop = record_of(tag, 21, 22);
        const larder_key key = LmdbRig::key(apple);
        const larder_call call = LmdbRig::call();
        REQUIRE(store.shared().change(store.self(), &drop, 1, 60'000, &key, 1, 0, &call) == LARDER_OK);
    }
    LmdbRig store(folder.file("l2"));
    CHECK(store.value(apple) == "-");
    CHECK(store.record(tag).drop == 21);
}

TEST_CASE("a change that others must have is done, and said to be nobody else's") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    larder_record made = record_of(tag, 11, 12), drop = record_of(tag, 21, 22);
    store.make(made);
    const larder_call call = LmdbRig::call();
    CHECK(store.shared().change(store.self(), &drop, 1, 60'000, nullptr, 0, 1, &call) == LARDER_E_TIMEOUT);
    CHECK(store.record(tag).drop == 21);
}

TEST_CASE("a lease is one loader's, who may ask again; the rest hear that it is taken, until it is given back or over") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    CHECK(lease(store, 1) == LARDER_OK);
    CHECK(lease(store, 1) == LARDER_OK);
    CHECK(lease(store, 2) == LARDER_EXISTS);
    CHECK(lease(store, 2, 0) == LARDER_OK);
    CHECK(lease(store, 2) == LARDER_EXISTS);
    CHECK(lease(store, 1, 0) == LARDER_OK);
    CHECK(lease(store, 2) == LARDER_OK);
    store.host().advance_clock_only(std::chrono::seconds(30));
    CHECK(lease(store, 3) == LARDER_OK);
}

TEST_CASE("a fill under the lease puts the value and ends the lease") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    CHECK(fill(store, 1, "red") == LARDER_E_CONFLICT);
    lease(store, 1);
    CHECK(fill(store, 2, "red") == LARDER_E_CONFLICT);
    CHECK(fill(store, 1, "red") == LARDER_OK);
    CHECK(store.value(apple) == "red");
    CHECK(fill(store, 1, "green") == LARDER_E_CONFLICT);
    CHECK(store.value(apple) == "red");
}

TEST_CASE("every way to put or remove a value takes its lease away") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    const larder_key key = LmdbRig::key(apple);
    const larder_call call = LmdbRig::call();
    const auto loses = [&](auto&& by) {
        lease(store, 1);
        by();
        return fill(store, 1, "late") == LARDER_E_CONFLICT;
    };
    CHECK(loses([&] { store.put(apple, "new"); }));
    CHECK(loses([&] { store.remove(apple); }));
    CHECK(loses([&] { store.store().remove_many(store.self(), &key, 1, &call); }));
    CHECK(loses([&] { store.shared().change(store.self(), nullptr, 0, 0, &key, 1, 0, &call); }));
    CHECK(loses([&] {
        larder_touch touch{};
        touch.struct_size = sizeof touch;
        store.store().touch(store.self(), &key, &touch, &call);
    }));
}

TEST_CASE("there is trust as long as the file is open, and whoever listens is told that all may have changed first") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    Sink sink;
    REQUIRE(store.shared().listen(store.self(), &sink.sink) == LARDER_OK);
    CHECK(sink.order == "ay");
    store.shared().listen(store.self(), nullptr);
}

TEST_CASE("a record whose life is over is told, lives on where the kernel asks for it, and else goes") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    Sink sink;
    store.shared().listen(store.self(), &sink.sink);
    larder_record used = record_of(tag, 11, 12), unused = record_of(root, 21, 22);
    store.make(used, 10'000);
    store.make(unused, 10'000);
    store.pass(std::chrono::seconds(20));
    CHECK(std::count(sink.keys.begin(), sink.keys.end(), tag) == 1);
    CHECK(std::count(sink.keys.begin(), sink.keys.end(), root) == 1);
    CHECK(store.record(tag).drop == 11);
    store.settle();
    for (int i = 0; i < 61; ++i) {
        store.pass(std::chrono::seconds(60));
        store.record(tag);
        store.settle();
    }
    CHECK(store.record(tag).drop == 11);
    CHECK(store.record(root).status == LARDER_MISS);
    store.shared().listen(store.self(), nullptr);
}
