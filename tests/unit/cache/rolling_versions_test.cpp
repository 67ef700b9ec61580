// tests/unit/cache/rolling_versions_test.cpp -- a deploy that is half done: nodes of two versions above one shared store.
#include "tests/catch.hpp"
#include "tests/support/shared_nodes.hpp"

using namespace larder;
using namespace larder::test;

namespace {

const char* const before = "larder 1\nnamespace user { key \"{id}\"; ttl 10m; tag \"users\"; with owner; tag \"owner:{owner}\"; tiers l1 -> l2 }\n";
const char* const after = R"(larder 1
namespace user {
    key "{id}"
    ttl 10m
    tag "users"
    with owner
    tag "owner:{owner}"
    tiers l1 -> l2
    version 2 accepts 1
    migrate 1 -> 2 { rename "a" to "b" }
}
)";
const char* const old_value = R"({"a":1})";
const char* const new_value = R"({"b":1})";

// Node 0 is of the old version; nodes 1 and 2 of the new.
struct Deploy : SharedNodes {
    Deploy() : SharedNodes(before, 3) {
        all[1]->install(after);
        all[2]->install(after);
        settle();
    }
    std::string stands() { return redis.server().data().values.begin()->second.bytes; }
    std::optional<std::string> load(std::size_t i, const std::string& value, int* loads = nullptr) {
        return all[i]->load("user", "1", [&] {
            if (loads != nullptr) ++*loads;
            return Loaded{LARDER_OK, value, 0, {}};
        });
    }
};

}  // namespace

TEST_CASE("an entry of the old nodes is migrated by the new ones and written back once", "[versions][shared]") {
    Deploy n;
    REQUIRE(n[0].put("user", "1", old_value) == LARDER_OK);
    n.settle();
    CHECK(n[1].get("user", "1") == new_value);
    n.settle();
    CHECK(n.stands().find(new_value) != std::string::npos);
    CHECK(n[2].get("user", "1") == new_value);
    n.settle();
    CHECK(n[1].get("user", "1") == new_value);
    CHECK(n[1].counts("user").migrated == 1);
    CHECK(n[2].counts("user").migrated == 0);
}

TEST_CASE("of two nodes that migrate one entry at once one writes, and both read the same entry", "[versions][shared]") {
    Deploy n;
    n[0].put("user", "1", old_value);
    const auto one = n[1].look("user", "1"), two = n[2].look("user", "1");
    CHECK(one.value == new_value);
    CHECK(two.value == new_value);
    CHECK(one.version == two.version);
    n.settle();
    CHECK(n[1].look("user", "1").version == one.version);
    CHECK(n[2].look("user", "1").version == one.version);
}

TEST_CASE("a write between the read and the write back stays", "[versions][shared]") {
    Deploy n;
    n[0].put("user", "1", old_value);
    CHECK(n[1].get("user", "1") == new_value);  // written back later
    n[0].put("user", "1", R"({"a":2})");
    n.settle();
    CHECK(n[1].get("user", "1") == R"({"b":2})");
    n.settle();
    CHECK_FALSE(n[0].get("user", "1"));  // it stands there as version 2 by now
}

TEST_CASE("what was dropped between the read and the write back is not brought back", "[versions][shared]") {
    Deploy n;
    n[0].put_with("user", "1", old_value, {{"owner", "x"}});
    CHECK(n[1].get("user", "1") == new_value);
    SECTION("by a tag of all") { n[0].drop_tag("users"); }
    SECTION("by a tag that its owner says") { n[0].drop_tag("owner:x"); }
    SECTION("by its key") { n[0].remove("user", "1"); }
    n.settle();
    for (std::size_t i = 0; i < 3; ++i) CHECK_FALSE(n[i].get("user", "1"));
    n.settle();
    for (std::size_t i = 0; i < 3; ++i) CHECK_FALSE(n[i].get("user", "1"));
}

TEST_CASE("an old node misses a newer entry, loads into its own memory and leaves the entry alone", "[versions][shared]") {
    Deploy n;
    REQUIRE(n[1].put("user", "1", new_value) == LARDER_OK);
    n.settle();
    const auto got = n[0].look("user", "1");
    CHECK(got.status == LARDER_MISS);
    CHECK((got.found & LARDER_FOUND_NEWER) != 0);
    const std::string stood = n.stands();
    int loads = 0;
    CHECK(n.load(0, old_value, &loads) == old_value);
    n.settle();
    CHECK(n.stands() == stood);
    CHECK(n.load(0, old_value, &loads) == old_value);
    CHECK(n[0].get("user", "1") == old_value);
    CHECK(loads == 1);
    CHECK(n[1].get("user", "1") == new_value);
    CHECK(n[1].counts("user").migrated == 0);
    SECTION("and another node's drop takes its copy, too") { n[1].drop_tag("users"); }
    SECTION("and another node's write takes it") { n[1].put("user", "1", R"({"b":3})"); }
    SECTION("and another node's removal takes it") { n[1].remove("user", "1"); }
    n.settle();
    CHECK_FALSE(n[0].get("user", "1"));
}

TEST_CASE("a client of an old node that gets, loads and sets keeps its value in that node alone", "[versions][shared]") {
    Deploy n;
    n[1].put("user", "1", new_value);
    n.settle();
    const std::string stood = n.stands();
    const bool answered_later = GENERATE(false, true);
    if (answered_later) {
        larder_cache_get item{};
        item.ns = n[0].ns("user");
        item.key = b("1");
        bool done = false;
        larder_call call{};
        call.struct_size = sizeof call;
        call.flags = LARDER_GET_FENCE;
        call.client = 7;
        call.done_ctx = &done;
        call.done = [](void* ctx, larder_status, larder_value*) noexcept { *static_cast<bool*>(ctx) = true; };
        const larder_status status = n[0].cache->get_many(&item, 1, &call);
        n.settle();
        REQUIRE((done || status == LARDER_OK));
        REQUIRE(item.status == LARDER_MISS);
    } else {
        REQUIRE(n[0].look("user", "1", LARDER_GET_FENCE, 7).status == LARDER_MISS);
    }
    TestCache::PutOptions o;
    o.flags = LARDER_SET_FENCED;
    o.client = 7;
    const auto set = n[0].set("user", "1", old_value, o);
    CHECK(set.status == LARDER_OK);
    CHECK(set.kept == 1);
    n.settle();
    CHECK(n.stands() == stood);
    CHECK(n[0].get("user", "1") == old_value);
    CHECK(n[2].get("user", "1") == new_value);
}

TEST_CASE("a load of an old node that something invalidates meanwhile is kept nowhere", "[versions][shared]") {
    Deploy n;
    n[1].put("user", "1", new_value);
    n.settle();
    n[0].load("user", "1", [&] {
        n[1].drop_tag("users");
        return Loaded{LARDER_OK, old_value, 0, {}};
    });
    n.settle();
    CHECK_FALSE(n[0].get("user", "1"));
}

TEST_CASE("an application's own write on an old node replaces a newer entry, which the new nodes migrate", "[versions][shared]") {
    Deploy n;
    n[1].put("user", "1", new_value);
    n.settle();
    REQUIRE(n[0].put("user", "1", R"({"a":9})") == LARDER_OK);
    n.settle();
    CHECK(n[1].get("user", "1") == R"({"b":9})");
    TestCache::PutOptions if_absent;
    if_absent.flags = LARDER_SET_IF_ABSENT;
    n.settle();
    CHECK(n[0].set("user", "1", old_value, if_absent).status == LARDER_EXISTS);
}

TEST_CASE("a conditional write of a new node judges an old entry by what it would read", "[versions][shared]") {
    Deploy n;
    n[0].put("user", "1", old_value);
    n.settle();
    const auto got = n[1].look("user", "1", LARDER_CALL_PEEK);
    TestCache::PutOptions o;
    o.flags = LARDER_SET_IF_VERSION;
    o.if_version = got.version;
    CHECK(n[1].set("user", "1", R"({"b":5})", o).status == LARDER_OK);
    CHECK(n[2].get("user", "1") == R"({"b":5})");
    CHECK(n[2].set("user", "1", R"({"b":6})", o).status == LARDER_E_CONFLICT);
}

TEST_CASE("a thousand reads and writes on nodes of both versions never show a node the other's form", "[versions][shared]") {
    Deploy n;
    std::uint64_t seed = 12345;
    const auto pick = [&seed](std::uint64_t n_of) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return (seed >> 33) % n_of;
    };
    std::size_t hits = 0;
    for (int turn = 0; turn < 1000; ++turn) {
        const std::size_t node = pick(3);
        const std::string key = std::to_string(pick(5)), number = std::to_string(turn);
        const std::string mine = std::string(node == 0 ? "{\"a\":" : "{\"b\":") + number + "}";
        switch (pick(6)) {
            case 0: n[node].put("user", key, mine); break;
            case 1: n[node].load("user", key, [&] { return Loaded{LARDER_OK, mine, 0, {}}; }); break;
            case 2: if (pick(8) == 0) n[node].drop_tag("users"); break;
            case 3: n.settle(); break;
            default:
                if (const auto got = n[node].get("user", key)) {
                    ++hits;
                    REQUIRE(got->substr(0, 5) == (node == 0 ? "{\"a\":" : "{\"b\":"));
                }
        }
    }
    CHECK(hits > 100);
}
