// tests/unit/packing/dictionary_test.cpp -- a namespace's dictionary: learnt, found by others, learnt anew, lost.
#include "kernel/core/figures.hpp"
#include "tests/support/corpora.hpp"
#include "tests/support/shared_nodes.hpp"
#include "tests/unit/packing/real_codecs.hpp"

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* in_memory = "larder 1\nnamespace menu { key \"{id}\"; ttl 10m; compress zstd above 100B }\n";
constexpr const char* shared = "larder 1\nnamespace menu { key \"{id}\"; ttl 10m; compress zstd above 100B; tiers l1 -> l2 }\n";

TestCacheOptions with_zstd(FakeConfig config = {}) {
    TestCacheOptions o;
    o.codecs = {zstd_codec(std::move(config))};
    return o;
}

PackFigures packing(TestCache& cache, std::string_view space = "menu") { return cache.cache->figures().space(space)->packing; }

// Writes the corpus as entries PREFIX0, PREFIX1, ...
void put_all(TestCache& cache, const Corpus& corpus, const std::string& prefix) {
    for (std::size_t i = 0; i < corpus.values.size(); ++i) REQUIRE(cache.put("menu", prefix + std::to_string(i), corpus.values[i]) == LARDER_OK);
}
std::size_t equal(TestCache& cache, const Corpus& corpus, const std::string& prefix) {
    std::size_t same = 0;
    for (std::size_t i = 0; i < corpus.values.size(); ++i) same += cache.get("menu", prefix + std::to_string(i)) == corpus.values[i];
    return same;
}
std::size_t dictionaries_in(const VirtualRedis& redis) {
    std::size_t n = 0;
    for (const auto& [key, value] : redis.server().data().values) n += key.find("{#dictionary:menu:") != std::string::npos;
    return n;
}

}  // namespace

TEST_CASE("a namespace whose codec can learns a dictionary from its own values, in the background, and saves three quarters with it") {
    TestCache cache(in_memory, with_zstd());
    const Corpus first = json_objects(500, 400, 1), then = json_objects(500, 200, 2);
    put_all(cache, first, "a");
    CHECK(packing(cache).dictionary.id == 0);  // nothing on a request
    cache.executor.run();
    const PackFigures learnt = packing(cache);
    REQUIRE(learnt.dictionary.id != 0);
    CHECK(learnt.trained == 1);
    CHECK(learnt.dictionary.bytes <= 32 * 1024);
    const std::uint64_t before = cache.cache->figures().space("menu")->stored_bytes;
    put_all(cache, then, "b");
    const std::uint64_t stored = cache.cache->figures().space("menu")->stored_bytes - before;
    CHECK(then.bytes() > 3 * stored);
    CHECK(equal(cache, first, "a") == first.values.size());
    CHECK(equal(cache, then, "b") == then.values.size());
}

TEST_CASE("a dictionary that would not pay is not used: values with nothing in common, and an instance that wants none") {
    for (const bool wants : {true, false}) {
        TestCache cache(in_memory, with_zstd(wants ? FakeConfig{} : FakeConfig{}.set("dictionary", 0)));
        put_all(cache, wants ? noise(500, 400, 1) : json_objects(500, 400, 1), "a");
        cache.after(1min);
        CHECK(packing(cache).dictionary.id == 0);
        CHECK(cache.get("menu", "a0").has_value());
    }
}

TEST_CASE("what one node wrote with its dictionary another reads, and one that starts later, and writes with the same") {
    SharedNodes nodes(shared, 2, true, with_zstd());
    const Corpus first = json_objects(500, 400, 1), then = json_objects(500, 100, 2);
    put_all(nodes[0], first, "a");
    nodes.settle();
    REQUIRE(packing(nodes[0]).dictionary.id != 0);
    put_all(nodes[0], then, "b");
    CHECK(dictionaries_in(nodes.redis) == 1);
    CHECK(equal(nodes[1], then, "b") == then.values.size());  // fetched when the first was read
    CHECK(nodes[1].counts("menu").damaged == 0);
    CHECK(nodes[1].counts("menu").misses == 0);
    nodes.executor.advance(15s);
    CHECK(packing(nodes[1]).dictionary.id == packing(nodes[0]).dictionary.id);
    CHECK(packing(nodes[1]).trained == 0);
    put_all(nodes[1], json_objects(500, 50, 3), "c");
    CHECK(equal(nodes[0], json_objects(500, 50, 3), "c") == 50);

    TestCacheOptions later = with_zstd();
    later.seed = 9;
    later.clock = &nodes.clock;
    later.executor = &nodes.executor;
    later.below = {nodes.redis.connect().handle("l2")};
    TestCache third(shared, std::move(later));
    nodes.redis.node(2).trust(true);
    CHECK(equal(third, then, "b") == then.values.size());
    CHECK(third.counts("menu").misses == 0);
    nodes.executor.advance(15s);
    CHECK(packing(third).dictionary.id == packing(nodes[0]).dictionary.id);
}

TEST_CASE("a read that lacks a dictionary and waits for nobody is answered when the dictionary has come") {
    SharedNodes nodes(shared, 2, true, with_zstd());
    put_all(nodes[0], json_objects(500, 400, 1), "a");
    nodes.settle();
    const Corpus then = json_objects(500, 1, 2);
    put_all(nodes[0], then, "b");
    larder_cache_get item{};
    const std::string key = "b0";
    item.ns = nodes[1].ns("menu");
    item.key = b(key);
    larder_call call{};
    call.struct_size = sizeof call;
    bool done = false;
    call.done_ctx = &done;
    call.done = [](void* ctx, larder_status, larder_value*) noexcept { *static_cast<bool*>(ctx) = true; };
    const larder_status began = nodes[1].cache->get_many(&item, 1, &call);
    nodes.settle();
    CHECK((began == LARDER_OK || done));
    REQUIRE(item.status == LARDER_OK);
    CHECK(std::string_view(static_cast<const char*>(item.value.data), item.value.size) == then.values[0]);
    item.value.release(&item.value);
}

TEST_CASE("where misses are loaded from a source, a value whose dictionary has to be fetched is read and not loaded") {
    int loads = 0;
    TestCacheOptions o = with_zstd();
    SourceHandle db;
    db.name = "db";
    db.load = [&loads](const SourceAsk&) {
        ++loads;
        return Loaded{LARDER_MISS, {}, 0, {}};
    };
    o.sources = {db};
    SharedNodes nodes("larder 1\nnamespace menu { key \"{id}\"; ttl 10m; compress zstd above 100B; tiers l1 -> l2; source db \"get {id}\" }\n", 2, true, o);
    put_all(nodes[0], json_objects(500, 400, 1), "a");
    nodes.settle();
    const Corpus then = json_objects(500, 20, 2);
    put_all(nodes[0], then, "b");
    CHECK(equal(nodes[1], then, "b") == then.values.size());
    CHECK(loads == 0);
}

TEST_CASE("values that change are learnt anew, and what was written with the old dictionary is read by every node") {
    SharedNodes nodes(shared, 2, true, with_zstd());
    const Corpus menu = json_objects(500, 400, 1);
    put_all(nodes[0], menu, "a");
    nodes.settle();
    const std::uint32_t old = packing(nodes[0]).dictionary.id;
    REQUIRE(old != 0);
    const Corpus kept = json_objects(500, 60, 5);
    put_all(nodes[0], kept, "kept");
    // Enough of the same to know what it saves, then other values.
    for (int round = 0; round < 3; ++round) {
        put_all(nodes[0], json_objects(500, 700, 10 + static_cast<std::uint64_t>(round)), "m");
        nodes.executor.advance(10s);
    }
    const std::uint32_t better = packing(nodes[0]).dictionary.id;
    for (int round = 0; round < 4; ++round) {
        put_all(nodes[0], logs(500, 700, 20 + static_cast<std::uint64_t>(round)), "l");
        nodes.executor.advance(10s);
    }
    const std::uint32_t fresh = packing(nodes[0]).dictionary.id;
    CHECK(fresh != old);
    CHECK(fresh != better);
    const Corpus lines = logs(500, 40, 30);
    put_all(nodes[0], lines, "n");
    // The other node has known none of this.
    CHECK(equal(nodes[1], lines, "n") == lines.values.size());
    CHECK(equal(nodes[1], kept, "kept") == kept.values.size());
    CHECK(nodes[1].counts("menu").damaged == 0);
    CHECK(dictionaries_in(nodes.redis) >= 2);
}

TEST_CASE("a dictionary that cannot be found makes a miss, counted, and never another value") {
    SharedNodes nodes(shared, 2, true, with_zstd());
    put_all(nodes[0], json_objects(500, 400, 1), "a");
    nodes.settle();
    const Corpus then = json_objects(500, 20, 2);
    put_all(nodes[0], then, "b");
    std::vector<std::string> gone;
    for (const auto& [key, value] : nodes.redis.server().data().values)
        if (key.find("{#dictionary:") != std::string::npos) gone.push_back(key);
    REQUIRE(gone.size() == 2);
    for (const std::string& key : gone) nodes.redis.foreign_remove(key);
    CHECK(equal(nodes[1], then, "b") == 0);
    CHECK(packing(nodes[1]).unread >= 1);
    CHECK(nodes[1].counts("menu").misses == 20);
    CHECK(nodes[1].counts("menu").damaged == 0);
    // Its writer still has it, reads on, and puts it back within a minute and a bit.
    CHECK(equal(nodes[0], then, "b") == 20);
    nodes.executor.advance(90s);
    CHECK(equal(nodes[1], then, "b") == 20);
}

TEST_CASE("bytes under a dictionary's name that are not that dictionary are as if it were not there") {
    SharedNodes nodes(shared, 2, true, with_zstd());
    put_all(nodes[0], json_objects(500, 400, 1), "a");
    nodes.settle();
    put_all(nodes[0], json_objects(500, 5, 2), "b");
    std::string name, bytes;
    for (const auto& [key, value] : nodes.redis.server().data().values)
        if (key.find("{#dictionary:menu:") != std::string::npos) name = key, bytes = value.bytes;
    REQUIRE(!name.empty());
    std::vector<std::string> poisons{std::string(), "x", bytes.substr(0, bytes.size() / 2), bytes + "y", std::string(bytes.size(), 'z')};
    std::string flipped = bytes;
    flipped[flipped.size() / 2] ^= 1;
    poisons.push_back(flipped);
    for (const std::string& poison : poisons) {
        CAPTURE(poison.size());
        nodes.redis.foreign_write(name, poison);
        TestCacheOptions o = with_zstd();
        o.seed = 77;
        o.clock = &nodes.clock;
        o.executor = &nodes.executor;
        o.below = {nodes.redis.connect().handle("l2")};
        TestCache other(shared, std::move(o));
        nodes.redis.node(nodes.redis.nodes() - 1).trust(true);
        CHECK_FALSE(other.get("menu", "b0").has_value());
        CHECK(packing(other).unread == 1);
    }
}

TEST_CASE("a dictionary lives longer than what was written with it, and as long as somebody uses it") {
    SharedNodes nodes(shared, 1, true, with_zstd());
    put_all(nodes[0], json_objects(500, 400, 1), "a");
    nodes.settle();
    const auto left = [&] {
        std::uint64_t least = UINT64_MAX;
        const std::uint64_t now = nodes.redis.server().now_ms();
        for (const auto& [key, value] : nodes.redis.server().data().values)
            if (key.find("{#dictionary:") != std::string::npos) least = std::min(least, value.until_ms == 0 ? UINT64_MAX : value.until_ms - now);
        return least;
    };
    constexpr std::uint64_t day = 24 * 3600 * 1000;  // a client may give an entry so long
    REQUIRE(dictionaries_in(nodes.redis) == 1);
    CHECK(left() > day);
    for (int i = 0; i < 100; ++i) {
        nodes.executor.advance(1h);
        put_all(nodes[0], json_objects(500, 1, 3), "b");
    }
    CHECK(dictionaries_in(nodes.redis) >= 1);
    CHECK(left() > day);
}
