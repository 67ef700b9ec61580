// tests/unit/gateway_http/keeping_test.cpp -- several answers in one entry; flights; tags; who may purge.
#include "catch.hpp"
#include "messages.hpp"
#include "plugins/gateway_http/flights.hpp"
#include "plugins/gateway_http/origin.hpp"
#include "plugins/gateway_http/purge_list.hpp"
#include "plugins/gateway_http/stored_answer.hpp"
#include "plugins/gateway_http/tags.hpp"
#include "plugins/gateway_http/vary.hpp"

#include <memory>
#include <string>
#include <vector>

namespace larder::test {
namespace {

using namespace http;

struct Made {
    std::string target, vary, head, body;
    std::string tags = {}, cdn = {};
    StoredAnswer stored() const {
        StoredAnswer out;
        out.status = 200;
        out.target = target;
        out.vary = vary;
        out.head = head;
        out.body = body;
        out.tags = tags;
        out.cdn = cdn;
        const std::size_t at = head.find("\"e");
        if (at != std::string::npos) out.etag = out.head.substr(at, 4);
        out.kept.lifetime_s = 60;
        out.kept.must_revalidate = true;
        out.last_modified = 5;
        return out;
    }
};

std::string put(const std::string& value, const Made& made, std::size_t most = 8, std::size_t most_bytes = 10'000) {
    return StoredAnswers(value).with(made.stored(), most, most_bytes);
}

std::string body_of(const std::string& value, const std::string& target, const Head& asked) {
    StoredAnswer found;
    bool other = false;
    if (!StoredAnswers(value).find(target, asked, found, other)) return other ? "other" : "none";
    return std::string(found.body);
}

std::unique_ptr<Origins> origins(const std::vector<std::string>& entries) {
    std::string wrong;
    return Origins::make(entries, 2, 10'000'000'000, wrong);
}

}  // namespace

TEST_CASE("what is kept comes back as it was") {
    const Made made{"h/a", "", "HTTP/1.1 200 OK\r\nETag: \"e1\"\r\n", "body", "a\nb\n", "Cache-Tag: a\r\n"};
    const std::string value = put({}, made);
    StoredAnswer found;
    bool other = false;
    REQUIRE(StoredAnswers(value).find("h/a", request(""), found, other));
    CHECK(found.head == made.head);
    CHECK(found.body == "body");
    CHECK(found.tags == "a\nb\n");
    CHECK(found.cdn == "Cache-Tag: a\r\n");
    CHECK(found.etag == "\"e1\"");
    CHECK(found.kept.lifetime_s == 60);
    CHECK(found.kept.must_revalidate);
    CHECK(found.last_modified == 5);
}

TEST_CASE("an entry holds answers by target and Vary, and a newer one takes the place of its like") {
    const Head german = request("Accept-Language: de\r\n"), french = request("Accept-Language: fr\r\n");
    const Head varies = answer("Vary: Accept-Language\r\n");
    std::string value = put({}, {"h/a", vary_of(varies, german), "", "de"});
    value = put(value, {"h/a", vary_of(varies, french), "", "fr"});
    value = put(value, {"h/b", "", "", "b"});
    CHECK(body_of(value, "h/a", german) == "de");
    CHECK(body_of(value, "h/a", french) == "fr");
    CHECK(body_of(value, "h/a", request("")) == "other");
    CHECK(body_of(value, "h/b", request("")) == "b");
    CHECK(body_of(value, "h/c", request("")) == "none");
    value = put(value, {"h/a", vary_of(varies, german), "", "DE"});
    CHECK(body_of(value, "h/a", german) == "DE");
    CHECK(StoredAnswers(value).count() == 3);
}

TEST_CASE("the number and the size of an entry's answers are bounded, and the oldest go") {
    std::string value;
    for (int i = 0; i < 10; ++i) value = put(value, {"h/" + std::to_string(i), "", "", "x"}, 4);
    CHECK(StoredAnswers(value).count() == 4);
    CHECK(body_of(value, "h/9", request("")) == "x");
    CHECK(body_of(value, "h/5", request("")) == "none");
    value = put(value, {"h/new", "", "", std::string(900, 'x')}, 4, 1000);
    CHECK(StoredAnswers(value).count() == 1);
}

TEST_CASE("bytes that are no kept answers are none, wherever they break off") {
    const std::string value = put({}, {"h/a", "", "HTTP/1.1 200 OK\r\n", "body"});
    for (std::size_t n = 0; n < value.size(); ++n) CHECK(body_of(value.substr(0, n), "h/a", request("")) == "none");
    std::string wrong = value;
    wrong[4] = '\xff';
    CHECK(body_of(wrong, "h/a", request("")) == "none");
}

TEST_CASE("the first leads, the others wait and are told once; what was not kept is not waited for") {
    const auto flights = std::make_unique<Flights>();
    std::vector<bool> told;
    const auto landed = [&](bool kept) { told.push_back(kept); };
    CHECK(flights->board("t", 1, landed) == Flights::Seat::leads);
    CHECK(flights->board("t", 1, landed) == Flights::Seat::waits);
    CHECK(flights->board("t", 1, landed) == Flights::Seat::waits);
    CHECK(flights->board("u", 1, landed) == Flights::Seat::leads);
    CHECK_FALSE(flights->leads_alone("t", 1));
    flights->land("t", true, false, 2);
    CHECK(told == std::vector<bool>{true, true});
    CHECK(flights->board("t", 3, landed) == Flights::Seat::leads);
    flights->land("t", false, true, 4);
    CHECK(flights->board("t", 5, {}) == Flights::Seat::alone);
    CHECK(flights->board("t", 20'000'000'000, {}) == Flights::Seat::leads);
}

TEST_CASE("tags are read from all the fields that name them") {
    std::vector<std::string> tags;
    const auto take = [&](std::string_view tag) { tags.emplace_back(tag); };
    each_tag(answer("Surrogate-Key: a b\r\nxkey: c, d\r\nCache-Tag: e f,g\r\nCache-Groups: \"h\", \"i j\"\r\n"), take);
    CHECK(tags == std::vector<std::string>{"h", "i j", "a", "b", "c", "d", "e f", "g"});
    tags.clear();
    each_tag(answer("Cache-Groups: \"h\", i j\r\n"), take);
    CHECK(tags.empty());
}

TEST_CASE("who may purge is loopback or named") {
    PurgeList list;
    std::string wrong;
    REQUIRE(PurgeList::parse({"local", "10.1.0.0/16", "2001:db8::/32"}, list, wrong));
    for (const char* peer : {"", "127.0.0.1:99", "[::1]:99", "10.1.2.3:99", "[2001:db8::1]:99"}) CHECK(list.allows(peer));
    for (const char* peer : {"10.2.2.3:99", "[2001:db9::1]:99", "nonsense"}) CHECK_FALSE(list.allows(peer));
    REQUIRE(PurgeList::parse({}, list, wrong));
    CHECK_FALSE(list.allows("127.0.0.1:99"));
    CHECK_FALSE(PurgeList::parse({"10.0.0.0/33"}, list, wrong));
    CHECK_FALSE(PurgeList::parse({"everybody"}, list, wrong));
    CHECK(wrong == "everybody");
}

TEST_CASE("an application's address is a URL without a path, or a socket file") {
    std::string host, port, path;
    REQUIRE(Origin::parse("http://[::1]:8000", host, port, path));
    CHECK(host == "::1");
    REQUIRE(Origin::parse("http://app", host, port, path));
    CHECK(port == "80");
    REQUIRE(Origin::parse("http://unix:/run/app.sock", host, port, path));
    CHECK(path == "/run/app.sock");
    for (const char* bad : {"", "app:80", "ftp://a", "http://", "http://a:b", "http://a/b", "http://u@a", "http://a:123456"}) {
        INFO(bad);
        CHECK_FALSE(Origin::parse(bad, host, port, path));
    }
}

TEST_CASE("the longest prefix takes the request, several addresses take turns, one that fails is left alone") {
    const auto all = origins({"http://a:1", "http://b:2", "/static/ http://c:3"});
    REQUIRE(all);
    bool known = false;
    CHECK(all->choose("/static/x", 1, known)->url() == "http://c:3");
    Origin* const a = all->choose("/x", 1, known);
    CHECK(all->choose("/x", 1, known) != a);
    CHECK_FALSE(a->went_wrong(1));
    CHECK(a->went_wrong(1));
    for (int i = 0; i < 4; ++i) CHECK(all->choose("/", 2, known) != a);
}

TEST_CASE("after a while one request tries an address that failed, and the others follow if that went well") {
    const auto all = origins({"http://a:1"});
    bool known = false;
    Origin* const a = all->choose("/", 1, known);
    a->went_wrong(1);
    a->went_wrong(1);
    CHECK(all->choose("/", 2, known) == nullptr);
    CHECK(known);
    CHECK(all->choose("/", 11'000'000'000, known) == a);
    CHECK(all->choose("/", 11'000'000'000, known) == nullptr);
    a->went_well();
    CHECK(all->choose("/", 11'000'000'000, known) == a);
}

}  // namespace larder::test
