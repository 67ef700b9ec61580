// tests/unit/dsl/guards_test.cpp -- guards as the kernel gets them, and what is wrong with them.
#include "catch.hpp"
#include "unit/dsl/compiling.hpp"

using namespace larder::dsl;
using namespace larder::dsl::test;

namespace {

const std::string spaces =
    "namespace user { key \"{id}\"; ttl 5m; static }\n"
    "namespace menu {\n  static\n  ttl 5m\n  namespace item { key \"{id}\" }\n}\n";

}  // namespace

TEST_CASE("the shares of a guard are fractions of the namespaces it names, or of everything") {
    const Compiled c = compiled(spaces +
                                "guard {\n  refuse drop above 20% of user, menu.item\n"
                                "  refuse change above 50%\n}\n");
    INFO(rendered(c));
    REQUIRE(c.ok());
    REQUIRE(c.policy->guards.shares.size() == 2);
    const ShareGuard &drop = c.policy->guards.shares[0], &change = c.policy->guards.shares[1];
    CHECK(drop.of == ShareGuard::Of::drop);
    CHECK(drop.above == 0.2);
    CHECK(drop.namespaces ==
          std::vector<NamespaceIndex>{*c.policy->find("user"), *c.policy->find("menu.item")});
    CHECK(drop.text == "refuse drop above 20% of user, menu.item");
    CHECK(change.of == ShareGuard::Of::change);
    CHECK(change.namespaces.empty());
    CHECK(change.where.line == drop.where.line + 1);
}

TEST_CASE("what a guard watches has the conditions of an alert, and 30 seconds without `for`") {
    const Compiled c = compiled(spaces +
                                "guard { watch hit_rate(user) < 60% and requests > 100 for 1m, "
                                "error_rate > 5% }\n");
    INFO(rendered(c));
    REQUIRE(c.ok());
    REQUIRE(c.policy->guards.watches.size() == 2);
    const Alert& first = c.policy->guards.watches[0];
    CHECK(first.hold == Ms(60'000));
    CHECK(first.text == "hit_rate(user) < 60% and requests > 100");
    REQUIRE(first.when.size() == 1);
    CHECK(first.when[0].size() == 2);
    CHECK(c.policy->guards.watches[1].hold == Ms(30'000));
}

TEST_CASE("guards of all files of a policy hold together") {
    CompileOptions options = plain_options();
    options.read = [](const std::string& path) -> std::optional<std::string> {
        if (path == "house.larder") return "guard { refuse change above 10% }\n";
        return std::nullopt;
    };
    const Compiled c =
        compiled("use \"house.larder\"\n" + spaces + "guard { refuse change above 50% }\n", options);
    INFO(rendered(c));
    REQUIRE(c.ok());
    CHECK(c.policy->guards.shares.size() == 2);
}

TEST_CASE("a guard that cannot mean anything is an error where it stands") {
    const auto found = [](const std::string& clause) {
        return codes(compiled(spaces + "guard { " + clause + " }\n"));
    };
    CHECK(found("refuse drop above 10% of usr") == std::set<std::string>{"L0202"});
    CHECK(found("refuse drop above 100%") == std::set<std::string>{"L0232"});
    CHECK(found("refuse change above 5s") != std::set<std::string>{});
    CHECK(found("watch hitrate < 60%") == std::set<std::string>{"L0202"});
    CHECK(found("watch hit_rate(usr) < 60%") == std::set<std::string>{"L0202"});
    CHECK(found("watch hit_rate < 60% for 0s") != std::set<std::string>{});
}
