// tests/unit/cache/drop_test.cpp -- what makes entries stale, and what leaves them alone.
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const shop = R"(larder 1
namespace menu {
  ttl 1h
  tag "tenant:{tenant}"
  with tenant
  namespace item   { key "{id}"; tag "menu_items", "category:{category}"; with category }
  namespace recipe { key "{id}" }
}
namespace orders { key "{day}:{table}"; ttl 1h }
namespace stock  { key "stock:{sku}:{place}"; ttl 1h }
namespace board  { key "{id}"; ttl 1h; depends on stock "stock:{id}:berlin" }
namespace wall   { key "{id}"; ttl 1h; depends on board "{id}" }
namespace sums   { key "all"; ttl 1h; depends on orders }
namespace page   { key "{id}"; ttl 1h; stale 30s while revalidating, 10m on error }

on write "/items/{id}"            { drop menu.item "{id}" }
on write "/category/{category}"   { drop tag "category:{category}" }
on PUT "/menu" status 200         { drop menu }
on event "month" (month)          { drop orders matching "{month}-*" }
on event "sku" (sku)              { drop stock matching "stock:{sku}:*" }
on write "/tenant" {
  let tenant = header "X-Tenant"
  drop tag "tenant:{tenant}"
}
on write "/body" {
  let id = json "order.id"
  drop menu.item "{id}"
}
on write "/pages/{id}"            { expire page "{id}" }
on POST "/pages"                  { expire page }
on write "/both"                  { expire page }
on POST "/both"                   { drop page }
on drop of menu.recipe "{id}"     { drop page "{id}" }
on write "/recipes/{id}"          { drop menu.recipe "{id}" }
)";

using With = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("dropping one tag drops every entry that carries it, in every namespace, and no other", "[drop]") {
    TestCache c(shop);
    c.put_with("menu.item", "1", "a", With{{"tenant", "1"}, {"category", "5"}});
    c.put_with("menu.item", "2", "b", With{{"tenant", "2"}, {"category", "5"}});
    c.put_with("menu.recipe", "1", "c", With{{"tenant", "1"}});
    c.drop_tag("tenant:1");
    CHECK_FALSE(c.get("menu.item", "1"));
    CHECK_FALSE(c.get("menu.recipe", "1"));
    CHECK(c.get("menu.item", "2") == "b");
    c.drop_tag("menu_items");
    CHECK_FALSE(c.get("menu.item", "2"));
}

TEST_CASE("an entry put without its `with` values goes with every tag it might carry", "[drop]") {
    TestCache c(shop);
    c.put("menu.item", "1", "a");
    c.drop_tag("other:5");
    CHECK(c.get("menu.item", "1") == "a");
    c.drop_tag("category:5");
    CHECK_FALSE(c.get("menu.item", "1"));
}

TEST_CASE("dropping a namespace drops its children", "[drop]") {
    TestCache c(shop);
    c.put_with("menu.item", "1", "a", With{{"tenant", "1"}, {"category", "5"}});
    c.put_with("menu.recipe", "1", "b", With{{"tenant", "1"}});
    c.put("stock", "stock:A1:berlin", "p");
    c.drop_space("menu.item");
    CHECK_FALSE(c.get("menu.item", "1"));
    CHECK(c.get("menu.recipe", "1") == "b");
    c.drop_space("menu");
    CHECK_FALSE(c.get("menu.recipe", "1"));
    CHECK(c.get("stock", "stock:A1:berlin") == "p");
}

TEST_CASE("a declared pattern drops what its captures name and nothing else", "[drop]") {
    TestCache c(shop);
    c.put("stock", "stock:A1:berlin", "1");
    c.put("stock", "stock:A1:paris", "2");
    c.put("stock", "stock:B2:paris", "3");
    c.event("sku", {{"sku", "A1"}});
    CHECK_FALSE(c.get("stock", "stock:A1:berlin"));
    CHECK_FALSE(c.get("stock", "stock:A1:paris"));
    CHECK(c.get("stock", "stock:B2:paris") == "3");
}

TEST_CASE("a pattern may cut a date in the middle of a key", "[drop]") {
    TestCache c(shop);
    c.put("orders", "2024-01-15:7", "a");
    c.put("orders", "2024-02-15:7", "b");
    c.put("orders", "2025-01-15:7", "c");
    c.event("month", {{"month", "2024-01"}});
    CHECK_FALSE(c.get("orders", "2024-01-15:7"));
    CHECK(c.get("orders", "2024-02-15:7") == "b");
    c.event("month", {{"month", "2024"}});
    CHECK_FALSE(c.get("orders", "2024-02-15:7"));
    CHECK(c.get("orders", "2025-01-15:7") == "c");
}

TEST_CASE("a pattern nobody declared drops what it matches, and what is put afterwards lives", "[drop]") {
    TestCache c(shop);
    c.put("page", "user-1", "a");
    c.put("page", "user-2", "b");
    c.put("page", "admin-1", "c");
    c.drop_matching("page", "user-*");
    CHECK_FALSE(c.get("page", "user-1"));
    CHECK_FALSE(c.get("page", "user-2"));
    CHECK(c.get("page", "admin-1") == "c");
    c.put("page", "user-1", "new");
    CHECK(c.get("page", "user-1") == "new");
}

TEST_CASE("more patterns than are remembered drop the namespace", "[drop]") {
    TestCache c(shop);
    c.put("page", "kept", "x");
    for (int i = 0; i < 256; ++i) c.drop_matching("page", "p" + std::to_string(i) + "*");
    CHECK(c.get("page", "kept") == "x");
    c.drop_matching("page", "one-more*");
    CHECK_FALSE(c.get("page", "kept"));
}

TEST_CASE("dependents go with what they depend on, through any number of steps", "[drop]") {
    TestCache c(shop);
    const auto fill = [&] {
        c.put("stock", "stock:A1:berlin", "s");
        c.put("board", "A1", "b");
        c.put("board", "B2", "other");
        c.put("wall", "A1", "w");
    };
    fill();
    c.drop_key("stock", "stock:A1:berlin");
    CHECK_FALSE(c.get("board", "A1"));
    CHECK_FALSE(c.get("wall", "A1"));
    CHECK(c.get("board", "B2") == "other");
    fill();
    c.remove("stock", "stock:A1:berlin");
    CHECK_FALSE(c.get("wall", "A1"));
    fill();
    c.drop_space("stock");
    CHECK_FALSE(c.get("board", "B2"));
    CHECK_FALSE(c.get("wall", "A1"));
    fill();
    c.event("sku", {{"sku", "A1"}});
    CHECK_FALSE(c.get("board", "A1"));
    CHECK(c.get("board", "B2") == "other");
    fill();
    c.put("stock", "stock:A1:berlin", "again");  // a put is no drop
    CHECK(c.get("board", "A1") == "b");
}

TEST_CASE("a dependency on any entry of a namespace follows all of them", "[drop]") {
    TestCache c(shop);
    c.put("sums", "all", "x");
    c.drop_key("orders", "2024-01-01:3");
    CHECK_FALSE(c.get("sums", "all"));
    c.put("sums", "all", "x");
    c.event("month", {{"month", "2024-01"}});
    CHECK_FALSE(c.get("sums", "all"));
    c.put("sums", "all", "x");
    c.drop_matching("orders", "*:3");
    CHECK_FALSE(c.get("sums", "all"));
}

TEST_CASE("a dependency can be added to one entry at run time", "[drop]") {
    TestCache c(shop);
    c.put("page", "1", "x");
    c.put("page", "2", "y");
    REQUIRE(c.cache->add_dependency(c.ns("page"), "1", c.ns("stock"), "stock:A1:berlin", nullptr) == LARDER_OK);
    CHECK(c.get("page", "1") == "x");
    c.drop_key("stock", "stock:A1:berlin");
    CHECK_FALSE(c.get("page", "1"));
    CHECK(c.get("page", "2") == "y");
    CHECK(c.cache->add_dependency(c.ns("page"), "none", c.ns("stock"), "stock:A1:berlin", nullptr) == LARDER_MISS);
}

TEST_CASE("a route rule drops what the path names, after 2xx and 3xx only", "[drop][route]") {
    TestCache c(shop);
    const auto fill = [&] { c.put_with("menu.item", "42", "x", With{{"tenant", "1"}, {"category", "5"}}); };
    fill();
    c.request("PUT", "/items/42", 422);
    c.request("GET", "/items/42", 200);
    c.request("PUT", "/items/43", 200);
    CHECK(c.get("menu.item", "42") == "x");
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
        fill();
        c.request(method, "/items/42", 204);
        CHECK_FALSE(c.get("menu.item", "42"));
    }
    fill();
    c.request("PUT", "/items/42", 302);
    CHECK_FALSE(c.get("menu.item", "42"));
    fill();
    c.request("PUT", "/menu", 201);  // this rule says status 200
    CHECK(c.get("menu.item", "42") == "x");
    c.request("PUT", "/menu", 200);
    CHECK_FALSE(c.get("menu.item", "42"));
}

TEST_CASE("what a route captures and what a client writes name one entry", "[drop][route]") {
    TestCache c(shop);
    c.put("menu.item", "a:b c", "x");
    c.request("PUT", "/items/a:b%20c");
    CHECK_FALSE(c.get("menu.item", "a:b c"));
}

TEST_CASE("a rule takes values from headers and bodies, and goes wide without them", "[drop][route]") {
    TestCache c(shop);
    const auto fill = [&] {
        c.put_with("menu.item", "1", "a", With{{"tenant", "1"}, {"category", "5"}});
        c.put_with("menu.item", "2", "b", With{{"tenant", "2"}, {"category", "5"}});
    };
    fill();
    c.request("POST", "/tenant", 200, {{"x-tenant", "1"}});
    CHECK_FALSE(c.get("menu.item", "1"));
    CHECK(c.get("menu.item", "2") == "b");
    fill();
    c.request("POST", "/body", 200, {}, R"({"order":{"id":2}})");
    CHECK(c.get("menu.item", "1") == "a");
    CHECK_FALSE(c.get("menu.item", "2"));
    fill();
    const std::string receipt = c.request("POST", "/body", 200, {}, "not json");
    CHECK_FALSE(c.get("menu.item", "1"));
    CHECK(receipt.find("nothing gave {id} a value") != std::string::npos);
}

TEST_CASE("the strongest action wins for a target that several rules name", "[drop][route]") {
    TestCache c(shop);
    c.put("page", "1", "x");
    const std::string receipt = c.request("POST", "/both");
    CHECK(receipt.find("drop page") != std::string::npos);
    CHECK(receipt.find("expire page") == std::string::npos);
    CHECK_FALSE(c.load("page", "1", [] { return Loaded{LARDER_E_IO, {}, 0, {}}; }));
}

TEST_CASE("expired entries are served on error, dropped ones never", "[drop]") {
    TestCache c(shop);
    const Loader broken = [] { return Loaded{LARDER_E_IO, {}, 0, {}}; };
    c.put("page", "1", "x");
    c.request("POST", "/pages");
    CHECK_FALSE(c.get("page", "1"));
    c.after(31s);
    std::uint32_t found = 0;
    CHECK(c.load("page", "1", broken, nullptr, &found) == "x");
    CHECK((found & LARDER_FOUND_STALE) != 0);
    c.put("page", "2", "y");
    c.request("PUT", "/pages/2");
    c.after(31s);
    CHECK(c.load("page", "2", broken) == "y");
    c.after(10min);
    CHECK_FALSE(c.load("page", "2", broken));
    c.put("page", "3", "z");
    c.drop_key("page", "3");
    CHECK_FALSE(c.load("page", "3", broken));
}

TEST_CASE("a rule can follow another namespace's drops", "[drop]") {
    TestCache c(shop);
    c.put("page", "7", "x");
    c.put("page", "8", "y");
    c.request("PUT", "/recipes/7");
    CHECK_FALSE(c.get("page", "7"));
    CHECK(c.get("page", "8") == "y");
    c.drop_space("menu");  // all recipes: the rule cannot know which pages
    CHECK_FALSE(c.get("page", "8"));
}

TEST_CASE("a receipt names the rules by file and line", "[drop]") {
    TestCache c(shop);
    const std::string receipt = c.request("PUT", "/items/42");
    CHECK(receipt.find("test.larder:16") != std::string::npos);
    CHECK(receipt.find(R"(drop menu.item \"42\")") != std::string::npos);
    CHECK(c.request("PUT", "/nothing").find("\"rules\":[]") != std::string::npos);
    CHECK(c.cache->why(c.ns("menu.item"), "42").find("test.larder:16 PUT /items/42") != std::string::npos);
}

TEST_CASE("a policy that changes nothing about a namespace leaves it warm, one that adds a tag cools it", "[reload]") {
    TestCache c("larder 1\nnamespace a { key \"{id}\"; ttl 1h }\nnamespace b { key \"{id}\"; ttl 1h }\n");
    c.put("a", "1", "x");
    c.put("b", "1", "y");
    c.install("larder 1\nnamespace a { key \"{id}\"; ttl 2h }\nnamespace b { key \"{id}\"; ttl 1h; tag \"t\" }\n");
    CHECK(c.get("a", "1") == "x");
    CHECK_FALSE(c.get("b", "1"));
}

TEST_CASE("a small table of records loses entries, never correctness", "[drop]") {
    TestCacheOptions small;
    small.records = 64;
    TestCache c("larder 1\nnamespace a { key \"{id}\"; ttl 1h; tag \"t:{id}\" }\n", small);
    for (int i = 0; i < 2000; ++i) {
        const std::string id = std::to_string(i);
        c.put("a", id, "x");
        c.drop_tag("t:" + id);
        CHECK_FALSE(c.get("a", id));
    }
    for (int i = 0; i < 2000; ++i) CHECK_FALSE(c.get("a", std::to_string(i)));
}

TEST_CASE("a rule on drop of fires for each key that one request drops, and for all of them") {
    const char* const policy = R"(
namespace item { key "{id}"; ttl 1h }
namespace page { key "{id}"; ttl 1h }
on PUT "/two/{a}/{b}" { drop item "{a}", item "{b}" }
on PUT "/all/{a}" { drop item "{a}" }
on write "/all/**" { drop item }
on drop of item "{id}" { drop page "{id}" }
)";
    TestCache c(policy);
    for (const char* key : {"1", "2", "3"}) c.put("page", key, "v");
    c.request("PUT", "/two/1/2");
    CHECK_FALSE(c.get("page", "1"));
    CHECK_FALSE(c.get("page", "2"));
    CHECK(c.get("page", "3") == "v");
    c.request("PUT", "/all/9");
    CHECK_FALSE(c.get("page", "3"));
}

TEST_CASE("who listens is told of each invalidation once, after it was done, and of no rehearsal", "[drop]") {
    TestCache c(shop);
    std::vector<Change> told;
    bool was_done = true;
    CacheParts parts;
    parts.policy = c.cache->policy();
    parts.stores = {c.stores[0]->handle("l1")};
    parts.changed = [&](const std::vector<Change>& changes) {
        told.insert(told.end(), changes.begin(), changes.end());
        was_done = was_done && !c.get("menu.item", "1");
    };
    c.cache->install(std::move(parts));
    c.put_with("menu.item", "1", "a", With{{"tenant", "1"}, {"category", "5"}});

    larder_call rehearsal{};
    rehearsal.struct_size = sizeof rehearsal;
    rehearsal.flags = LARDER_CALL_REHEARSE;
    const larder_target tag{LARDER_TARGET_TAG, 0, {"category:5", 10}};
    larder_receipt receipt{};
    receipt.struct_size = sizeof receipt;
    CHECK(c.cache->change(LARDER_DROP, &tag, 1, &receipt, &rehearsal) == LARDER_OK);
    CHECK(told.empty());

    c.drop_tag("category:5");
    REQUIRE(told.size() == 1);
    CHECK(was_done);
    CHECK((told[0].kind == dsl::TargetKind::tag && told[0].text == "category:5" && told[0].namespaces.empty()));
    told.clear();
    c.drop_space("menu");
    REQUIRE(told.size() == 2);
    CHECK(told[0].namespaces == std::vector<std::string>{"menu", "menu.item", "menu.recipe"});
    CHECK(told[1].namespaces == std::vector<std::string>{"page"});  // by the rule `on drop of`
    told.clear();
    c.drop_key("orders", "1:2");
    REQUIRE(told.size() == 1);
    CHECK((told[0].text == "1:2" && told[0].namespaces == std::vector<std::string>{"orders"}));
}
