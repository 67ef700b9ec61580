// tests/unit/cache/guards_test.cpp -- guards refuse what a person drops unasked, with counts, and nothing else.
#include "catch.hpp"
#include "tests/support/test_cache.hpp"

using namespace larder;
using test::contains;
using test::TestCache;

namespace {

const std::string policy =
    "namespace user { key \"{id}\"; ttl 5m; tag \"half:{id}\" }\n"
    "namespace page { key \"{id}\"; ttl 5m; depends on user \"{id}\" }\n"
    "namespace menu {\n  ttl 5m\n  static\n  namespace item { key \"{id}\" }\n}\n"
    "on event \"all\" { drop user, menu }\n"
    "on event \"half\" (id) { drop tag \"half:{id}\" }\n";
const std::string guard = "guard { refuse drop above 20% of user; refuse drop above 50% }\n";

struct Asked {
    larder_status status = LARDER_OK;
    std::string json;
};

Asked drop(TestCache& c, std::uint32_t kind, std::string_view space, std::string_view what, std::uint32_t flags = LARDER_CALL_GUARDED,
           std::uint32_t action = LARDER_DROP) {
    const larder_target target{kind, space.empty() ? LARDER_NS_NONE : c.ns(space), test::b(what)};
    larder_receipt receipt{};
    receipt.struct_size = sizeof receipt;
    larder_call call{};
    call.struct_size = sizeof call;
    call.flags = flags;
    Asked out;
    out.status = c.cache->change(action, &target, 1, &receipt, &call);
    if (receipt.json.data != nullptr) out.json.assign(static_cast<const char*>(receipt.json.data), receipt.json.size);
    if (receipt.json.release != nullptr) receipt.json.release(&receipt.json);
    return out;
}

// Ten users, ten menu items, one page.
void fill(TestCache& c) {
    for (int i = 0; i < 10; ++i) {
        REQUIRE(c.put("user", std::to_string(i), "x") == LARDER_OK);
        REQUIRE(c.put("menu.item", std::to_string(i), "x") == LARDER_OK);
    }
    REQUIRE(c.put("page", "1", "x") == LARDER_OK);
}

}  // namespace

TEST_CASE("what takes more than a guard's share is refused with the counts, and nothing of it is done", "[guard]") {
    TestCache c(policy + guard);
    fill(c);
    const Asked refused = drop(c, LARDER_TARGET_NAMESPACE, "user", "");
    CHECK(refused.status == LARDER_E_REFUSED);
    CHECK_THAT(refused.json, contains("takes 10 of 10 entries of user (100%); refuse drop above 20% of user"));
    CHECK_THAT(refused.json, contains("\"counted\":\"exact\""));
    CHECK(c.get("user", "1"));
    CHECK(drop(c, LARDER_TARGET_NAMESPACE, "user", "", LARDER_CALL_GUARDED, LARDER_EXPIRE).status == LARDER_E_REFUSED);
    CHECK(drop(c, LARDER_TARGET_EVERYTHING, "", "").status == LARDER_E_REFUSED);
    CHECK(c.get("menu.item", "1"));
}

TEST_CASE("what is confirmed is done whatever a guard says", "[guard]") {
    TestCache c(policy + guard);
    fill(c);
    CHECK(drop(c, LARDER_TARGET_NAMESPACE, "user", "", 0).status == LARDER_OK);
    CHECK_FALSE(c.get("user", "1"));
}

TEST_CASE("what takes no more than the share is done without a word", "[guard]") {
    TestCache c(policy + guard);
    fill(c);
    // Ten of twenty-one entries, of a namespace that has no guard of its own.
    CHECK(drop(c, LARDER_TARGET_NAMESPACE, "menu", "").status == LARDER_OK);
    CHECK_FALSE(c.get("menu.item", "1"));
    // One of ten users, and the page that depends on it.
    CHECK(drop(c, LARDER_TARGET_TAG, "", "half:1").status == LARDER_OK);
    CHECK_FALSE(c.get("user", "1"));
    CHECK_FALSE(c.get("page", "1"));
}

TEST_CASE("a guard of a namespace judges its children with it", "[guard]") {
    TestCache c(policy + "guard { refuse drop above 20% of menu }\n");
    fill(c);
    CHECK(drop(c, LARDER_TARGET_NAMESPACE, "menu.item", "").status == LARDER_E_REFUSED);
    CHECK(drop(c, LARDER_TARGET_MATCHING, "menu.item", "1*").status == LARDER_OK);
    CHECK(drop(c, LARDER_TARGET_MATCHING, "menu.item", "*").status == LARDER_E_REFUSED);
}

TEST_CASE("entries that are over count on neither side", "[guard]") {
    TestCache c(policy + guard);
    fill(c);
    c.drop_space("user");  // dead, and still in memory
    REQUIRE(c.put("user", "1", "x") == LARDER_OK);
    const Asked refused = drop(c, LARDER_TARGET_NAMESPACE, "user", "");
    CHECK(refused.status == LARDER_E_REFUSED);
    CHECK_THAT(refused.json, contains("takes 1 of 1 entries of user"));
}

TEST_CASE("an empty cache has nothing to guard", "[guard]") {
    TestCache c(policy + guard);
    CHECK(drop(c, LARDER_TARGET_EVERYTHING, "", "").status == LARDER_OK);
}

TEST_CASE("an entry that is named by its key goes, be it the only one; with what depends on it it is judged", "[guard]") {
    TestCache c(policy + "guard { refuse drop above 20% of menu, page }\n");
    REQUIRE(c.put("menu.item", "1", "x") == LARDER_OK);
    REQUIRE(c.put("user", "1", "x") == LARDER_OK);
    REQUIRE(c.put("page", "1", "x") == LARDER_OK);
    CHECK(drop(c, LARDER_TARGET_KEY, "menu.item", "1").status == LARDER_OK);
    CHECK_FALSE(c.get("menu.item", "1"));
    CHECK(drop(c, LARDER_TARGET_KEY, "user", "1").status == LARDER_E_REFUSED);
    CHECK(c.get("page", "1"));
}

TEST_CASE("rules are never refused: they are the policy", "[guard]") {
    TestCache c(policy + guard);
    fill(c);
    larder_call call{};
    call.struct_size = sizeof call;
    call.flags = LARDER_CALL_GUARDED;
    CHECK(c.cache->event("all", nullptr, 0, nullptr, &call) == LARDER_OK);
    CHECK_FALSE(c.get("user", "1"));
    CHECK_FALSE(c.get("menu.item", "1"));
}

TEST_CASE("a rehearsal says what a guard would refuse, and a policy without guards counts nothing", "[guard]") {
    TestCache c(policy + guard);
    fill(c);
    const Asked said = drop(c, LARDER_TARGET_NAMESPACE, "user", "", LARDER_CALL_GUARDED | LARDER_CALL_REHEARSE);
    CHECK(said.status == LARDER_OK);
    CHECK(c.get("user", "1"));
    c.install(policy);
    CHECK(drop(c, LARDER_TARGET_EVERYTHING, "", "").status == LARDER_OK);
    CHECK_FALSE(c.get("user", "1"));
}

TEST_CASE("emptying a store is refused where entries have no other place, and only there", "[guard]") {
    test::TestCacheOptions two;
    two.stores = {"l1", "l2"};
    TestCache c("defaults { tiers l1 -> l2 }\n" + policy + "namespace top { key \"{id}\"; ttl 5m; static; tiers l1 }\n" +
                    "guard { refuse drop above 20% of user, top }\n",
                two);
    REQUIRE(c.put("user", "1", "x") == LARDER_OK);
    CHECK(drop(c, LARDER_TARGET_TIER, "", "l1").status == LARDER_OK);
    CHECK(c.get("user", "1"));
    REQUIRE(c.put("top", "1", "x") == LARDER_OK);
    const Asked refused = drop(c, LARDER_TARGET_TIER, "", "l1");
    CHECK(refused.status == LARDER_E_REFUSED);
    CHECK_THAT(refused.json, contains("1 of 1 entries of top"));
    CHECK(drop(c, LARDER_TARGET_TIER, "", "l2").status == LARDER_OK);
}

TEST_CASE("holdings are the entries that can be read, by namespace", "[guard]") {
    TestCache c(policy);
    fill(c);
    c.drop_tag("half:3");
    c.after(Ms(1));
    for (const SpaceShare& one : c.cache->holdings()) {
        INFO(one.name);
        CHECK(one.counted == Counted::exact);
        CHECK(one.live == (one.name == "user" ? 9u : one.name == "page" ? 1u : 10u));
        CHECK(one.goes == one.live);
    }
}

TEST_CASE("a share that nobody can count is one that is refused", "[guard]") {
    const auto made = dsl::compile_text("test.larder", policy + guard, {});
    REQUIRE(made.ok());
    SpaceShare user;
    user.name = "user";
    user.unseen = user.touched = true;
    user.counted = Counted::at_least;
    const auto found = breaches_of(*made.policy, dsl::ShareGuard::Of::drop, std::span(&user, 1));
    REQUIRE(found.size() == 2);
    CHECK(found[0].unknown);
    CHECK_THAT(breach_text(found[0]), contains("nobody can count"));
    user.touched = false;
    CHECK(breaches_of(*made.policy, dsl::ShareGuard::Of::drop, std::span(&user, 1)).empty());
    user.touched = user.all = true;
    CHECK(breaches_of(*made.policy, dsl::ShareGuard::Of::drop, std::span(&user, 1)).front().share == 1);
}

TEST_CASE("numbers are written as people read them") {
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(48211) == "48,211");
    CHECK(grouped(1234567) == "1,234,567");
    CHECK(numbers_text(1, 48211, Counted::at_least) == "at least 1 of 48,211");
}
