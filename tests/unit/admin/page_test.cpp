// tests/unit/admin/page_test.cpp -- the page that is built in, as /ui/ shows it.
#include "catch.hpp"
#include "kernel/serve/ui/page.hpp"
#include "served.hpp"

#include <algorithm>

using namespace larder;
using test::Served;

namespace {

constexpr const char* policy = "larder 1\nnamespace item { key \"{id}\"; ttl 5m }\non write \"/items/{id}\" { drop item \"{id}\" }\n";

std::string header(const serve::HttpReply& reply, std::string_view name) {
    for (const auto& [key, value] : reply.headers)
        if (key == name) return value;
    return {};
}

serve::HttpReply ask(Served& larder, std::string target, std::string encoding = {}, std::string tag = {}) {
    serve::HttpRequest request;
    request.method = "GET";
    request.target = std::move(target);
    request.accept_encoding = std::move(encoding);
    request.if_none_match = std::move(tag);
    request.peer = "127.0.0.1";
    return larder.api->answer(request);
}

}  // namespace

TEST_CASE("the page is shown without a token, and loads nothing from elsewhere") {
    Served larder(policy);
    const serve::HttpReply page = ask(larder, "/ui/");
    REQUIRE(page.status == 200);
    CHECK(page.content_type == "text/html; charset=utf-8");
    CHECK(header(page, "Content-Security-Policy").starts_with("default-src 'self';"));
    CHECK(page.body.find("//") == std::string::npos);
    CHECK(ask(larder, "/ui/index.html").body == page.body);
}

TEST_CASE("the page's address without its slash leads to the one with it") {
    Served larder(policy);
    const serve::HttpReply page = ask(larder, "/ui?x=1");
    CHECK(page.status == 302);
    CHECK(header(page, "Location") == "/ui/");
}

TEST_CASE("a browser that has a file of the page is told so") {
    Served larder(policy);
    const std::string tag = header(ask(larder, "/ui/"), "ETag");
    REQUIRE(tag.size() > 2);
    const serve::HttpReply again = ask(larder, "/ui/", {}, tag);
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK(ask(larder, "/ui/", {}, "\"another\"").status == 200);
}

TEST_CASE("a file of the page is compressed for who takes it so, and plain for everybody else") {
    Served larder(policy);
    for (const serve::PageFile& file : serve::page_files()) {
        if (file.brotli.empty()) continue;  // built without the page
        const std::string path = "/ui/" + std::string(file.name);
        const serve::HttpReply packed = ask(larder, path, "gzip, deflate, br;q=0.8"), plain = ask(larder, path, "gzip, br;q=0, brown");
        CHECK(header(packed, "Content-Encoding") == "br");
        CHECK(packed.body.size() < plain.body.size());
        CHECK(header(packed, "Vary") == "Accept-Encoding");
        CHECK(header(plain, "Content-Encoding").empty());
        CHECK(plain.body == file.plain);
    }
}

TEST_CASE("the page has less than 60 kB compressed") {
    std::size_t sum = 0;
    for (const serve::PageFile& file : serve::page_files()) sum += file.brotli.size();
    CHECK(sum < 60'000);
}

TEST_CASE("what the page has not is not there") {
    Served larder(policy);
    CHECK(ask(larder, "/ui/nothing.js").status == 404);
    CHECK(ask(larder, "/ui/../p.larder").status == 404);
}

