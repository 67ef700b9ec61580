// tests/unit/policies/shipped_test.cpp -- every shipped policy is clean, in every profile it has.
#include "tests/catch.hpp"

#include "dsl/compile.hpp"

#include <algorithm>
#include <filesystem>
#include <string>

using namespace larder;

namespace {

std::shared_ptr<const dsl::Policy> shipped(const std::string& name) {
    const std::string path = LARDER_SOURCE_DIR "/policies/" + name + ".larder";
    dsl::CompileOptions options;
    options.env = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
    return dsl::compile({&path, 1}, options).policy;
}

}  // namespace

TEST_CASE("the shipped policies have no finding", "[policies]") {
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(LARDER_SOURCE_DIR "/policies")) {
        if (file.path().extension() != ".larder") continue;
        ++files;
        const std::string path = file.path().string();
        dsl::CompileOptions options;
        options.env = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
        const dsl::Compiled made = dsl::compile({&path, 1}, options);
        INFO(dsl::render_text(*made.sources, made.found, false));
        CHECK(made.ok());
        CHECK(made.found.empty());
    }
    CHECK(files == 5);
}

TEST_CASE("the shipped policies keep the lifetimes of the systems they replace", "[policies]") {
    struct Row {
        const char* policy;
        const char* name;
        int seconds;
    };
    static const Row namespaces[] = {
        {"auraconnect", "menu", 3600}, {"auraconnect", "analytics", 300}, {"auraconnect", "inventory", 600},
        {"auraconnect", "staff", 1800}, {"auraconnect", "orders", 300}, {"auraconnect", "promotions", 600},
        {"warehouse", "sql_query", 300}, {"warehouse", "vector_search", 600}, {"warehouse", "evidence_pack", 1800},
        {"warehouse", "config_data", 86400},
        {"hotel", "user_stats", 300}, {"hotel", "user_list", 60}, {"hotel", "user_details", 180},
        {"hotel", "dashboard_stats", 600}, {"hotel", "superadmin_user_list", 900},
        {"panic", "user.profile", 3600}, {"panic", "user.groups", 1800}, {"panic", "active_products", 1800},
        {"panic", "firm.coverage_areas", 3600}, {"panic", "scratch", 900}, {"panic", "user.dashboard", 900},
    };
    for (const Row& row : namespaces) {
        INFO(row.policy << ": " << row.name);
        const auto policy = shipped(row.policy);
        REQUIRE(policy != nullptr);
        const auto index = policy->find(row.name);
        REQUIRE(index);
        REQUIRE(policy->namespaces[*index].ttl);
        CHECK(policy->namespaces[*index].ttl->ttl == std::chrono::seconds(row.seconds));
    }
    static const Row sessions[] = {{"auraconnect", "staff_login", 1800}, {"warehouse", "chat", 3600}, {"panic", "login", 1800}};
    for (const Row& row : sessions) {
        INFO(row.policy << ": session " << row.name);
        const auto policy = shipped(row.policy);
        REQUIRE(policy != nullptr);
        const auto it = std::find_if(policy->sessions.begin(), policy->sessions.end(), [&](const dsl::Session& s) { return s.name == row.name; });
        REQUIRE(it != policy->sessions.end());
        REQUIRE(it->ttl);
        CHECK(it->ttl->ttl == std::chrono::seconds(row.seconds));
    }
}
