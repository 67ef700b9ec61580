// tests/unit/warmer_http/path_text_test.cpp -- a value stays where the policy put it.
#include "plugins/warmer_http/path_text.hpp"
#include "tests/catch.hpp"

#include <larder/plugin/value.hpp>

using larder::plugin::bytes_of;
using larder::warmer_http::fill_path;

namespace {

std::optional<std::string> filled(std::string_view text, std::string_view id) {
    const larder_pair pairs[] = {{bytes_of("id"), bytes_of(id)}, {bytes_of("lang"), bytes_of("de")}};
    return fill_path(text, pairs);
}

}  // namespace

TEST_CASE("fields stand in the path, percent-encoded but for what needs none", "[http]") {
    CHECK(filled("/menu/{id}?lang={lang}&x={{}}", "a-Z_0.~") == "/menu/a-Z_0.~?lang=de&x=%7B%7D");
    CHECK(filled("/menu/{id}", "a/b?c#d e%2F") == "/menu/a%2Fb%3Fc%23d%20e%252F");
    CHECK(filled("/menu/{id}", std::string_view("\r\nHost: x\0\xff", 11)) == "/menu/%0D%0AHost%3A%20x%00%FF");
    CHECK(filled("/menu/{id}", "") == "/menu/");
}

TEST_CASE("a value that would lead up makes no path, one that only has dots in it does", "[http]") {
    CHECK_FALSE(filled("/menu/{id}", ".."));
    CHECK_FALSE(filled("/menu/{id}/x", "."));
    CHECK_FALSE(filled("/menu/.{id}", "."));
    CHECK(filled("/menu/{id}", "...") == "/menu/...");
    CHECK(filled("/menu?up={id}", "..") == "/menu?up=..");
}

TEST_CASE("a name that is no field, and a brace that is open, make no path", "[http]") {
    for (const char* text : {"/{name}", "/{id", "/id}", "/{}", "/a b", "/a\nb"}) {
        INFO(text);
        CHECK_FALSE(filled(text, "1"));
    }
}
