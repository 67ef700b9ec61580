// tests/unit/cache/serve_test.cpp -- `serve` rules, stale entries for those who ask for them, tags by the dozen:
// what the HTTP gateway lives on.
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

#include <set>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const hotel = R"(larder 1
namespace user   { key "{user_id}"; ttl 5m; stale 30s while revalidating, 1h on error }
namespace list   { key "{page}:{filter}"; ttl 1m }
namespace secret { key "{token}:{id}"; ttl 1m }
namespace page   { key "{id}"; ttl 1h; with tag; tag "{tag}" }
namespace soft   { key "{id}"; ttl 1m; stale 1h on error; tag "soft" }
on GET "/users/{user_id}"  { serve user "{user_id}" unless header "X-Fresh" }
on GET "/list/{filter}"    { let page = query "page"; serve list "{page}:{filter}" }
on GET "/swapped/{page}"   { let filter = query "filter"; serve list "{page}:{filter}" }
on GET "/secret/{id}"      { let token = header "Authorization"; serve secret "{token}:{id}" }
on GET "/pages/{id}"       { serve page "{id}" }
on write "/users/{user_id}" { drop user "{user_id}" }
on event "soften"          { expire tag "soft" }
)";

struct Served {
    larder_status status = LARDER_MISS;
    std::string ns, key, where;
    larder_serve rule{};
};

Served serve(TestCache& c, std::string_view method, std::string_view path, std::string_view query = {},
             std::vector<std::pair<std::string, std::string>> headers = {}) {
    const auto b = [](std::string_view text) { return larder_bytes{text.data(), text.size()}; };
    std::vector<larder_pair> pairs;
    for (const auto& [name, text] : headers) pairs.push_back({b(name), b(text)});
    larder_request rq{};
    rq.struct_size = sizeof rq;
    rq.method = b(method);
    rq.path = b(path);
    rq.query = b(query);
    rq.headers = pairs.data();
    rq.header_count = static_cast<std::uint32_t>(pairs.size());
    Served out;
    out.status = c.cache->serve(rq, out.rule);
    const auto text = [](larder_bytes bytes) { return std::string(static_cast<const char*>(bytes.data), bytes.size); };
    if (out.rule.where.size != 0) out.where = text(out.rule.where);
    if (out.status != LARDER_OK) return out;
    out.key = text(out.rule.key);
    larder_bytes name{};
    c.cache->ns_name(out.rule.ns, &name);
    out.ns = text(name);
    return out;
}

}  // namespace

TEST_CASE("a serve rule names the entry that answers a GET or HEAD, and its line", "[serve]") {
    TestCache c(hotel);
    for (const char* method : {"GET", "HEAD"}) {
        const Served got = serve(c, method, "/users/42");
        REQUIRE(got.status == LARDER_OK);
        CHECK(got.ns == "user");
        CHECK(got.key == "42");
        CHECK(got.where.find(":7") != std::string::npos);
        CHECK(got.rule.ttl_ms == 300'000);
        CHECK(got.rule.stale_revalidating_ms == 30'000);
        CHECK(got.rule.stale_on_error_ms == 3'600'000);
    }
    CHECK(serve(c, "POST", "/users/42").status == LARDER_MISS);
    CHECK(serve(c, "GET", "/nothing").status == LARDER_MISS);
    CHECK(serve(c, "BREW", "/users/42").status == LARDER_MISS);
}

TEST_CASE("what unless names, or a value that is not given, is asked of the application", "[serve]") {
    TestCache c(hotel);
    CHECK(serve(c, "GET", "/users/42", "", {{"x-fresh", "1"}}).status == LARDER_EXISTS);
    CHECK(serve(c, "GET", "/list/active").status == LARDER_EXISTS);
    CHECK(serve(c, "GET", "/list/active", "page=2").key == "2:active");
}

TEST_CASE("the entry that is served is the one that rules drop, whatever its key's bytes", "[serve]") {
    TestCache c(hotel);
    for (const char* path : {"/users/42", "/users/a%3Ab", "/users/50%25", "/users/%7Bx%7D", "/users/a%2Fb"}) {
        const Served got = serve(c, "GET", path);
        INFO(path);
        REQUIRE(got.status == LARDER_OK);
        REQUIRE(c.put("user", got.key, "kept") == LARDER_OK);
        REQUIRE(c.get("user", got.key) == "kept");
        c.request("PUT", path);
        CHECK_FALSE(c.get("user", got.key));
    }
}

TEST_CASE("an entry is called by all that can drop it, and what has no name is said", "[serve]") {
    TestCache c(R"(larder 1
namespace shop { key "{id}"; ttl 1m
  namespace item { key "{shop}:{id}"; ttl 1m; tag "shop:{shop}", "sort:{sort}"; with sort }
}
namespace user { key "{id}"; ttl 1m; tag "users" }
namespace home { key "{id}"; ttl 1m; depends on user "{id}" }
namespace list { key "{page}"; ttl 1m; depends on user }
on event "gone" (id) { drop user "{id}", shop.item, home, list, shop, tag "users", tag "shop:{id}", tag "sort:{id}" }
)");
    const auto names = [&](std::string_view ns, std::string_view key, std::vector<std::pair<std::string, std::string>> values = {}) {
        const auto b = [](std::string_view text) { return larder_bytes{text.data(), text.size()}; };
        std::vector<larder_pair> with;
        for (const auto& [name, text] : values) with.push_back({b(name), b(text)});
        std::set<std::string> out;
        const larder_status said = c.cache->names(c.ns(ns), key, with.data(), with.size(), [&](std::string_view name) { out.emplace(name); });
        return std::pair(said, out);
    };
    using Said = std::pair<larder_status, std::set<std::string>>;
    CHECK(names("user", "a:1") == Said(LARDER_OK, {"user", "user:a:1", "users"}));
    CHECK(names("shop.item", "7:1", {{"sort", "tea"}}) == Said(LARDER_OK, {"shop", "shop.item", "shop.item:7:1", "shop:7", "sort:tea"}));
    CHECK(names("shop.item", "7:1") == Said(LARDER_EXISTS, {"shop", "shop.item", "shop.item:7:1", "shop:7"}));
    CHECK(names("home", "5") == Said(LARDER_OK, {"home", "home:5", "user", "user:5", "users"}));
    CHECK(names("list", "1") == Said(LARDER_OK, {"list", "list:1", "user", "user:*", "users"}));
    CHECK(names("shop.item", "no-colon").first == LARDER_MISS);
}

TEST_CASE("an answer that hangs on more than the URL is said to", "[serve]") {
    TestCache c(hotel);
    const auto more = [&](std::string_view path) { return (serve(c, "GET", path, "page=1", {{"authorization", "t"}}).rule.flags & LARDER_SERVE_BY_MORE_THAN_URL) != 0; };
    CHECK(more("/users/1"));   // unless header "X-Fresh"
    CHECK(more("/secret/1"));
    CHECK_FALSE(more("/list/a"));
    CHECK_FALSE(more("/pages/1"));
}

TEST_CASE("a value that would end its field early is not served from another entry", "[serve]") {
    TestCache c(hotel);
    CHECK(serve(c, "GET", "/swapped/1", "filter=a:b").key == "1:a:b");
    CHECK(serve(c, "GET", "/list/b", "page=1:a").status == LARDER_EXISTS);
}

TEST_CASE("a rule says whether its key holds Authorization, and whether tags are taken", "[serve]") {
    TestCache c(hotel);
    CHECK((serve(c, "GET", "/secret/1", "", {{"Authorization", "x"}}).rule.flags & LARDER_SERVE_KEYED_BY_AUTHORIZATION) != 0);
    CHECK((serve(c, "GET", "/users/1").rule.flags & LARDER_SERVE_KEYED_BY_AUTHORIZATION) == 0);
    CHECK((serve(c, "GET", "/pages/1").rule.flags & LARDER_SERVE_TAKES_TAGS) != 0);
    CHECK((serve(c, "GET", "/users/1").rule.flags & LARDER_SERVE_TAKES_TAGS) == 0);
}

TEST_CASE("an entry with several values of one name goes with each of its tags and with no other", "[serve]") {
    TestCache c(hotel);
    const std::vector<std::pair<std::string, std::string>> tags = {{"tag", "a"}, {"tag", "b"}, {"tag", "c"}};
    for (const char* tag : {"a", "b", "c"}) {
        c.put_with("page", "1", "x", tags);
        c.drop_tag("d");
        REQUIRE(c.get("page", "1") == "x");
        c.drop_tag(tag);
        CHECK_FALSE(c.get("page", "1"));
    }
}

TEST_CASE("a stale entry is told only to who asks for it, with how long it has been so", "[serve]") {
    TestCache c(hotel);
    c.put("soft", "1", "x");
    c.event("soften");
    c.clock.advance(2s);
    CHECK_FALSE(c.get("soft", "1"));
    const auto got = c.look("soft", "1", LARDER_GET_STALE);
    CHECK(got.status == LARDER_OK);
    CHECK(got.value == "x");
    CHECK((got.found & LARDER_FOUND_STALE) != 0);
    CHECK(got.ttl_ms <= -2000);
    CHECK(got.ttl_ms > -3000);
}

TEST_CASE("what replaces a stale entry is judged by the moment it was read", "[serve]") {
    TestCache c(hotel);
    c.put("soft", "1", "old");
    c.event("soften");
    constexpr std::uint32_t flags = std::uint32_t{LARDER_GET_STALE} | std::uint32_t{LARDER_GET_FENCE};
    TestCache::PutOptions fenced;
    fenced.flags = LARDER_SET_FENCED;
    fenced.client = 7;
    c.look("soft", "1", flags, 7);
    c.drop_tag("soft");
    CHECK(c.set("soft", "1", "loaded before", fenced).kept == 0);
    CHECK_FALSE(c.get("soft", "1"));
    c.look("soft", "1", flags, 7);
    CHECK(c.set("soft", "1", "loaded after", fenced).kept == 1);
    CHECK(c.get("soft", "1") == "loaded after");
}
