// tests/unit/dsl/template_test.cpp -- filling in, and that two values never make one text.
#include "dsl/template.hpp"

#include "catch.hpp"
#include "unit/dsl/texts.hpp"

#include <array>
#include <string>
#include <string_view>

using namespace larder::dsl;
using larder::dsl::test::text;

namespace {

std::string filled(const Template& t, std::vector<std::string_view> values) {
    return t.fill(values);
}

}  // namespace

TEST_CASE("a value is escaped where it could be taken for syntax") {
    CHECK(filled(text("{a}:{b}"), {"x:y", "z"}) == "x%3Ay:z");
    CHECK(filled(text("{a}:{b}"), {"x", "y:z"}) == "x:y%3Az");
    CHECK(filled(text("t:{a}"), {"100%*{}"}) == "t:100%25%2A%7B%7D");
}

TEST_CASE("a value that could be an escape already stays different from what it stands for") {
    CHECK(filled(text("{a}"), {"%3A"}) != filled(text("{a}"), {":"}));
}

TEST_CASE("a rest variable keeps its bytes") {
    CHECK(filled(text("files:{path...}"), {"a/b:c%20*"}) == "files:a/b:c%20*");
}

TEST_CASE("a matching text keeps its stars") {
    CHECK(filled(text("stock:{sku}:*"), {"A*1"}) == "stock:A%2A1:*");
}

TEST_CASE("unescape takes back exactly what escape did") {
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    std::string escaped;
    escape_to(all, escaped);
    CHECK(escaped.find(':') == std::string::npos);
    CHECK(unescape(escaped) == all);
    CHECK(unescape("%") == "%");
    CHECK(unescape("%4") == "%4");
    CHECK(unescape("100%zz") == "100%zz");
    CHECK(unescape("%3") == "%3");
}

TEST_CASE("could_make knows that an escaped value holds no colon") {
    const Template t = text("category:{id}");
    CHECK(t.could_make("category:7"));
    CHECK(t.could_make("category:"));
    CHECK(t.could_make("category:a%3Ab"));
    CHECK_FALSE(t.could_make("category:a:b"));
    CHECK_FALSE(t.could_make("categories:7"));
    CHECK(text("{a}-{b}").could_make("x-y-z"));
    CHECK_FALSE(text("{a}-{b}").could_make("xyz"));
    CHECK(text("p:{path...}").could_make("p:a:b:c"));
}

TEST_CASE("could_make stays quick on a text made to hurt") {
    Template t;
    for (int i = 0; i < 40; ++i) {
        t.pieces.push_back({Piece::Kind::star, 0, {}});
        t.pieces.push_back({Piece::Kind::literal, 0, "a"});
    }
    t.pieces.push_back({Piece::Kind::literal, 0, "b"});
    CHECK_FALSE(t.could_make(std::string(5000, 'a')));
}

TEST_CASE("constant and uses look at every piece") {
    CHECK(text("all").constant());
    CHECK_FALSE(text("a*").constant());
    CHECK(text("{a}:{b}").uses(1));
    CHECK_FALSE(text("{a}:{b}").uses(2));
}
