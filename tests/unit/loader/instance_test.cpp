// tests/unit/loader/instance_test.cpp -- one configured instance: made, started, asked, changed,
// stopped.
#include "kernel/loader/instance.hpp"

#include "kernel/loader/plugin_registry.hpp"
#include "tests/catch.hpp"
#include "tests/unit/loader/test_services.hpp"

using namespace larder::loader;
using larder::test::contains;
using larder::test::planted;
using larder::test::TestServices;

namespace {

struct Shelf {
    TestServices services;
    PluginRegistry registry{{{planted}, true}};
    std::string problem;
    FoundPlugin found = registry.find(Kind::store, "shelf", problem).value();

    OptionValues options(std::vector<GivenOption> given) const {
        auto checked = check_options(*found.component, "l1", given);
        REQUIRE(checked.ok());
        return std::move(checked.values);
    }
    std::shared_ptr<PluginInstance> make(std::vector<GivenOption> given = {}) {
        return registry.make(found, options(std::move(given)), "store.l1", services, problem);
    }
};

GivenOption option(const char* name, GivenValue value, const char* where) {
    GivenOption all;
    all.name = name;
    all.value = std::move(value);
    all.where = where;
    return all;
}
GivenOption boards(const char* size) {
    return option("boards", {std::string(size), false}, "larder.toml:7:3");
}
GivenOption label(const char* text) {
    return option("label", {std::string(text), false}, "larder.toml:8:3");
}
GivenOption key() { return option("key", {SecretRef{"env:SHELF_KEY"}, false}, "larder.toml:9:3"); }

const larder_call call = larder::test::plain_call();

}  // namespace

TEST_CASE("an instance keeps values through its guarded table", "[loader]") {
    Shelf shelf;
    const auto store = shelf.make();
    INFO(shelf.problem);
    REQUIRE(store != nullptr);
    REQUIRE(store->start(shelf.problem));
    const auto& table = store->table<larder_store_v1>();
    const larder_key key{"k", 1, 0, 0};
    larder_put put{};
    put.struct_size = sizeof put;
    put.value = {"v\0w", 3};
    CHECK(table.put(store->self(), &key, &put, &call) == LARDER_OK);
    larder_value value{};
    REQUIRE(table.get(store->self(), &key, &call, &value) == LARDER_OK);
    CHECK(std::string(static_cast<const char*>(value.data), value.size) == std::string("v\0w", 3));
    CHECK(table.remove(store->self(), &key, 0, &call) == LARDER_OK);
    CHECK(std::string(static_cast<const char*>(value.data), value.size) == std::string("v\0w", 3));
    value.release(&value);
    CHECK(table.get(store->self(), &key, &call, &value) == LARDER_MISS);
    CHECK(store->name() == "l1");
    CHECK(store->title() == "store.l1");
    CHECK(store->component() == "shelf");
    CHECK(store->module().manifest().version == "1.2.3");
    CHECK(store->sins() == 0);
}

TEST_CASE("options and secrets reach the plugin, and errors come back with their place",
          "[loader]") {
    Shelf shelf;
    shelf.services.secret = "four";
    const auto store = shelf.make({boards("20B"), key()});
    INFO(shelf.problem);
    REQUIRE(store != nullptr);
    CHECK(shelf.services.secret_asked == "env:SHELF_KEY");
    larder_store_stats stats{};
    stats.struct_size = sizeof stats;
    CHECK(store->table<larder_store_v1>().stats(store->self(), 0, &stats) == LARDER_OK);
    CHECK(stats.capacity_bytes == 20);
    CHECK(stats.errors == 4);

    CHECK(shelf.make({boards("13B")}) == nullptr);
    CHECK(shelf.problem == "store.l1: larder.toml:7:3: thirteen boards bring bad luck");
    shelf.services.secret.clear();
    CHECK(shelf.make({key()}) == nullptr);
    CHECK(shelf.problem == "store.l1: the secret of option key cannot be read");
}

TEST_CASE("a caller with a shorter stats struct is written no further than that", "[loader]") {
    Shelf shelf;
    const auto store = shelf.make();
    REQUIRE(store != nullptr);
    larder_store_stats stats{};
    stats.struct_size = offsetof(larder_store_stats, capacity_bytes);
    stats.capacity_bytes = 77;
    CHECK(store->table<larder_store_v1>().stats(store->self(), 0, &stats) == LARDER_OK);
    CHECK(stats.capacity_bytes == 77);
    CHECK(stats.struct_size == offsetof(larder_store_stats, capacity_bytes));
}

TEST_CASE("a start that fails says why in one line, and is not stopped", "[loader]") {
    Shelf shelf;
    {
        const auto store = shelf.make({label("no start")});
        REQUIRE(store != nullptr);
        CHECK_FALSE(store->start(shelf.problem));
        CHECK(shelf.problem == "store.l1: the shelf does not stand");
    }
    CHECK(shelf.services.lines.empty());
}

TEST_CASE("an instance is stopped once, at the latest when it is dropped", "[loader]") {
    Shelf shelf;
    {
        const auto store = shelf.make({label("oak")});
        REQUIRE(store != nullptr);
        REQUIRE(store->start(shelf.problem));
        CHECK(store->stop(0) == LARDER_OK);
        CHECK(store->stop(0) == LARDER_OK);
    }
    {
        const auto store = shelf.make({label("elm")});
        store->start(shelf.problem);
    }
    CHECK(shelf.services.lines ==
          std::vector<std::string>{"org.larder.shelf: stands: oak", "org.larder.shelf: folded",
                                   "org.larder.shelf: stands: elm", "org.larder.shelf: folded"});
}

TEST_CASE("only reloadable options change in place", "[loader]") {
    Shelf shelf;
    const auto store = shelf.make({boards("20B")});
    REQUIRE(store != nullptr);
    CHECK(store->reconfigure(shelf.options({boards("30B")}), shelf.problem));
    CHECK(std::get<std::int64_t>(store->options().find("boards")->is) == 30);
    CHECK_FALSE(store->reconfigure(shelf.options({boards("60B")}), shelf.problem));
    CHECK(shelf.problem == "store.l1: too high");
    CHECK_FALSE(store->reconfigure(shelf.options({boards("30B"), label("new")}), shelf.problem));
    CHECK(shelf.problem.empty());
    CHECK(std::get<std::int64_t>(store->options().find("boards")->is) == 30);
}

TEST_CASE("health, extensions and errors of hot functions come through", "[loader]") {
    Shelf shelf;
    const auto store = shelf.make({label(std::string(200, 'x').c_str())});
    REQUIRE(store != nullptr);
    CHECK(store->health().state == LARDER_HEALTH_DEGRADED);
    CHECK(store->health().message == std::string(119, 'x'));
    CHECK(store->extension("org.larder.shelf/1") != nullptr);
    CHECK(store->extension("org.larder.shelf/2") == nullptr);
    const larder_key key{"k", 1, 0, 0};
    const larder_touch touch{sizeof(larder_touch), 0, 0, 0, {}};
    CHECK(store->table<larder_store_v1>().touch(store->self(), &key, &touch, &call) ==
          LARDER_E_BUSY);
    CHECK(shelf.services.lines == std::vector<std::string>{"org.larder.shelf: do not touch"});
}

TEST_CASE("an instance outlives its registry and keeps its module", "[loader]") {
    std::shared_ptr<PluginInstance> store;
    TestServices services;
    {
        PluginRegistry registry{{{planted}, true}};
        std::string problem;
        const auto found = registry.find(Kind::store, "shelf", problem);
        auto checked = check_options(*found->component, "l1", {});
        store = registry.make(*found, std::move(checked.values), "store.l1", services, problem);
    }
    const larder_key key{"k", 1, 0, 0};
    larder_value value{};
    CHECK(store->table<larder_store_v1>().get(store->self(), &key, &call, &value) == LARDER_MISS);
}

TEST_CASE("a module's log is limited, and says what it dropped", "[loader]") {
    TestServices services;
    const HostTable table(services, "org.larder.loud");
    const larder_host* host = table.host();
    for (int i = 0; i < 1000; ++i) {
        host->log(host, LARDER_LOG_INFO, "line", 4);
    }
    CHECK(services.lines.size() == 200);
    services.now_ns += 1'000'000'000;
    host->log(host, LARDER_LOG_TRACE, "below the level", 15);
    host->log(host, LARDER_LOG_INFO, "again", 5);
    REQUIRE(services.lines.size() == 202);
    CHECK(services.lines[200] == "org.larder.loud: lines dropped: 800");
    CHECK(services.lines[201] == "org.larder.loud: again");
}

TEST_CASE("memory taken from the host is accounted and aligned", "[loader]") {
    TestServices services;
    const HostTable table(services, "org.larder.hungry");
    const larder_host* host = table.host();
    void* p = host->alloc(host, 1000, 4096);
    REQUIRE(p != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(p) % 4096 == 0);
    CHECK(table.allocated_bytes() == 1000);
    host->free(host, p, 1000);
    CHECK(table.allocated_bytes() == 0);
    CHECK(host->alloc(host, 8, 3) == nullptr);
    CHECK(host->alloc(host, 8, 8192) == nullptr);
    CHECK(host->alloc(host, SIZE_MAX - 64, 64) == nullptr);
    CHECK(&HostTable::services_of(host) == &services);
    CHECK(host->service(host, "larder.unknown/9") == nullptr);
    CHECK(host->service(host, LARDER_SVC_CONFIG) != nullptr);
}
