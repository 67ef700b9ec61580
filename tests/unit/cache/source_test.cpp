// tests/unit/cache/source_test.cpp -- read-through, write-through, write-behind: what the source is asked, and what
// is left in the tiers when it says no.
#include "kernel/core/figures.hpp"
#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/test_cache.hpp"

#include <future>
#include <map>
#include <thread>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const policy = R"(larder 1
namespace read   { key "{id}:{part...}"; ttl 1m; absent 10s; source db "get {id} {part} \{x\}" { timeout 2s }
                   stale 30s while revalidating, 10m on error }
namespace thru   { key "{id}"; ttl 1m; source db "get {id}"; write through "put {id} {value}" remove "del {id}" }
namespace keeps  { key "{id}"; ttl 1m; source db; write through }
namespace behind { key "{id}"; ttl 1m; source db; write behind 2s remove }
namespace list   { key "all"; ttl 1m; depends on thru; source db }
namespace asleep { key "{id}"; ttl 1m; source nobody }
namespace aside  { key "{id}"; ttl 1m }
)";

std::string text(larder_bytes bytes) { return {static_cast<const char*>(bytes.data), bytes.size}; }

// A database of one table, its keys "space/key".
struct Database {
    std::map<std::string, std::string> rows;
    std::vector<std::string> log;
    larder_status fail = LARDER_OK;
    std::function<void()> during;  // a load or a write

    SourceHandle handle() {
        SourceHandle out;
        out.name = "db";
        out.self = this;
        out.load = [this](const SourceAsk& ask) -> Loaded {
            std::string line = "load " + std::string(ask.space) + "/" + std::string(ask.key);
            if (!ask.address.empty()) line += " by " + std::string(ask.address);
            for (const larder_pair& field : ask.fields) line += " " + text(field.name) + "=" + text(field.value);
            for (const larder_pair& option : ask.options) line += " [" + text(option.name) + " " + text(option.value) + "]";
            log.push_back(std::move(line));
            const auto it = rows.find(std::string(ask.space) + "/" + std::string(ask.key));
            const Loaded found = it == rows.end() ? Loaded{LARDER_MISS, {}, 0, {}} : Loaded{LARDER_OK, it->second, 0, {}};
            if (during) std::exchange(during, nullptr)();
            return fail != LARDER_OK ? Loaded{fail, {}, 0, {}} : found;
        };
        out.write = [this](const SourceAsk& ask, std::span<SourceChange> changes) {
            for (SourceChange& change : changes) {
                const std::string key = std::string(ask.space) + "/" + std::string(change.key);
                log.push_back((change.remove ? "remove " : "write ") + key + (change.remove ? "" : "=" + std::string(change.value)) +
                              (change.address.empty() ? "" : " by " + std::string(change.address)));
                change.status = fail;
                if (fail != LARDER_OK) continue;
                if (change.remove) change.status = rows.erase(key) != 0 ? LARDER_OK : LARDER_MISS;
                else rows[key] = change.value;
            }
            if (during) std::exchange(during, nullptr)();
        };
        return out;
    }
};

struct World {
    Database db;
    TemporaryFolder folder;
    TestCache c;
    explicit World(TestCacheOptions options = {}) : c(policy, joined(std::move(options))) {}
    ~World() { c.cache->stop_writes(0); }
    TestCacheOptions joined(TestCacheOptions options) {
        options.sources = {db.handle()};
        options.journal = folder.file("journal");
        return options;
    }
    std::string last() const { return db.log.empty() ? "" : db.log.back(); }
    larder_status update(std::string_view space, std::string_view key, std::string add) {
        return c.cache->update(
            c.ns(space), key,
            [](void* ctx, larder_bytes old, larder_value* made, std::int64_t*) noexcept -> larder_status {
                *made = {};
                auto* const keep = new std::string(text(old) + *static_cast<std::string*>(ctx));
                *made = {keep->data(), keep->size(), [](larder_value* v) noexcept { delete static_cast<std::string*>(v->pin); }, keep};
                return LARDER_OK;
            },
            &add, nullptr);
    }
};

}  // namespace

TEST_CASE("a miss is loaded from the namespace's source once, with the fields of its key beside the text", "[source]") {
    World w;
    w.db.rows["read/4%2:a:b"] = "v";
    CHECK(w.c.get("read", "4%2:a:b") == "v");
    CHECK(w.c.get("read", "4%2:a:b") == "v");
    CHECK(w.db.log == std::vector<std::string>{"load read/4%2:a:b by get {id} {part} {{x}} id=4%2 part=a:b [timeout 2s]"});
    CHECK(w.c.counts("read").misses == 1);
    CHECK(w.c.counts("read").loads == 1);
    CHECK(w.c.counts("read").hits == 1);
}

TEST_CASE("what the source does not have is a miss, and known to be absent as long as the policy says", "[source]") {
    World w;
    CHECK_FALSE(w.c.get("read", "1:x"));
    CHECK_FALSE(w.c.get("read", "1:x"));
    CHECK(w.db.log.size() == 1);
    w.db.rows["read/1:x"] = "now";
    w.c.after(11s);
    CHECK(w.c.get("read", "1:x") == "now");
    CHECK_FALSE(w.c.get("thru", "1"));  // says nothing of `absent`
    CHECK_FALSE(w.c.get("thru", "1"));
    CHECK(w.db.log.size() == 4);
}

TEST_CASE("a source that fails is an error, what is stale is served, and after five it is left alone for five seconds", "[source]") {
    World w;
    w.db.rows["read/1:x"] = "old";
    CHECK(w.c.get("read", "1:x") == "old");
    w.c.after(95s);  // past `while revalidating`, within `on error`
    w.db.fail = LARDER_E_IO;
    const auto got = w.c.look("read", "1:x");
    CHECK(got.value == "old");
    CHECK((got.found & LARDER_FOUND_STALE) != 0);
    for (int i = 0; i < 10; ++i) CHECK(w.c.look("read", "2:x").status < 0);
    CHECK(w.db.log.size() == 6);
    CHECK(w.c.look("read", "2:x").status == LARDER_E_CLOSED);
    w.db.fail = LARDER_OK;
    w.c.after(6s);
    CHECK(w.c.get("read", "1:x") == "old");
    CHECK(w.db.log.size() == 7);
}

TEST_CASE("whether there is an entry, and what is looked at without being used, asks no source", "[source]") {
    World w;
    w.db.rows["read/1:x"] = "v";
    CHECK(w.c.look("read", "1:x", LARDER_GET_META).status == LARDER_MISS);
    CHECK(w.c.look("read", "1:x", LARDER_CALL_PEEK).status == LARDER_MISS);
    CHECK(w.c.look("read", "1:x", LARDER_GET_STALE | LARDER_GET_FENCE).status == LARDER_MISS);
    CHECK(w.db.log.empty());
}

TEST_CASE("a namespace whose source is not configured is as one without", "[source]") {
    World w;
    CHECK_FALSE(w.c.get("asleep", "1"));
    CHECK(w.c.put("asleep", "1", "v") == LARDER_OK);
    CHECK(w.c.get("asleep", "1") == "v");
    CHECK(w.db.log.empty());
}

TEST_CASE("a visit loads too, and a call that may be answered later is", "[source]") {
    World w;
    w.db.rows["thru/1"] = "v";
    std::string seen;
    CHECK(w.c.cache->visit(w.c.ns("thru"), "1", nullptr, [](void* ctx, larder_bytes v) noexcept { *static_cast<std::string*>(ctx) = text(v); }, &seen) == LARDER_OK);
    CHECK(seen == "v");
    w.db.rows["thru/2"] = "w";
    larder_cache_get items[2]{};
    items[0].ns = items[1].ns = w.c.ns("thru");
    items[0].key = b("1");
    items[1].key = b("2");
    larder_call call{};
    call.struct_size = sizeof call;
    int done = 0;
    call.done_ctx = &done;
    call.done = [](void* ctx, larder_status, larder_value*) noexcept { ++*static_cast<int*>(ctx); };
    CHECK(w.c.cache->get_many(items, 1, &call) == LARDER_OK);  // it is in memory
    items[0].value.release(&items[0].value);
    CHECK(w.c.cache->get_many(items, 2, &call) == LARDER_PENDING);
    CHECK(done == 0);
    w.c.executor.run();
    CHECK(done == 1);
    CHECK(text({items[1].value.data, items[1].value.size}) == "w");
    for (auto& item : items) item.value.release(&item.value);
}

TEST_CASE("write through: the source has it before any tier, and the tiers then have it too", "[source][through]") {
    TestCacheOptions two;
    two.stores = {"l1", "l2"};
    World w(two);
    w.db.during = [&] { CHECK(w.c.stores[0]->size() + w.c.stores[1]->size() == 0); };
    CHECK(w.c.put("thru", "1", "a") == LARDER_OK);
    CHECK(w.last() == "write thru/1=a by put {id} {value}");
    CHECK(w.c.get("thru", "1") == "a");
    CHECK(w.c.stores[1]->size() == 1);
    CHECK(w.db.log.size() == 1);
}

TEST_CASE("write through: a source that refuses leaves the cache as it was", "[source][through]") {
    World w;
    CHECK(w.c.put("thru", "1", "a") == LARDER_OK);
    for (const larder_status refusal : {LARDER_E_IO, LARDER_E_INVALID, LARDER_E_DENIED}) {
        w.db.fail = refusal;
        CHECK(w.c.put("thru", "1", "b") == refusal);
        CHECK(w.c.get("thru", "1") == "a");
        CHECK(w.c.remove("thru", "1") == refusal);
        CHECK(w.c.get("thru", "1") == "a");
    }
}

TEST_CASE("write through: when nobody knows whether it was written the next read asks the source", "[source][through]") {
    World w;
    CHECK(w.c.put("thru", "1", "a") == LARDER_OK);
    w.db.rows["thru/1"] = "b";  // it was
    w.db.fail = LARDER_E_TIMEOUT;
    CHECK(w.c.put("thru", "1", "b") == LARDER_E_TIMEOUT);
    w.db.fail = LARDER_OK;
    CHECK(w.c.get("thru", "1") == "b");
}

TEST_CASE("a removal goes to the source where the policy says so, and else to the tiers alone", "[source][through]") {
    World w;
    CHECK(w.c.put("thru", "1", "a") == LARDER_OK);
    CHECK(w.c.remove("thru", "1") == LARDER_OK);
    CHECK(w.last() == "remove thru/1 by del {id}");
    CHECK_FALSE(w.c.get("thru", "1"));
    CHECK(w.c.remove("thru", "1") == LARDER_MISS);
    CHECK(w.c.put("keeps", "1", "a") == LARDER_OK);
    CHECK(w.c.remove("keeps", "1") == LARDER_OK);
    CHECK(w.last() == "write keeps/1=a");
    CHECK(w.c.get("keeps", "1") == "a");
}

TEST_CASE("a load that was under way when a write came is kept by nobody", "[source][through][fence]") {
    for (const char* space : {"thru", "behind"}) {
        INFO(space);
        World w;
        w.db.rows[std::string(space) + "/1"] = "old";
        w.db.during = [&] { CHECK(w.c.put(space, "1", "new") == LARDER_OK); };
        CHECK(w.c.get(space, "1") == "old");
        CHECK(w.c.get(space, "1") == "new");
        CHECK(w.c.counts(space).fenced == 1);
    }
}

TEST_CASE("what depends on an entry goes when it is written to its source", "[source][through]") {
    World w;
    w.db.rows["list/all"] = "1";
    CHECK(w.c.get("list", "all") == "1");
    w.db.rows["list/all"] = "2";
    CHECK(w.c.put("thru", "1", "a") == LARDER_OK);
    CHECK(w.c.get("list", "all") == "2");
}

TEST_CASE("conditions are judged by what the source has", "[source][through]") {
    World w;
    w.db.rows["thru/1"] = "a";
    TestCache::PutOptions o;
    o.flags = LARDER_SET_IF_ABSENT;
    CHECK(w.c.set("thru", "1", "b", o).status == LARDER_EXISTS);
    CHECK(w.db.rows["thru/1"] == "a");
    CHECK(w.c.set("thru", "2", "b", o).status == LARDER_OK);
    CHECK(w.db.rows["thru/2"] == "b");
    o.flags = LARDER_SET_IF_PRESENT | LARDER_SET_RETURN_OLD;
    CHECK(w.c.set("thru", "3", "b", o).status == LARDER_MISS);
    larder_cache_set had = w.c.set("thru", "1", "c", o);
    CHECK(had.status == LARDER_OK);
    CHECK(text({had.old.data, had.old.size}) == "a");
    had.old.release(&had.old);
    CHECK(w.db.rows["thru/1"] == "c");
    CHECK(w.c.get("thru", "1") == "c");
    w.c.drop_key("thru", "1");
    CHECK(w.update("thru", "1", "+d") == LARDER_OK);
    CHECK(w.db.rows["thru/1"] == "c+d");
    CHECK(w.c.get("thru", "1") == "c+d");
}

TEST_CASE("a value that is refused for its size is not written to the source", "[source][through]") {
    World w;
    CHECK(w.c.put("thru", "1", std::string((64u << 20) + 1, 'x')) == LARDER_E_TOO_LARGE);
    CHECK(w.db.log.empty());
}

TEST_CASE("write behind: read at once, in the source after its delay", "[source][behind]") {
    World w;
    CHECK(w.c.put("behind", "1", "a") == LARDER_OK);
    CHECK(w.c.get("behind", "1") == "a");
    CHECK(w.db.log.empty());
    CHECK(w.c.cache->figures().behind->waiting == 1);
    w.c.after(2s);
    CHECK(w.last() == "write behind/1=a");
    CHECK(w.c.cache->figures().behind->waiting == 0);
    CHECK(w.c.remove("behind", "1") == LARDER_OK);
    CHECK_FALSE(w.c.get("behind", "1"));
    CHECK(w.db.rows.size() == 1);
    w.c.after(2s);
    CHECK(w.last() == "remove behind/1");
    CHECK(w.db.rows.empty());
}

TEST_CASE("write behind: an entry that goes before its source has it is read from what waits", "[source][behind]") {
    World w;
    w.db.rows["behind/1"] = "old";
    CHECK(w.c.put("behind", "1", "new") == LARDER_OK);
    w.c.drop_space("behind");
    CHECK(w.c.get("behind", "1") == "new");
    w.c.stores[0]->evict_all();
    CHECK(w.c.get("behind", "1") == "new");
    CHECK(w.db.log.empty());
    w.c.after(2s);
    w.c.stores[0]->evict_all();
    CHECK(w.c.get("behind", "1") == "new");
    CHECK(w.last() == "load behind/1 id=1");
}

TEST_CASE("write behind: a source that is away is no error to anybody, and gets all of it when it is back", "[source][behind]") {
    World w;
    w.db.fail = LARDER_E_IO;
    for (int i = 0; i < 20; ++i) CHECK(w.c.put("behind", std::to_string(i % 5), std::to_string(i)) == LARDER_OK);
    w.c.after(60s);
    CHECK(w.db.rows.empty());
    CHECK(w.c.cache->figures().behind->oldest_ms >= 60'000);
    w.db.fail = LARDER_OK;
    w.c.after(6s);
    CHECK(w.db.rows.size() == 5);
    CHECK(w.db.rows["behind/4"] == "19");
}

TEST_CASE("write behind: without a journal nothing is taken", "[source][behind]") {
    Database db;
    TestCacheOptions o;
    o.sources = {db.handle()};
    TestCache c(policy, o);
    CHECK(c.put("behind", "1", "a") == LARDER_E_CONFIG);
    CHECK_FALSE(c.get("behind", "1"));
    CHECK(c.put("thru", "1", "a") == LARDER_OK);
}

TEST_CASE("write behind: what a kernel leaves the next one brings", "[source][behind]") {
    Database db;
    TemporaryFolder folder;
    TestCacheOptions o;
    o.sources = {db.handle()};
    o.journal = folder.file("journal");
    {
        TestCache c(policy, o);
        CHECK(c.put("behind", "1", "a") == LARDER_OK);
        CHECK(c.put("behind", "2", "b") == LARDER_OK);
        c.cache->stop_writes(0);
    }
    CHECK(db.rows.empty());
    TestCache c(policy, o);
    CHECK(c.get("behind", "1") == "a");
    c.after(1ms);
    CHECK(db.rows == std::map<std::string, std::string>{{"behind/1", "a"}, {"behind/2", "b"}});
    c.cache->stop_writes(0);
}

TEST_CASE("writers of one key take turns, those of others do not wait", "[source][through]") {
    World w;
    std::promise<void> inside, go;
    w.db.during = [&] {
        inside.set_value();
        go.get_future().wait();
    };
    std::thread slow([&] { CHECK(w.c.put("thru", "1", "first") == LARDER_OK); });
    inside.get_future().wait();
    TestCache::PutOptions none;
    larder_cache_set item{};
    item.ns = w.c.ns("thru");
    item.key = b("1");
    item.value = b("second");
    larder_call call{};
    call.struct_size = sizeof call;
    call.deadline_ns = w.c.clock.mono_ns() + 1'000'000;
    w.c.cache->set_many(&item, 1, &call);
    CHECK(item.status == LARDER_E_TIMEOUT);
    CHECK(w.c.put("thru", "2", "x") == LARDER_OK);
    go.set_value();
    slow.join();
    CHECK(w.c.get("thru", "1") == "first");
}

TEST_CASE("where the policy says aside, or names no source, nothing changes", "[source]") {
    World w;
    CHECK(w.c.put("aside", "1", "a") == LARDER_OK);
    CHECK(w.c.put("read", "1:x", "a") == LARDER_OK);
    CHECK(w.c.get("aside", "1") == "a");
    CHECK(w.c.get("read", "1:x") == "a");
    CHECK(w.c.remove("read", "1:x") == LARDER_OK);
    CHECK(w.db.log.empty());
}
