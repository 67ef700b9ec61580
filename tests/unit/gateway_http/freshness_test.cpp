// tests/unit/gateway_http/freshness_test.cpp -- dates, directives, freshness: RFC 9111, 9213, 5861 as tables.
#include "catch.hpp"
#include "messages.hpp"
#include "plugins/gateway_http/freshness.hpp"
#include "plugins/gateway_http/http_date.hpp"
#include "plugins/gateway_http/structured_field.hpp"

#include <string>
#include <vector>

namespace larder::test {
namespace {

using namespace http;

constexpr std::int64_t now = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT
const std::string date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
const std::string an_hour_later = "Expires: Sun, 06 Nov 1994 09:49:37 GMT\r\n";
const FreshnessRules origin{false, std::nullopt, 0};

std::int64_t lifetime(const std::string& fields, const FreshnessRules& rules = origin,
                      const char* line = "HTTP/1.1 200 OK") {
    return lifetime_of(facts_of(answer(date + fields, line), now), rules).seconds;
}

std::string verdict(const std::string& fields, const RequestFacts& asked = {},
                    const FreshnessRules& rules = origin, const char* line = "HTTP/1.1 200 OK") {
    const AnswerFacts facts = facts_of(answer(date + fields, line), now);
    const char* why = why_not_stored(asked, facts, lifetime_of(facts, rules));
    return why == nullptr ? "kept" : why;
}

Use use(const Kept& kept, const std::string& asked, std::int64_t at, bool kernel_stale = false) {
    CacheControl control;
    if (!asked.empty()) control.add(asked);
    std::int64_t ttl = 0;
    return judge(kept, control, at, kernel_stale, kernel_stale ? -1 : 1000, ttl);
}

CacheControl control(const char* line) {
    CacheControl out;
    out.add(line);
    return out;
}

}  // namespace

TEST_CASE("the three forms of a date are one date, and what is no date is none") {
    constexpr std::int64_t today = 1'790'000'000;
    for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                             "Sun Nov  6 08:49:37 1994", "sun, 06 nov 1994 08:49:37 gmt"})
        CHECK(parse_date(text, today) == now);
    for (const char* text : {"0", "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
                             "06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
                             "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
                             "Sun, 6 Nov 1994 08:49:37 GMT", "Sun,  06 Nov 1994 08:49:37 GMT"})
        CHECK_FALSE(parse_date(text, today));
    for (const std::int64_t seconds : {std::int64_t{0}, now, std::int64_t{951'782'400}, today}) {
        std::string text;
        append_date(text, seconds);
        CHECK(parse_date(text, today) == seconds);
    }
}

TEST_CASE("a number of seconds that makes no sense is the strictest one") {
    for (const char* text : {"max-age=", "max-age=a", "max-age=-5", "max-age=1.5", "max-age='60'", "max-age=60a", "max-age"})
        CHECK(control(text).max_age == 0);
    CHECK(control("max-age=60, max-age=30").max_age == 30);
    CHECK(control("Max-Age=\"60\", x=\"a, no-store\"").max_age == 60);
    CHECK_FALSE(control("Max-Age=\"60\", x=\"a, no-store\"").no_store);
    CHECK(control("max-age=99999999999999999999").max_age == 2'147'483'648);
}

TEST_CASE("a targeted field is a dictionary, and one that is not well formed is not there") {
    CacheControl c;
    CHECK(parse_targeted("max-age=60, must-revalidate, no-store=?0", c));
    CHECK(c.max_age == 60);
    CHECK(c.must_revalidate);
    CHECK_FALSE(c.no_store);
    for (const char* text : {"", "max-age=60,", "max-age=60 max-age", "Max-Age=60", "&", "max-age=60, =1", "a=(1 2"}) {
        CacheControl other;
        INFO(text);
        CHECK_FALSE(parse_targeted(text, other));
    }
}

TEST_CASE("lists and dictionaries of RFC 8941 are read, and nothing else") {
    Dictionary d;
    REQUIRE(parse_dictionary("a=1, b;x=\"y\", c=(1 tok \"s\");p, d=:aGk=:, e=?0, f=1.25, a=2", d));
    CHECK(d.size() == 6);
    CHECK(d.back().second.integer == 2);
    std::vector<Item> list;
    REQUIRE(parse_list("\"menu\", \"a \\\"b\\\"\", token;x=1", list));
    CHECK(list[1].text == "a \"b\"");
    for (const char* text : {"\"a", "\"a\" \"b\"", "\"a\",", "(\"a\"", "\"\\x\"", "1234567890123456", "1.", "1.2345", "?2"}) {
        std::vector<Item> other;
        INFO(text);
        CHECK_FALSE(parse_list(text, other));
    }
}

TEST_CASE("the lifetime is s-maxage before max-age before Expires") {
    CHECK(lifetime("Cache-Control: max-age=60, s-maxage=30\r\n" + an_hour_later) == 30);
    CHECK(lifetime("Cache-Control: max-age=60\r\n" + an_hour_later) == 60);
    CHECK(lifetime(an_hour_later) == 3600);
    CHECK(lifetime("Expires: 0\r\n") == 0);
    CHECK(lifetime("") == 0);
}

TEST_CASE("a targeted field holds instead of Cache-Control and Expires") {
    CHECK(lifetime("CDN-Cache-Control: max-age=10\r\nCache-Control: max-age=60\r\n") == 10);
    CHECK(lifetime("CDN-Cache-Control: max-age=10\r\nLarder-Cache-Control: max-age=5\r\n") == 5);
    CHECK(lifetime("CDN-Cache-Control: max-age=10,\r\nCache-Control: max-age=60\r\n") == 60);
    CHECK(verdict("CDN-Cache-Control: no-store\r\nCache-Control: max-age=60\r\n") == "no-store");
    CHECK(verdict("CDN-Cache-Control: max-age=60\r\nCache-Control: no-store\r\n") == "kept");
}

TEST_CASE("heuristic freshness is off unless asked for") {
    const std::string modified = "Last-Modified: Sat, 05 Nov 1994 08:49:37 GMT\r\n";
    CHECK(lifetime(modified) == 0);
    CHECK(lifetime(modified, {false, std::nullopt, 0.1}) == 8640);
    CHECK(lifetime(modified, {false, std::nullopt, 0.1}, "HTTP/1.1 201 Created") == 0);
}

TEST_CASE("the namespace's ttl is the lifetime of an answer that names none, and the limit of one that does") {
    const FreshnessRules policy{true, 300, 0};
    CHECK(lifetime_of(facts_of(answer(date), now), policy).by_policy);
    CHECK(lifetime("Cache-Control: max-age=60\r\n", policy) == 60);
    CHECK(lifetime("Cache-Control: max-age=6000\r\n", policy) == 300);
    CHECK(verdict("", {}, policy) == "kept");
    CHECK(verdict("", {}, policy, "HTTP/1.1 404 Not Found") == "status");
    CHECK(verdict("", {}, policy, "HTTP/1.1 500 Oops") != "kept");
}

TEST_CASE("what may not be kept is not") {
    const std::string fresh = "Cache-Control: max-age=60";
    CHECK(verdict(fresh + "\r\n") == "kept");
    CHECK(verdict(fresh + ", no-store\r\n") == "no-store");
    CHECK(verdict(fresh + ", private\r\n") == "private");
    CHECK(verdict(fresh + "\r\nVary: Accept, *\r\n") == "vary");
    CHECK(verdict(fresh + "\r\n", {}, origin, "HTTP/1.1 206 Partial") == "partial");
    CHECK(verdict("Cache-Control: no-cache, max-age=60\r\n") == "no-cache");
    CHECK(verdict("Cache-Control: no-cache\r\nETag: \"a\"\r\n") == "kept");
    CHECK(verdict("") == "not-fresh");
    CHECK(verdict("Set-Cookie: a=b\r\n", {}, {true, 300, 0}) == "set-cookie");
    CHECK(verdict(fresh + "\r\nSet-Cookie: a=b\r\n") == "kept");
    RequestFacts no_store;
    no_store.control.no_store = true;
    CHECK(verdict(fresh + "\r\n", no_store) == "request-no-store");
}

TEST_CASE("an answer to Authorization is kept only if it says so") {
    RequestFacts asked;
    asked.authorized = true;
    CHECK(verdict("Cache-Control: max-age=60\r\n", asked) == "authorization");
    for (const char* allowed : {"public, max-age=60", "max-age=60, must-revalidate", "s-maxage=60"})
        CHECK(verdict(std::string("Cache-Control: ") + allowed + "\r\n", asked) == "kept");
}

TEST_CASE("must-understand keeps what is understood although it says no-store") {
    const std::string control = "Cache-Control: max-age=60, no-store, must-understand\r\n";
    CHECK(verdict(control) == "kept");
    CHECK(verdict(control, {}, origin, "HTTP/1.1 299 What") == "not-understood");
}

TEST_CASE("Age is one number, and anything else is as old as can be") {
    CHECK(parse_age("10") == 10);
    CHECK(parse_age(" 0 ") == 0);
    for (const char* text : {"", "-1", "a", "1.5", "10;x", "\"10\"", "0, 0", "10, 20", "99999999999999999999"})
        CHECK(parse_age(text) == 2'147'483'648);
}

TEST_CASE("Surrogate-Control holds for whom it names") {
    CHECK(lifetime("Surrogate-Control: max-age=30+5\r\nCache-Control: no-store\r\n") == 30);
    CHECK(lifetime("Surrogate-Control: max-age=30;other\r\nCache-Control: max-age=7\r\n") == 7);
    CHECK(lifetime("Surrogate-Control: max-age=30;larder\r\nCache-Control: max-age=7\r\n") == 30);
    CHECK(verdict("Surrogate-Control: no-store\r\nCache-Control: max-age=7\r\n") == "no-store");
}

TEST_CASE("the age at arrival is the larger of Age and what Date shows") {
    CHECK(initial_age(facts_of(answer(date), now + 10), now + 8, now + 10) == 10);
    CHECK(initial_age(facts_of(answer(date + "Age: 100\r\n"), now), now - 2, now) == 102);
    CHECK(initial_age(facts_of(answer(""), now), now, now) == 0);
}

TEST_CASE("a fresh answer is used, a stale one asked about, and requests narrow and widen that") {
    Kept kept;
    kept.received_s = now;
    kept.lifetime_s = 60;
    CHECK(use(kept, "", now + 59) == Use::fresh);
    CHECK(use(kept, "", now + 60) == Use::ask);
    CHECK(use(kept, "", now + 1, true) == Use::ask);
    CHECK(use(kept, "no-cache", now) == Use::ask);
    CHECK(use(kept, "max-age=5", now + 6) == Use::ask);
    CHECK(use(kept, "min-fresh=30", now + 31) == Use::ask);
    CHECK(use(kept, "max-stale=10", now + 65) == Use::fresh);
    CHECK(use(kept, "max-stale=10", now + 75) == Use::ask);
    kept.must_revalidate = true;
    CHECK(use(kept, "max-stale", now + 65) == Use::ask);
    kept.initial_age_s = 50;
    CHECK(use(kept, "", now + 11) == Use::ask);
}

TEST_CASE("stale windows are counted from the end of freshness, and not past must-revalidate") {
    Kept kept;
    kept.received_s = now;
    kept.lifetime_s = 60;
    kept.revalidating_s = 10;
    kept.on_error_s = 100;
    CHECK(use(kept, "", now + 65) == Use::revalidating);
    CHECK(use(kept, "", now + 71) == Use::ask);
    CHECK(may_serve_on_error(kept, {}, -100));
    CHECK_FALSE(may_serve_on_error(kept, {}, -101));
    kept.must_revalidate = true;
    CHECK(use(kept, "", now + 65) == Use::ask);
    CHECK_FALSE(may_serve_on_error(kept, {}, -1));
}

}  // namespace larder::test
