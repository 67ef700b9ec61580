// tests/unit/dsl/key_template_test.cpp -- raw keys have one reading, and no two of them meet.
#include "dsl/key_template.hpp"

#include "catch.hpp"
#include "unit/dsl/texts.hpp"

#include <map>
#include <random>
#include <string>

using namespace larder::dsl;
using larder::dsl::test::text;

namespace {

std::string canonical(const KeyTemplate& t, std::string_view raw) {
    Fields f;
    if (!t.read(raw, f)) return "(no fit)";
    std::string out;
    t.canonical(f, out);
    return out;
}

}  // namespace

TEST_CASE("literals must fit and fields take the shortest text to the next literal") {
    const KeyTemplate t(text("stock:{sku}:{warehouse}"));
    Fields f;
    REQUIRE(t.read("stock:A1:berlin:2", f));
    CHECK(f.count == 2);
    CHECK(f.value[0] == "A1");
    CHECK(f.value[1] == "berlin:2");
    CHECK_FALSE(f.plain);
    CHECK(canonical(t, "stock:A1:berlin:2") == "stock:A1:berlin%3A2");
    CHECK_FALSE(t.read("stock:A1", f));
    CHECK_FALSE(t.read("stack:A1:b", f));
    CHECK_FALSE(t.read("stock::b", f));
    CHECK_FALSE(t.read("", f));
}

TEST_CASE("the last field of a single-field key takes colons too") {
    const KeyTemplate t(text("{user_id}"));
    CHECK(canonical(t, "a:b") == "a%3Ab");
    CHECK(canonical(t, "a%3Ab") == "a%253Ab");
    CHECK(t.raw("a%3Ab") == "a:b");
}

TEST_CASE("a literal behind the last field closes it from the right") {
    const KeyTemplate t(text("u:{id}:profile"));
    CHECK(canonical(t, "u:7:profile") == "u:7:profile");
    CHECK(canonical(t, "u:7:profile:profile") == "u:7%3Aprofile:profile");
    CHECK(canonical(t, "u::profile") == "(no fit)");
    CHECK(canonical(t, "u:profile") == "(no fit)");
}

TEST_CASE("a key of text only fits that text only") {
    const KeyTemplate t(text("all"));
    CHECK(t.fields() == 0);
    CHECK(canonical(t, "all") == "all");
    CHECK(canonical(t, "all2") == "(no fit)");
}

TEST_CASE("a key that needs no escape is plain, so nothing is copied") {
    Fields f;
    REQUIRE(KeyTemplate(text("{item_id}:t{tenant_id}")).read("7:t1", f));
    CHECK(f.plain);
    CHECK(f.value[1] == "1");
}

TEST_CASE("a rest field keeps colons and stays plain") {
    const KeyTemplate t(text("f:{path...}"));
    Fields f;
    REQUIRE(t.read("f:a:b*%41", f));
    CHECK(f.plain);
    CHECK(canonical(t, "f:a:b*%41") == "f:a:b*%41");
    CHECK(t.raw("f:a:b*%41") == "f:a:b*%41");
}

TEST_CASE("fields of a canonical key are what a rule filled in, colons included") {
    const KeyTemplate t(text("{a}:{b}"));
    const std::vector<std::string_view> values{"x:y", "z*"};
    const auto back = t.parse_canonical(t.pattern().fill(values));
    REQUIRE(back);
    CHECK((*back)[0] == "x:y");
    CHECK((*back)[1] == "z*");
    CHECK_FALSE(t.parse_canonical("nocolon"));
}

TEST_CASE("different raw keys never meet in one canonical key, and raw gives them back") {
    const unsigned seed = 20240131;
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::string letters = "ab:%*{}3A-t";
    for (const char* shape :
         {"{a}", "{a}:{b}", "{a}:t{b}", "x:{a}:{b}:y", "{a}-{b}", "{a}:{r...}"}) {
        const KeyTemplate t(text(shape));
        std::map<std::string, std::string> seen;
        for (int i = 0; i < 20000; ++i) {
            std::string raw;
            const std::size_t n = random() % 9;
            for (std::size_t k = 0; k < n; ++k) raw += letters[random() % letters.size()];
            if (std::string_view(shape).starts_with("x:")) raw = "x:" + raw + ":y";
            Fields f;
            if (!t.read(raw, f)) continue;
            std::string key;
            t.canonical(f, key);
            if (f.plain) REQUIRE(key == raw);
            const auto [it, fresh] = seen.emplace(key, raw);
            if (!fresh) REQUIRE(it->second == raw);
            REQUIRE(t.raw(key) == raw);
        }
        CHECK(seen.size() > 100);
    }
}

TEST_CASE("a key that says it is canonical reads as itself, and every plain key of one field says so") {
    std::mt19937 random(11);
    const char letters[] = "ab:%*{}-/1";
    for (const char* const shape : {"{id}", "user:{id}", "{id}:x", "a:{id}:b", "{rest...}", "p:{rest...}", "{a}:{b}", "a:{b}:{c...}"}) {
        const KeyTemplate t(text(shape));
        for (int i = 0; i < 3000; ++i) {
            std::string raw;
            for (auto n = random() % 9; n > 0; --n) raw += letters[random() % (sizeof letters - 1)];
            Fields f;
            const bool plain = t.read(raw, f) && f.plain;
            INFO(shape << " reads " << raw);
            CHECK(t.is_canonical(raw) == plain);
        }
    }
}
