// tests/unit/config/admin_config_test.cpp -- [admin]: who may ask over HTTP, where, and what entities mean.
#include "catch.hpp"
#include "kernel/config/host_config.hpp"

#include <larder/plugin/abi.h>

using namespace larder;
using test::contains;

namespace {

std::string findings(const std::string& text) {
    const auto loaded = config::parse_host_config("conf/larder.toml", text);
    return dsl::render_text(*loaded.config.sources, loaded.found, false);
}

}  // namespace

TEST_CASE("nothing listens over HTTP and nobody may ask unless it is written") {
    const auto admin = config::parse_host_config("a.toml", "").config.admin;
    CHECK(admin.listen.empty());
    CHECK(admin.tokens.empty());
    CHECK(admin.open.empty());
    CHECK_FALSE(admin.remote);
    CHECK(admin.mounts.size() == 4);
}

TEST_CASE("tokens have a role and a reference, entities a field and an event") {
    const auto loaded = config::parse_host_config(
        "a.toml", "[admin]\nlisten = \"127.0.0.1:7382\"\nmount = [\"/x/\"]\nopen = [\"health\"]\n[admin.tokens]\n"
                  "ops = { role = \"admin\", secret = { env = \"OPS\" } }\napp = { role = \"invalidate\", secret = { file = \"/run/app\" } }\n"
                  "[admin.entities]\nuser_id = \"user_changed\"\n");
    REQUIRE(loaded.ok());
    const auto& admin = loaded.config.admin;
    REQUIRE(admin.tokens.size() == 2);
    CHECK(admin.tokens[0].name == "ops");
    CHECK(admin.tokens[0].role == LARDER_ROLE_ADMIN);
    CHECK(admin.tokens[1].secret.text() == "file:/run/app");
    CHECK(admin.mounts == std::vector<std::string>{"/x"});
    CHECK(admin.entities.front() == std::pair<std::string, std::string>("user_id", "user_changed"));
}

TEST_CASE("a token's secret does not stand in the file, and its role is one of three") {
    CHECK_THAT(findings("[admin.tokens]\nops = \"a literal that is long enough\"\n"), contains("L0504"));
    CHECK_THAT(findings("[admin.tokens]\nops = { role = \"admin\", secret = \"a literal\" }\n"), contains("L0504"));
    CHECK_THAT(findings("[admin.tokens]\nops = { role = \"admim\", secret = { env = \"A\" } }\n"), contains("did you mean `admin`"));
    CHECK_THAT(findings("[admin.tokens]\nops = { role = \"admin\" }\n"), contains("no secret"));
    CHECK_THAT(findings("[admin.tokens]\nops = { secret = { env = \"A\" } }\n"), contains("no role"));
    CHECK_THAT(findings("[admin.tokens]\nops = { role = \"read\", secret = { env = \"A\" }, ttl = 5 }\n"), contains("unknown key `ttl`"));
    CHECK_THAT(findings("[admin]\nmount = [\"api\"]\n"), contains("prefixes like"));
    CHECK_THAT(findings("[admin]\nlisten = 7382\n"), contains("L0503"));
}
