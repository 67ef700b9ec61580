// tests/unit/cache/shared_test.cpp -- several nodes above one shared store: validity, coherence, leases, failure.
//
// Names H1 to H26 are the hazards of docs/reliability.md.
#include "tests/catch.hpp"
#include "tests/support/shared_nodes.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const policy = R"(larder 1
namespace user    { key "{id}"; ttl 10m; tag "user:{id}", "users"; tiers l1 1m -> l2 }
namespace answer  { key "{id}"; ttl 10m; with owner; tag "owner:{owner}"; tiers l1 -> l2 }
namespace patient { key "{id}"; ttl 10m; stale 1h on error; tiers l1 -> l2 }
namespace only    { key "{id}"; ttl 10m; tiers l2 }
)";

struct Nodes : SharedNodes {
    explicit Nodes(std::size_t count = 2, bool immediate = true, const char* text = policy) : SharedNodes(text, count, immediate) {}
};

}  // namespace

TEST_CASE("what one node puts the others get, and from their memory from the second get on", "[shared]") {
    Nodes n;
    REQUIRE(n[0].put("user", "1", "x") == LARDER_OK);
    CHECK(n[1].get("user", "1") == "x");
    const auto asked = n.node(1).calls(StoreCall::read);
    CHECK(n[1].get("user", "1") == "x");
    CHECK(n.node(1).calls(StoreCall::read) == asked);
    CHECK(n.in_memory(1) == 1);
}

TEST_CASE("a get of what is only in the shared store is one call of it, records and all", "[shared]") {
    Nodes n;
    n[0].put("user", "1", "x");
    const auto before = n.node(1).calls();
    CHECK(n[1].get("user", "1") == "x");
    CHECK(n.node(1).calls() == before + 1);
}

TEST_CASE("a put settles in the writer's own memory at its next get, not before", "[shared]") {
    Nodes n(1);
    n[0].put("user", "1", "x");
    CHECK(n.in_memory(0) == 0);
    CHECK(n[0].get("user", "1") == "x");
    CHECK(n.in_memory(0) == 1);
}

TEST_CASE("a tag dropped on one node is dropped in the memory of the others, in one call whatever the number of entries", "[shared]") {
    Nodes n;
    for (int i = 0; i < 50; ++i) n[0].put("user", std::to_string(i), "x");
    for (int i = 0; i < 50; ++i) REQUIRE(n[1].get("user", std::to_string(i)) == "x");
    const auto changes = n.node(0).calls(StoreCall::change);
    n[0].drop_tag("users");
    CHECK(n.node(0).calls(StoreCall::change) == changes + 1);
    n.settle();
    for (int i = 0; i < 50; ++i) CHECK_FALSE(n[1].get("user", std::to_string(i)));
    for (int i = 0; i < 50; ++i) CHECK_FALSE(n[0].get("user", std::to_string(i)));
}

TEST_CASE("dropping a key, a namespace, everything and removing reach the other node", "[shared]") {
    Nodes n;
    const auto fill = [&] {
        n[0].put("user", "1", "x");
        n.settle();
        REQUIRE(n[1].get("user", "1") == "x");
        REQUIRE(n[1].get("user", "1") == "x");
    };
    SECTION("key") { fill(); n[0].drop_key("user", "1"); }
    SECTION("namespace") { fill(); n[0].drop_space("user"); }
    SECTION("everything") { fill(); n[0].change(LARDER_DROP, LARDER_TARGET_EVERYTHING, "", ""); }
    SECTION("remove") { fill(); CHECK(n[0].remove("user", "1") == LARDER_OK); }
    SECTION("overwrite") { fill(); n[0].put("user", "1", "y"); n.settle(); CHECK(n[1].get("user", "1") == "y"); n[0].remove("user", "1"); }
    n.settle();
    CHECK_FALSE(n[1].get("user", "1"));
    CHECK_FALSE(n[0].get("user", "1"));
}

TEST_CASE("H1: what was loaded before an invalidation on another node is kept in no tier", "[shared][hazard]") {
    Nodes n;
    bool by_key = GENERATE(false, true);
    const auto value = n[0].load("user", "1", [&] {
        if (by_key) n[1].remove("user", "1");
        else n[1].drop_tag("user:1");
        return Loaded{LARDER_OK, "old", 0, {}};
    });
    CHECK(value == "old");
    n.settle();
    CHECK_FALSE(n[0].get("user", "1"));
    CHECK_FALSE(n[1].get("user", "1"));
    CHECK(n[0].load("user", "1", [] { return Loaded{LARDER_OK, "new", 0, {}}; }) == "new");
    CHECK(n[1].get("user", "1") == "new");
}

TEST_CASE("H1: a GET that missed, a DEL elsewhere, a SET of what was loaded: acknowledged and not kept", "[shared][hazard]") {
    Nodes n;
    n[0].look("user", "1", LARDER_GET_FENCE, 7);
    n[1].remove("user", "1");
    TestCache::PutOptions o;
    o.flags = LARDER_SET_FENCED;
    o.client = 7;
    const auto set = n[0].set("user", "1", "old", o);
    CHECK(set.status == LARDER_OK);
    CHECK(set.kept == 0);
    CHECK_FALSE(n[1].get("user", "1"));
}

TEST_CASE("H2: a push that comes while a value is fetched keeps it out of memory", "[shared][hazard]") {
    Nodes n;
    n[0].put("user", "1", "old");
    n.settle();
    n.node(1).after = [&](StoreCall call) {
        if (call != StoreCall::read) return;
        n.node(1).after = nullptr;
        n[0].put("user", "1", "new");
    };
    CHECK(n[1].get("user", "1") == "old");
    CHECK(n.in_memory(1) == 0);
    CHECK(n[1].get("user", "1") == "new");
}

TEST_CASE("H4: when the stream is lost nothing in memory is served unasked, and it is again when it is back", "[shared][hazard]") {
    Nodes n;
    n[0].put("user", "1", "old");
    n[1].get("user", "1");
    REQUIRE(n[1].get("user", "1") == "old");
    n.node(1).trust(false);
    n.redis.immediate(false);
    n[0].put("user", "1", "new");
    n.node(1).lose_untold();
    CHECK(n[1].get("user", "1") == "new");
    CHECK(n[1].get("user", "1") == "new");
    const auto asked = n.node(1).calls(StoreCall::read);
    n[1].get("user", "1");
    CHECK(n.node(1).calls(StoreCall::read) == asked + 1);
    n.node(1).tell_all();
    n.node(1).trust(true);
    n[1].get("user", "1");
    n[1].get("user", "1");
    const auto later = n.node(1).calls(StoreCall::read);
    CHECK(n[1].get("user", "1") == "new");
    CHECK(n.node(1).calls(StoreCall::read) == later);
}

TEST_CASE("H13: an entry copied up has the time it has left in the store, and no more", "[shared][hazard]") {
    Nodes n;
    n[0].put("only", "1", "x");
    n[0].put("answer", "1", "x");
    n.executor.advance(9min);
    CHECK(n[1].get("answer", "1") == "x");
    CHECK(n[1].look("answer", "1").ttl_ms <= 60'000);
    n.executor.advance(61s);
    CHECK_FALSE(n[1].get("answer", "1"));
}

TEST_CASE("H13: nodes need no common clock", "[shared][hazard]") {
    Nodes n;
    n.node(1).clock_error_ms = 0;
    n[0].put("only", "1", "x");
    n.executor.advance(5min);
    const auto left = n[1].look("only", "1").ttl_ms;
    CHECK(left > 290'000);
    CHECK(left <= 300'000);
}

TEST_CASE("H14: a late tag that changed while its value was loaded keeps the value out", "[shared][hazard]") {
    Nodes n;
    CHECK(n[0].load("answer", "1", [&] {
        n[1].drop_tag("owner:7");
        return Loaded{LARDER_OK, "old", 0, {{"owner", "7"}}};
    }) == "old");
    n.settle();
    CHECK_FALSE(n[0].get("answer", "1"));
    CHECK_FALSE(n[1].get("answer", "1"));
    CHECK(n[0].load("answer", "1", [&] { return Loaded{LARDER_OK, "new", 0, {{"owner", "7"}}}; }) == "new");
    CHECK(n[1].get("answer", "1") == "new");
    n[1].drop_tag("owner:7");
    n.settle();
    CHECK_FALSE(n[0].get("answer", "1"));
}

TEST_CASE("H16: a record that the store lost makes its entries misses, and no old entry comes back", "[shared][hazard]") {
    Nodes n;
    n[0].put("user", "1", "x");
    REQUIRE(n[1].get("user", "1") == "x");
    n.redis.flush();
    n.settle();
    CHECK_FALSE(n[1].get("user", "1"));
    n[0].put("user", "1", "y");
    CHECK(n[1].get("user", "1") == "y");
}

TEST_CASE("H17: an invalidation that cannot be delivered holds here at once and there when the store is back", "[shared][hazard]") {
    Nodes n;
    n[0].put("user", "1", "x");
    REQUIRE(n[0].get("user", "1") == "x");
    REQUIRE(n[1].get("user", "1") == "x");
    n.node(0).fail = LARDER_E_IO;
    n[0].drop_tag("user:1");
    CHECK_FALSE(n[0].get("user", "1"));
    n.node(0).fail = LARDER_OK;
    n.executor.advance(2min);
    n.settle();
    CHECK_FALSE(n[1].get("user", "1"));
    CHECK_FALSE(n[0].get("user", "1"));
}

TEST_CASE("H7: another server takes over: what was changed in the last while is changed there, too", "[shared][hazard]") {
    Nodes n;
    n[0].put("user", "1", "x");
    n[1].get("user", "1");
    const auto before = n.redis.server().data();
    n[0].drop_tag("user:1");
    n.redis.server().restore(before);  // the replica had not heard of it
    n.node(0).renew(false);
    n.node(1).renew(false);
    n.executor.advance(1s);
    n.settle();
    CHECK_FALSE(n[1].get("user", "1"));
    CHECK_FALSE(n[0].get("user", "1"));
}

TEST_CASE("H7: what is sent again takes no later change of another node back", "[shared][hazard]") {
    Nodes n;
    n[0].put("user", "1", "x");
    n[0].drop_tag("user:1");
    n[0].put("user", "1", "old");  // stamped with the numbers of that change
    n[1].drop_tag("user:1");
    n.node(0).renew(false);
    n.executor.advance(1s);
    n.settle();
    CHECK_FALSE(n[0].get("user", "1"));
    CHECK_FALSE(n[1].get("user", "1"));
}

TEST_CASE("H4: between a push and the answer to what it means nothing that it may concern is served from memory", "[shared][hazard]") {
    Nodes n(2, false);
    n[0].put("user", "1", "x");
    n.settle();
    for (int i = 0; i < 2; ++i) CHECK(n[1].get("user", "1") == "x");
    CHECK(n.in_memory(1) == 1);
    n[0].drop_tag("user:1");
    n.node(1).silent = true;  // it is told, and what it asks then is not answered
    n.redis.deliver();
    n.node(1).silent = false;
    CHECK_FALSE(n[1].get("user", "1"));
}

TEST_CASE("a restart from older data drops everything, once somebody has seen it", "[shared][hazard]") {
    Nodes n;
    n[0].put("user", "1", "x");
    n.node(1).renew(true);
    n.executor.advance(1s);
    n.settle();
    CHECK_FALSE(n[0].get("user", "1"));
}

TEST_CASE("without the store requests go on: loads are answered, and kept for a little while", "[shared]") {
    Nodes n;
    n.node(0).fail = LARDER_E_IO;
    n.node(0).trust(false);
    int loads = 0;
    const auto loader = [&] {
        ++loads;
        return Loaded{LARDER_OK, "v", 0, {}};
    };
    CHECK(n[0].load("user", "1", loader) == "v");
    CHECK(n[0].load("user", "1", loader) == "v");
    CHECK(loads == 1);
    n.executor.advance(3s + 1ms);
    CHECK(n[0].load("user", "1", loader) == "v");
    CHECK(loads == 2);
    CHECK(n[0].put("user", "2", "w") == LARDER_OK);
    CHECK(n[0].get("user", "2") == "w");
}

TEST_CASE("what is in memory when the store goes is served where the policy says stale on error", "[shared]") {
    Nodes n;
    n[0].put("patient", "1", "x");
    n[0].get("patient", "1");
    REQUIRE(n[0].get("patient", "1") == "x");
    n.node(0).fail = LARDER_E_IO;
    n.node(0).trust(false);
    std::uint32_t found = 0;
    CHECK(n[0].load("patient", "1", [] { return Loaded{LARDER_E_IO, {}, 0, {}}; }, nullptr, &found) == "x");
    CHECK((found & LARDER_FOUND_STALE) != 0);
}

TEST_CASE("somebody who writes with redis-cli is seen: the entry leaves memory, and foreign bytes are a miss", "[shared]") {
    Nodes n;
    n[0].put("user", "1", "x");
    n[0].get("user", "1");
    REQUIRE(n.in_memory(0) == 1);
    n.redis.foreign_write("larder:v:{user:1}", "not ours");
    n.settle();
    CHECK(n.in_memory(0) == 0);
    CHECK_FALSE(n[0].get("user", "1"));
    CHECK(n[0].put("user", "1", "y") == LARDER_OK);
    CHECK(n[1].get("user", "1") == "y");
}

TEST_CASE("a conditional set is judged where all nodes are: of two that set if absent one does", "[shared]") {
    Nodes n;
    TestCache::PutOptions nx;
    nx.flags = LARDER_SET_IF_ABSENT;
    CHECK(n[0].set("user", "1", "a", nx).status == LARDER_OK);
    CHECK(n[1].set("user", "1", "b", nx).status == LARDER_EXISTS);
    n[0].drop_tag("user:1");
    n.settle();
    CHECK(n[1].set("user", "1", "b", nx).status == LARDER_OK);
    CHECK(n[0].get("user", "1") == "b");
}

TEST_CASE("a batch of keys is one call of the store", "[shared]") {
    Nodes n;
    for (int i = 0; i < 100; ++i) n[0].put("only", std::to_string(i), std::to_string(i));
    const auto before = n.node(1).calls();
    std::vector<std::string> keys;
    for (int i = 0; i < 100; ++i) keys.push_back(std::to_string(i));
    std::vector<larder_cache_get> items(100);
    for (std::size_t i = 0; i < 100; ++i) {
        items[i].ns = n[1].ns("only");
        items[i].key = b(keys[i]);
    }
    CHECK(n[1].cache->get_many(items.data(), items.size(), nullptr) == LARDER_OK);
    CHECK(n.node(1).calls() == before + 1);
    for (std::size_t i = 0; i < 100; ++i) {
        CHECK(items[i].status == LARDER_OK);
        CHECK(std::string_view(static_cast<const char*>(items[i].value.data), items[i].value.size) == keys[i]);
        items[i].value.release(&items[i].value);
    }
}

TEST_CASE("a key of three hundred bytes is hashed in the store, and another with its hash is not it", "[shared]") {
    Nodes n;
    const std::string key(300, 'k');
    CHECK(n[0].put("user", key, "x") == LARDER_OK);
    CHECK(n[1].get("user", key) == "x");
    n[0].remove("user", key);
    n.settle();
    CHECK_FALSE(n[1].get("user", key));
}

TEST_CASE("one tier is emptied on its own: what others have stays valid", "[shared]") {
    Nodes n;
    n[0].put("user", "1", "x");
    n[0].get("user", "1");
    REQUIRE(n.in_memory(0) == 1);
    n[0].change(LARDER_DROP, LARDER_TARGET_TIER, "", "l1");
    CHECK(n.in_memory(0) == 0);
    CHECK(n[0].get("user", "1") == "x");
    const larder_target nothing{LARDER_TARGET_TIER, LARDER_NS_NONE, b("l9")};
    CHECK(n[0].cache->change(LARDER_DROP, &nothing, 1, nullptr, nullptr) == LARDER_MISS);
    CHECK(n[0].cache->change(LARDER_EXPIRE, &nothing, 1, nullptr, nullptr) == LARDER_E_INVALID);
}

TEST_CASE("of two nodes that load one key at once one loads and the other waits for it, where the policy says coalesce", "[shared]") {
    Nodes n(2, true, R"(larder 1
namespace slow { key "{id}"; ttl 10m; coalesce wait 5s; tiers l1 -> l2 }
)");
    std::atomic<int> loads{0};
    std::atomic<bool> begun{false};
    std::optional<std::string> other;
    std::thread second;
    CHECK(n[0].load("slow", "1", [&] {
        ++loads;
        second = std::thread([&] {
            begun = true;
            other = n[1].load("slow", "1", [&] {
                ++loads;
                return Loaded{LARDER_OK, "second", 0, {}};
            });
        });
        while (!begun || n.node(1).calls(StoreCall::lease) == 0) std::this_thread::yield();
        return Loaded{LARDER_OK, "first", 0, {}};
    }) == "first");
    second.join();
    CHECK(other == "first");
    CHECK(loads == 1);
}

TEST_CASE("a loader that fails gives its lease back: the next load is kept", "[shared]") {
    Nodes n;
    n[0].load("user", "1", [] { return Loaded{LARDER_E_IO, {}, 0, {}}; });
    CHECK(n[1].load("user", "1", [] { return Loaded{LARDER_OK, "x", 0, {}}; }) == "x");
    CHECK(n[0].get("user", "1") == "x");
}

TEST_CASE("an outbox that is full drops everything instead of forgetting one change", "[shared]") {
    Nodes n;
    n[0].put("user", "1", "x");
    n[0].put("only", "1", "x");
    n.node(0).fail = LARDER_E_IO;
    for (int i = 0; i < 10'050; ++i) n[0].remove("user", "other" + std::to_string(i));
    n.node(0).fail = LARDER_OK;
    n.executor.advance(2min);
    n.settle();
    CHECK_FALSE(n[1].get("user", "1"));
    CHECK_FALSE(n[1].get("only", "1"));
}

TEST_CASE("H23: what was removed is not served as stale, whatever the policy allows on error", "[shared][hazard]") {
    Nodes n;
    n[0].put("patient", "1", "x");
    n[1].get("patient", "1");
    n[1].get("patient", "1");
    n[0].remove("patient", "1");
    n.settle();
    larder_status status = LARDER_OK;
    CHECK_FALSE(n[1].load("patient", "1", [] { return Loaded{LARDER_E_IO, {}, 0, {}}; }, &status));
    CHECK(status == LARDER_E_IO);
}

TEST_CASE("H26: nodes with other tags for a namespace do not read each other's entries", "[shared][hazard]") {
    Nodes n;
    n[0].put("user", "1", "x");
    n[1].install(R"(larder 1
namespace user { key "{id}"; ttl 10m; tag "person:{id}"; tiers l1 -> l2 }
)");
    n.node(1).trust(true);
    CHECK_FALSE(n[1].get("user", "1"));
}

TEST_CASE("a get that is answered later calls done once, and a miss of it is fenced with a lease", "[shared]") {
    Nodes n;
    n.executor.advance(0ms);
    larder_cache_get item{};
    const std::string key = "1";
    item.ns = n[0].ns("user");
    item.key = b(key);
    std::atomic<int> done{0};
    larder_call call{};
    call.struct_size = sizeof call;
    call.flags = LARDER_GET_FENCE;
    call.client = 7;
    call.done_ctx = &done;
    call.done = [](void* ctx, larder_status, larder_value*) noexcept { ++*static_cast<std::atomic<int>*>(ctx); };
    const larder_status status = n[0].cache->get_many(&item, 1, &call);
    n.executor.advance(0ms);
    CHECK((status == LARDER_OK ? done == 0 : done == 1));
    CHECK(item.status == LARDER_MISS);
    CHECK(n.node(0).calls(StoreCall::lease) == 1);
}

TEST_CASE("a store that says so is emptied with every policy", "[shared]") {
    Nodes n(1);
    n[0].put("user", "1", "x");
    n[0].get("user", "1");
    REQUIRE(n.in_memory(0) == 1);
    n[0].install(policy);
    n.executor.advance(0ms);
    CHECK(n.in_memory(0) == 1);
    n[0].emptied_on_reload = true;
    n[0].install(policy);
    n.executor.advance(0ms);
    CHECK(n.in_memory(0) == 0);
    CHECK(n[0].get("user", "1") == "x");
}

namespace {

// Says how often the first byte comes, where all are the same.
larder_status LARDER_CALL pack(void*, larder_bytes in, void* out, std::size_t* size) noexcept {
    const auto* const text = static_cast<const char*>(in.data);
    if (in.size == 0 || *size < 5 || std::count(text, text + in.size, text[0]) != static_cast<std::ptrdiff_t>(in.size)) return LARDER_E_TOO_LARGE;
    const auto times = static_cast<std::uint32_t>(in.size);
    std::memcpy(out, &times, 4);
    static_cast<char*>(out)[4] = text[0];
    *size = 5;
    return LARDER_OK;
}
larder_status LARDER_CALL unpack(void*, larder_bytes in, void* out, std::size_t* size) noexcept {
    std::uint32_t times = 0;
    if (in.size != 5) return LARDER_E_CORRUPT;
    std::memcpy(&times, in.data, 4);
    if (*size < times) return LARDER_E_TOO_LARGE;
    std::memset(out, static_cast<const char*>(in.data)[4], times);
    *size = times;
    return LARDER_OK;
}

}  // namespace

TEST_CASE("what is compressed in the shared store is read by another node, and lies compressed in memory, too", "[shared]") {
    larder_compressor_v1 table{};
    table.struct_size = sizeof table;
    table.codec_id = 99;
    table.bound = [](void*, std::size_t raw) noexcept -> std::size_t { return raw + 8; };
    table.compress = &pack;
    table.decompress = &unpack;
    ManualClock clock;
    ManualExecutor executor(clock);
    VirtualRedis redis(clock);
    redis.immediate(true);
    std::vector<std::unique_ptr<TestCache>> nodes;
    for (std::size_t i = 0; i < 2; ++i) {
        TestCacheOptions o;
        o.clock = &clock;
        o.executor = &executor;
        o.seed = i + 1;
        o.below.push_back(redis.connect().handle("l2"));
        o.codecs.push_back({"runs", &table, nullptr, nullptr});
        nodes.push_back(std::make_unique<TestCache>("larder 1\nnamespace big { key \"{id}\"; ttl 10m; compress runs above 100B; tiers l1 -> l2 }\n", std::move(o)));
        redis.node(i).trust(true);
    }
    const std::string value(5000, 'z');
    REQUIRE(nodes[0]->put("big", "1", value) == LARDER_OK);
    CHECK(redis.server().data().values.begin()->second.bytes.size() < 300);
    CHECK(nodes[1]->get("big", "1") == value);
    CHECK(nodes[1]->get("big", "1") == value);
    larder_store_stats stats{};
    stats.struct_size = sizeof stats;
    const StoreHandle memory = nodes[1]->stores[0]->handle("l1");
    REQUIRE(memory.table->stats(memory.self, UINT32_MAX, &stats) == LARDER_OK);
    CHECK(stats.entries == 1);
    CHECK(stats.bytes < 300);
    executor.stop();
}
