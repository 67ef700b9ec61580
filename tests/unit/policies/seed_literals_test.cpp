// tests/unit/policies/seed_literals_test.cpp -- the numbers of the five systems' documents, one row each,
// and what a kernel does with them.
//
// A row says which system's document has the number, the words it stands in, where it stands now, and what is
// expected of a kernel that runs the shipped policy: not what the policy's text says, but how long an
// entry is there, what a store is told, how many bytes are kept.
#include "seed_system.hpp"
#include "tests/support/test_cache.hpp"

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>
#include <tuple>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

struct Lifetime {
    int item;             // of tests/acceptance.toml
    const char* system;   // whose document
    const char* literal;  // its words
    const char* policy;
    const char* space;
    const char* key;
    std::chrono::seconds life;
    With with = {};
    const char* profile = "";
    std::map<std::string, std::string> env = {};
};

const With tenant{{"tenant_id", "1"}};

const std::vector<Lifetime>& lifetimes() {
    static const std::vector<Lifetime> rows{
        {36, "AuraConnect", "menu | 1 hour", "auraconnect", "menu.item", "123:t1", 1h, {{"tenant_id", "1"}, {"category_id", "5"}}},
        {36, "AuraConnect", "analytics | 5 minutes", "auraconnect", "analytics.dashboard", "2023-11-01:2099-12-31:t1", 5min, tenant},
        {36, "AuraConnect", "inventory | 10 minutes", "auraconnect", "inventory.stock", "A1:t1", 10min, tenant},
        {36, "AuraConnect", "staff | 30 minutes", "auraconnect", "staff.schedule", "7:2024-W03:t1", 30min, tenant},
        {36, "AuraConnect", "orders | 5 minutes", "auraconnect", "orders.active", "restaurant:5:table:10", 5min, tenant},
        {36, "AuraConnect", "promotions | 10 minutes", "auraconnect", "promotions.active", "all:t1", 10min, tenant},
        {37, "Warehouse", "sql_query: ttl: 300", "warehouse", "sql_query", "9f:3c", 300s, {{"table", "stock"}}},
        {37, "Warehouse", "vector_search: ttl: 600", "warehouse", "vector_search", "9f:3c", 600s},
        {37, "Warehouse", "evidence_pack: ttl: 1800", "warehouse", "evidence_pack", "9f:3c", 1800s},
        {37, "Warehouse", "user_session: ttl: 3600", "warehouse", "user_session", "42:context", 3600s},
        {37, "Warehouse", "config_data: ttl: 86400", "warehouse", "config_data", "limits", 86400s},
        {38, "Hotel", "USER_STATS_TTL = 300", "hotel", "user_stats", "all", 300s},
        {38, "Hotel", "USER_LIST_TTL = 60", "hotel", "user_list", "1:all", 60s},
        {38, "Hotel", "USER_DETAILS_TTL = 180", "hotel", "user_details", "5779356081", 180s},
        {38, "Hotel", "DASHBOARD_STATS_TTL = 600", "hotel", "dashboard_stats", "all", 600s},
        {38, "Hotel", "SUPERADMIN_USER_LIST_TTL = 900", "hotel", "superadmin_user_list", "1:all", 900s},
        {39, "Panic", "User profiles: 1 hour (3600s)", "panic", "user.profile", "9", 3600s},
        {39, "Panic", "User groups: 30 minutes (1800s)", "panic", "user.groups", "9", 1800s},
        {39, "Panic", "Active products: 30 minutes (1800s)", "panic", "active_products", "all", 1800s},
        {39, "Panic", "Coverage areas: 1 hour (3600s)", "panic", "firm.coverage_areas", "3", 3600s},
        {39, "Panic", "Temporary data: 15 minutes (900s)", "panic", "scratch", "upload:17", 900s},
        {39, "Panic", "Cache for 15 minutes (user_dashboard)", "panic", "user.dashboard", "9", 900s},
        {40, "Panic", "REDIS_CACHE_TTL: int = 3600", "panic", "firm.details", "3", 3600s},
        {40, "Panic", "REDIS_CACHE_TTL, set to 120", "panic", "firm.details", "3", 120s, {}, "", {{"REDIS_CACHE_TTL", "120"}}},
        {40, "Hotel", "set(key, value, ttl: int = 300)", "hotel", "user_service", "get_user_details:user_id:5779356081", 300s},
        {44, "Hotel", "development: USER_STATS_TTL = 60", "hotel", "user_stats", "all", 60s, {}, "development"},
        {44, "Hotel", "development: USER_LIST_TTL = 30", "hotel", "user_list", "1:all", 30s, {}, "development"},
        {44, "Hotel", "development: DASHBOARD_STATS_TTL = 120", "hotel", "dashboard_stats", "all", 120s, {}, "development"},
        {44, "Hotel", "production: USER_STATS_TTL = 600", "hotel", "user_stats", "all", 600s, {}, "production"},
        {44, "Hotel", "production: USER_LIST_TTL = 300", "hotel", "user_list", "1:all", 300s, {}, "production"},
        {44, "Hotel", "production: DASHBOARD_STATS_TTL = 1800", "hotel", "dashboard_stats", "all", 1800s, {}, "production"},
    };
    return rows;
}

std::string text_of(const std::string& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string noise(std::size_t size, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
}

}  // namespace

TEST_CASE("an entry lives as long as its system's document says, and no longer", "[seeds]") {
    for (const Lifetime& row : lifetimes()) {
        INFO("item " << row.item << ", " << row.system << ": " << row.literal << " -> " << row.policy << ": "
                     << row.space << " \"" << row.key << "\"");
        SeedOptions options;
        options.profile = row.profile;
        options.env = row.env;
        SeedSystem system(row.policy, options);
        const auto& ttl = system.space(row.space).ttl;
        REQUIRE(ttl);
        REQUIRE(system.put(row.space, row.key, "value", row.with) == LARDER_OK);
        const auto got = system.get(row.space, row.key);
        REQUIRE(got);
        // Jitter takes away at most its share, and never adds.
        const std::chrono::milliseconds life = row.life;
        const auto least = std::chrono::milliseconds(
            static_cast<std::int64_t>(static_cast<double>(life.count()) * (1 - ttl->jitter)));
        CHECK(ttl->jitter <= 0.1);
        CHECK(got->left <= life);
        CHECK(got->left >= least);
        system.clock.advance(got->left - 1ms);
        CHECK(system.has(row.space, row.key));
        system.clock.advance(1ms);
        CHECK_FALSE(system.has(row.space, row.key));
    }
}

TEST_CASE("sessions are declared with the lifetimes of their systems' documents", "[seeds]") {
    struct Row {
        int item;
        const char* system;
        const char* literal;
        const char* policy;
        const char* name;
        std::chrono::seconds life;
    };
    for (const Row& row : {Row{36, "AuraConnect", "session | 30 minutes", "auraconnect", "staff_login", 30min},
                           Row{37, "Warehouse", "user_session: ttl: 3600", "warehouse", "chat", 3600s},
                           Row{39, "Panic", "Session data: 30 minutes (1800s)", "panic", "login", 1800s}}) {
        INFO("item " << row.item << ", " << row.system << ": " << row.literal);
        SeedSystem system(row.policy);
        const auto policy = system.cache().policy();
        const auto it = std::find_if(policy->sessions.begin(), policy->sessions.end(),
                                     [&](const dsl::Session& s) { return s.name == row.name; });
        REQUIRE(it != policy->sessions.end());
        REQUIRE(it->ttl);
        CHECK(it->ttl->ttl == row.life);
        CHECK(it->ttl->sliding);
    }
}

namespace {

struct Kind {  // cache.types of the warehouse's configuration
    const char* literal;
    const char* space;
    std::uint64_t limit;
    bool compressed;
};
constexpr Kind kinds[] = {
    {"sql_query: max_size: 100MB, compression: true", "sql_query", 100'000'000, true},
    {"vector_search: max_size: 500MB, compression: true", "vector_search", 500'000'000, true},
    {"evidence_pack: max_size: 200MB, compression: true", "evidence_pack", 200'000'000, true},
    {"user_session: max_size: 50MB, compression: false", "user_session", 50'000'000, false},
    {"config_data: max_size: 10MB, compression: false", "config_data", 10'000'000, false},
};

std::string key_in(const Kind& kind, int i) {
    const std::string name = kind.space, number = std::to_string(i);
    return name == "config_data" ? number : number + ":a";
}

}  // namespace

TEST_CASE("each kind of the warehouse has its quota in the stores it uses", "[seeds]") {
    TestCacheOptions options;
    options.stores = {"l1", "l2", "db"};
    options.path = shipped_policy("warehouse");
    TestCache cache(text_of(options.path), options);
    const auto told = cache.stores[0]->limits();
    for (const Kind& kind : kinds) {
        INFO("item 42, Warehouse: " << kind.literal);
        CHECK(std::count_if(told.begin(), told.end(), [&](const auto& one) {
                  return one.second.bytes == kind.limit && one.second.entries == 0;
              }) == 1);
    }
}

TEST_CASE("a kind that reaches its quota gives up its own entries and nobody else's", "[seeds]") {
    SeedOptions options;
    options.capacity = "256MiB";
    SeedSystem system("warehouse", options);
    REQUIRE(system.put("sql_query", "9f:3c", "kept", {{"table", "stock"}}) == LARDER_OK);
    const std::string value = noise(100'000, 42);
    for (const Kind& kind : kinds) {
        if (kind.compressed) continue;
        INFO("item 42, Warehouse: " << kind.literal);
        const auto enough = static_cast<int>(kind.limit / value.size()) * 13 / 10;
        for (int i = 0; i < enough; ++i)
            REQUIRE(system.put(kind.space, key_in(kind, i), value) == LARDER_OK);
        // In l1 alone: the other tiers have the same limit each, and statistics add them up.
        system.after(2s);
        const auto bytes = static_cast<std::uint64_t>(system.stat("namespaces", kind.space, "bytes"));
        const auto entries = static_cast<std::uint64_t>(system.stat("namespaces", kind.space, "entries"));
        CHECK(entries * value.size() <= kind.limit);
        CHECK(entries * value.size() >= kind.limit * 9 / 10);
        CHECK(bytes <= kind.limit * system.space(kind.space).tiers.size());
    }
    CHECK(system.has("sql_query", "9f:3c"));
}

TEST_CASE("memory keeps a copy for as long as its level's ttl, and the level below for the rest", "[seeds]") {
    struct Row {
        int item;
        const char* literal;
        const char* space;
        std::chrono::seconds in_memory, life;
        std::map<std::string, std::string> env = {};
    };
    for (const Row& row : {
             Row{67, "reports: ttl=3600, memory_cache_ttl=300", "reports", 300s, 3600s},
             Row{67, "with_memory_cache(namespace=api, ttl=60) over ttl=3600", "api", 60s, 3600s},
             Row{68, "MEMORY_CACHE_DEFAULT_TTL=60 over user_data: ttl=7200", "user_data", 60s, 7200s},
             Row{68, "MEMORY_CACHE_DEFAULT_TTL=60 over analytics: ttl=86400", "analytics", 60s, 86400s},
             Row{68, "MEMORY_CACHE_DEFAULT_TTL, set to 20", "user_data", 20s, 7200s, {{"MEMORY_CACHE_DEFAULT_TTL", "20"}}},
         }) {
        INFO("item " << row.item << ", Enhancements: " << row.literal);
        SeedOptions options;
        options.env = row.env;
        SeedSystem system("enhanced", options);
        const auto hits = [&system](const char* tier) { return system.stat("tiers", tier, "hits"); };
        REQUIRE(system.put(row.space, "1", "value") == LARDER_OK);
        system.clock.advance(row.in_memory - 1s);
        CHECK(system.has(row.space, "1"));
        CHECK(hits("l2") == 0);
        system.clock.advance(1s);
        CHECK(system.has(row.space, "1"));
        CHECK(hits("l2") == 1);
        // It is back in memory, for the same time again.
        CHECK(system.has(row.space, "1"));
        CHECK(hits("l2") == 1);
        system.clock.advance(row.life - row.in_memory);
        CHECK_FALSE(system.has(row.space, "1"));
    }
}

TEST_CASE("memory holds a thousand entries of a namespace, and the level below all of them", "[seeds]") {
    for (const auto& [literal, env, most] :
         {std::tuple<const char*, std::map<std::string, std::string>, int>{"MEMORY_CACHE_SIZE_PER_NAMESPACE=1000", {}, 1000},
          {"MEMORY_CACHE_SIZE_PER_NAMESPACE, set to 200", {{"MEMORY_CACHE_SIZE_PER_NAMESPACE", "200"}}, 200}}) {
        INFO("item 68, Enhancements: " << literal);
        SeedOptions options;
        options.env = env;
        SeedSystem system("enhanced", options);
        for (int i = 0; i < 1500; ++i) {
            REQUIRE(system.put("api", std::to_string(i), "value") == LARDER_OK);
            if (i % 10 == 0) REQUIRE(system.put("user_data", std::to_string(i), "value") == LARDER_OK);
        }
        const int others = most < 150 ? most : 150;
        CHECK(system.stat("tiers", "l1", "entries") <= most + others);
        CHECK(system.stat("tiers", "l1", "entries") >= (most + others) * 99 / 100);
        CHECK(system.stat("tiers", "l2", "entries") == 1650);
        CHECK(system.has("api", "0"));
        CHECK(system.has("api", "1499"));
    }
}

TEST_CASE("values from a kilobyte on are compressed, as the environment says", "[seeds]") {
    struct Row {
        const char* literal;
        const char* space;
        std::size_t least;  // from here on; 0: nothing is
        std::map<std::string, std::string> env = {};
    };
    const std::map<std::string, std::string> brotli{{"CACHE_COMPRESSION_ALGORITHM", "brotli"}};
    const auto with = [&brotli](const char* name, const char* value) {
        auto env = brotli;
        env[name] = value;
        return env;
    };
    for (const Row& row : {Row{"CACHE_COMPRESSION_THRESHOLD=1024", "reports", 1024, brotli},
                           Row{"CACHE_COMPRESSION_THRESHOLD, set to 512", "reports", 512, with("CACHE_COMPRESSION_THRESHOLD", "512")},
                           Row{"CACHE_COMPRESSION_ENABLED, set to false", "reports", 0, with("CACHE_COMPRESSION_ENABLED", "false")}}) {
        INFO("item 80, Enhancements: " << row.literal);
        SeedOptions options;
        options.env = row.env;
        SeedSystem system("enhanced", options);
        const auto bytes_with = [&](const char* key, std::size_t size) {
            const auto before = system.stat("tiers", "l2", "bytes");
            REQUIRE(system.put(row.space, key, std::string(size, 'x')) == LARDER_OK);
            CHECK(system.get(row.space, key)->value == std::string(size, 'x'));
            return static_cast<std::size_t>(system.stat("tiers", "l2", "bytes") - before);
        };
        if (row.least == 0) {
            CHECK(bytes_with("1", 64 * 1024) > 64 * 1024);
            continue;
        }
        CHECK(bytes_with("1", row.least - 1) >= row.least - 1);
        CHECK(bytes_with("2", row.least) < row.least / 2 + 128);
    }
}

TEST_CASE("objects above 1 MB are not cached, and large ones are kept compressed", "[seeds]") {
    INFO("item 85, Panic: Avoid caching large objects (>1MB); use compression for large cached data");
    SeedSystem system("panic");
    const std::size_t most = 1 << 20;
    CHECK(system.put("user.dashboard", "1", noise(most + 1, 1)) == LARDER_E_TOO_LARGE);
    CHECK(system.put("user.dashboard", "1", std::string(most + 1, 'x')) == LARDER_E_TOO_LARGE);
    CHECK_FALSE(system.has("user.dashboard", "1"));
    CHECK(system.put("user.dashboard", "1", std::string(most, 'x')) == LARDER_OK);
    CHECK(system.get("user.dashboard", "1")->value.size() == most);
    CHECK(system.stat("namespaces", "user.dashboard", "bytes") < 8192);
    // An object that is refused takes nothing away from what is there.
    CHECK(system.put("user.dashboard", "1", std::string(most + 1, 'x')) == LARDER_E_TOO_LARGE);
    CHECK(system.get("user.dashboard", "1")->value.size() == most);
    // Below the threshold of the policy, 16 KiB, nothing is compressed.
    CHECK(system.put("user.profile", "1", std::string(16 * 1024 - 1, 'x')) == LARDER_OK);
    CHECK(system.stat("namespaces", "user.profile", "bytes") > 2 * 16 * 1024);
}

TEST_CASE("what a kind of the warehouse keeps is compressed, or not, as its document says", "[seeds]") {
    SeedSystem system("warehouse");
    const std::string value(64 * 1024, 'x');
    for (const Kind& kind : kinds) {
        INFO("item 43, Warehouse: " << kind.literal);
        REQUIRE(system.put(kind.space, key_in(kind, 1), value, {{"table", "stock"}}) == LARDER_OK);
        const auto tiers = static_cast<std::int64_t>(system.space(kind.space).tiers.size());
        const auto bytes = system.stat("namespaces", kind.space, "bytes") / tiers;
        if (kind.compressed)
            CHECK(bytes < 4096);
        else
            CHECK(bytes > 64 * 1024);
        const auto got = system.get(kind.space, key_in(kind, 1));
        REQUIRE(got);
        CHECK(got->value == value);
    }
}
