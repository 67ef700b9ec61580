// tests/unit/policies/ttl_classes_test.cpp -- the five classes of volatility, and lifetimes chosen by the dates
// in a key.
#include "dsl/compile.hpp"
#include "seed_system.hpp"
#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

// A policy of an author's own that uses the shared classes.
class OwnPolicy {
  public:
    explicit OwnPolicy(const std::string& text) {
        std::filesystem::create_directory(folder_.path() / "shared");
        std::filesystem::copy_file(LARDER_SOURCE_DIR "/policies/shared/ttl_classes.larder",
                                   folder_.path() / "shared/ttl_classes.larder");
        folder_.write("own.larder", "larder 1\nuse \"shared/ttl_classes.larder\"\n" + text);
    }
    std::string path() const { return folder_.file("own.larder"); }

  private:
    TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("a namespace that names a class of volatility lives within that class", "[classes]") {
    struct Class {
        const char* literal;
        const char* name;
        const char* least_name;
        std::chrono::milliseconds least, most;
    };
    static const Class classes[] = {
        {"Real-time data: 30-60 seconds", "real_time", "real_time_least", 30s, 60s},
        {"Recent/active data: 5-15 minutes", "recent", "recent_least", 5min, 15min},
        {"Reference data: 30-60 minutes", "reference", "reference_least", 30min, 60min},
        {"Historical data: 1-4 hours", "historical", "historical_least", 1h, 4h},
        {"Static content: 24 hours", "static_content", "static_content", 24h, 24h},
    };
    for (const Class& one : classes) {
        INFO("item 41, AuraConnect: " << one.literal);
        const OwnPolicy policy(std::string("namespace longest  { key \"{id}\"; ttl ") + one.name +
                               "; static }\nnamespace shortest { key \"{id}\"; ttl " + one.least_name +
                               "; static }\n");
        SeedSystem system(policy.path());
        REQUIRE(system.put("longest", "1", "value") == LARDER_OK);
        REQUIRE(system.put("shortest", "1", "value") == LARDER_OK);
        CHECK(system.get("longest", "1")->left == one.most);
        CHECK(system.get("shortest", "1")->left == one.least);
        system.clock.advance(one.least);
        CHECK_FALSE(system.has("shortest", "1"));
        CHECK(system.has("longest", "1") == (one.least != one.most));
        system.clock.advance(one.most - one.least);
        CHECK_FALSE(system.has("longest", "1"));
    }
}

TEST_CASE("jitter spreads a namespace over its whole class", "[classes]") {
    const OwnPolicy policy("namespace seat { key \"{id}\"; ttl real_time jitter 50%; static }\n");
    SeedSystem system(policy.path());
    std::vector<std::chrono::milliseconds> lives;
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(system.put("seat", std::to_string(i), "value") == LARDER_OK);
        lives.push_back(system.get("seat", std::to_string(i))->left);
    }
    const auto [least, most] = std::minmax_element(lives.begin(), lives.end());
    CHECK(*least >= 30s);
    CHECK(*least < 31s);
    CHECK(*most <= 60s);
    CHECK(*most > 59s);
}

TEST_CASE("a profile moves a class for every namespace that names it", "[classes]") {
    const OwnPolicy policy(
        "namespace menu  { key \"{id}\"; ttl reference; static }\n"
        "namespace staff { key \"{id}\"; ttl reference; static }\n"
        "profile development { let reference = 2m }\n");
    const std::pair<const char*, std::chrono::milliseconds> profiles[] = {{"", 1h}, {"development", 2min}};
    for (const auto& [profile, life] : profiles) {
        SeedOptions options;
        options.profile = profile;
        SeedSystem system(policy.path(), options);
        for (const char* space : {"menu", "staff"}) {
            INFO(profile << " " << space);
            REQUIRE(system.put(space, "1", "value") == LARDER_OK);
            CHECK(system.get(space, "1")->left == life);
        }
    }
}

TEST_CASE("AuraConnect's lifetimes are those of the shared classes", "[classes]") {
    // A class is moved in the shared file, and the namespaces that name it move along.
    const std::string path = shipped_policy("auraconnect");
    dsl::CompileOptions options;
    options.env = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
    options.read = [](const std::string& file) -> std::optional<std::string> {
        std::stringstream text;
        text << std::ifstream(file).rdbuf();
        std::string out = text.str();
        if (const auto at = out.find("let reference "); at != std::string::npos)
            out.replace(out.find("1h", at), 2, "7h");
        return out;
    };
    const dsl::Compiled made = dsl::compile({&path, 1}, options);
    REQUIRE(made.ok());
    for (const char* space : {"menu.item", "menu.category", "menu.recipe", "menu.recipe_cost", "analytics.insights"}) {
        INFO(space);
        CHECK(made.policy->namespaces[*made.policy->find(space)].ttl->ttl == 7h);
    }
    CHECK(made.policy->namespaces[*made.policy->find("orders.active")].ttl->ttl == 5min);
}

TEST_CASE("the lifetime of analytics follows the date range and the filters of its key", "[classes]") {
    SeedSystem system("auraconnect");
    system.clock.set_wall_ms(1'705'320'000'000);  // 2024-01-15, noon
    struct Row {
        const char* what;
        const char* space;
        const char* key;
        std::chrono::milliseconds most;
    };
    const With tenant{{"tenant_id", "1"}};
    for (const Row& row : {
             Row{"today", "analytics.dashboard", "2024-01-15:2024-01-15:t1", 5min},
             Row{"a week that ends in the future", "analytics.dashboard", "2024-01-15:2024-01-22:t1", 5min},
             Row{"the last seven days, until yesterday", "analytics.dashboard", "2024-01-08:2024-01-14:t1", 1h},
             Row{"thirty days ago is not yet long ago", "analytics.dashboard", "2023-12-01:2023-12-16:t1", 1h},
             Row{"a month that is long over", "analytics.dashboard", "2023-11-01:2023-11-30:t1", 4h},
             Row{"a filter, today", "analytics.filtered", "2024-01-15:2024-01-15:location=1:t1", 5min},
             Row{"a filter, long over", "analytics.filtered", "2023-11-01:2023-11-30:location=1:t1", 1h},
             Row{"sales of today", "analytics.sales", "2024-01-15:t1", 5min},
             Row{"sales of yesterday", "analytics.sales", "2024-01-14:t1", 4h},
             Row{"a key without a date", "analytics.dashboard", "week:week:t1", 5min},
         }) {
        INFO(row.what);
        REQUIRE(system.put(row.space, row.key, "value", tenant) == LARDER_OK);
        const auto got = system.get(row.space, row.key);
        REQUIRE(got);
        CHECK(got->left <= row.most);
        CHECK(got->left >= row.most * 9 / 10);
    }
    // What was today is over tomorrow: an entry made then lives longer.
    system.clock.advance(24h);
    REQUIRE(system.put("analytics.dashboard", "2024-01-15:2024-01-15:t1", "value", tenant) == LARDER_OK);
    CHECK(system.get("analytics.dashboard", "2024-01-15:2024-01-15:t1")->left > 50min);
}
