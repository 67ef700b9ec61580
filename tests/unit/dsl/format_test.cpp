// tests/unit/dsl/format_test.cpp -- larder's one style, and that writing it down loses nothing.
#include "catch.hpp"
#include "dsl/format/format.hpp"
#include "dsl/format/words.hpp"
#include "unit/dsl/parsing.hpp"
#include "unit/dsl/tree_text.hpp"

#include <algorithm>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace larder::dsl;
using larder::test::Parsing;
using larder::test::read_file;
using larder::test::tree_text;

namespace {

std::string fmt(const std::string& text) {
    SourceMap sources;
    const Formatted made = formatted(sources, sources.add("p.larder", text));
    INFO(text);
    INFO(render_text(sources, made.found, false));
    REQUIRE(made.text.has_value());
    return *made.text;
}

// Every policy of the tree that parses.
std::vector<std::string> corpus() {
    std::vector<std::string> out;
    const std::string root = LARDER_SOURCE_DIR;
    for (const char* folder : {"/policies", "/tests/policy", "/tests/bench", "/examples"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root + folder)) {
            if (entry.path().extension() != ".larder") continue;
            std::string text = read_file(entry.path().string());
            if (Parsing(text).found().empty()) out.push_back(std::move(text));
        }
    }
    return out;
}

void check_nothing_lost(const std::string& text) {
    const std::string once = fmt(text);
    CAPTURE(text, once);
    CHECK(format::same_words(text, once));
    CHECK(fmt(once) == once);
    const Parsing before(text);
    const Parsing after(once);
    CHECK(tree_text(*before.sources, before.parsed.tree) ==
          tree_text(*after.sources, after.parsed.tree));
    REQUIRE(before.parsed.allows.size() == after.parsed.allows.size());
}

}  // namespace

TEST_CASE("formatting keeps every word, every comment and the meaning of every policy of the tree") {
    const auto policies = corpus();
    REQUIRE(policies.size() >= 10);
    for (const std::string& text : policies) check_nothing_lost(text);
}

TEST_CASE("formatting keeps words and meaning when blanks, line ends and comments are thrown about") {
    const auto policies = corpus();
    std::mt19937 random(20261120);
    const auto any = [&](std::size_t n) { return random() % n; };
    int formatted_texts = 0;
    for (int round = 0; round < 900; ++round) {
        std::string text;
        for (const format::Word& word : format::words_of(policies[any(policies.size())])) {
            const bool comment = word.kind == format::Word::Kind::comment;
            if (any(3) == 0) text += std::string(any(4), ' ');
            if (word.kind == format::Word::Kind::newline && any(6) == 0) text += " # said # twice \t";
            if (word.kind == format::Word::Kind::newline && any(20) == 0) text += "\n\n";
            if (word.kind == format::Word::Kind::newline && any(20) == 0) text += "\n# allow L0303: so\n";
            if (!text.empty() && text.back() != '\n' && !comment) text += ' ';
            text += word.text;
            if ((word.is(",") || word.is("->") || word.is("(")) && any(5) == 0)
                text += any(2) == 0 ? "\n   " : " # why\n   # and how\n\n  ";
        }
        if (!Parsing(text).found().empty()) continue;
        ++formatted_texts;
        check_nothing_lost(text);
    }
    CHECK(formatted_texts > 200);
}

TEST_CASE("a text with errors of syntax is not formatted, and they are told") {
    SourceMap sources;
    const Formatted made =
        formatted(sources, sources.add("p.larder", "larder 1\nnamespace a { ttl 300 }\n"));
    CHECK(!made.text);
    REQUIRE(made.found.size() == 1);
    CHECK(made.found[0].code == "L0101");
}

TEST_CASE("blocks are indented by two blanks and statements stand one a line") {
    CHECK(fmt("namespace menu {\n\tttl   1h;key \"{id}\"\n      tag \"a\",\"b\"\n      "
              "namespace item {\nstatic\n}\n}") ==
          "namespace menu {\n  ttl 1h\n  key \"{id}\"\n  tag \"a\", \"b\"\n\n"
          "  namespace item {\n    static\n  }\n}\n");
}

TEST_CASE("marks stand as close to their neighbours as one writes them") {
    CHECK(fmt("alert a when latency_p95 ( l1,l2 )>20ms and size<=1GiB->log") ==
          "alert a when latency_p95(l1, l2) > 20ms and size <= 1GiB -> log\n");
    CHECK(fmt("on event \"x\"( a ,b ) { drop n }") == "on event \"x\" (a, b) { drop n }\n");
    CHECK(fmt("defaults { ttl 1h when {end} before today -1d; ttl 2h when {end} before today+7d }\n")
              .find("today + 7d }") != std::string::npos);
}

TEST_CASE("a block that was written on one line stays there up to 100 columns and is opened beyond") {
    const std::string fits = "namespace a { key \"" + std::string(70, 'x') + "\"; static }\n";
    REQUIRE(fits.size() == 101);
    CHECK(fmt(fits) == fits);
    const std::string long_key(71, 'x');
    CHECK(fmt("namespace a { key \"" + long_key + "\"; static }\n") ==
          "namespace a {\n  key \"" + long_key + "\"\n  static\n}\n");
    CHECK(fmt("namespace a {\n  key \"{id}\" }\n") == "namespace a {\n  key \"{id}\"\n}\n");
    CHECK(fmt("defaults {\n\n}\n") == "defaults { }\n");
}

TEST_CASE("columns are counted in code points") {
    std::string umlauts;
    for (int i = 0; i < 70; ++i) umlauts += "ü";
    const std::string fits = "namespace a { key \"" + umlauts + "\"; static }\n";
    CHECK(fmt(fits) == fits);
}

TEST_CASE("items are parted by one blank line, one-line items of a kind may stand together") {
    CHECK(fmt("larder 1\nlet a = 1\nlet b = 2\n\n\n\nlet c = 3\nnamespace n { static }\n"
              "namespace m {\n  static\n}\nnamespace o { static }\n") ==
          "larder 1\n\nlet a = 1\nlet b = 2\n\nlet c = 3\n\nnamespace n { static }\n\n"
          "namespace m {\n  static\n}\n\nnamespace o { static }\n");
}

TEST_CASE("a blank line goes above the comments of an item, never between them and it") {
    CHECK(fmt("namespace a {\n  static\n}\n# of b\n## more of b\nnamespace b { static }\n") ==
          "namespace a {\n  static\n}\n\n# of b\n## more of b\nnamespace b { static }\n");
}

TEST_CASE("what neighbouring lines have in common stands below each other") {
    CHECK(fmt("on GET \"/a\" { drop n }\non POST \"/a/b\" { drop n }\n") ==
          "on GET \"/a\"    { drop n }\non POST \"/a/b\" { drop n }\n");
    CHECK(fmt("let a = 1\nlet long_name = 2\n\nlet b = 3\n") ==
          "let a         = 1\nlet long_name = 2\n\nlet b = 3\n");
    CHECK(fmt("alert a when size > 1 -> log\nalert bcd when size > 1 -> log\n") ==
          "alert a   when size > 1 -> log\nalert bcd when size > 1 -> log\n");
    CHECK(fmt("guarantee \"g\" {\n  on GET \"/a\" never drops n\n  on POST \"/a/b\" always drops n\n}\n") ==
          "guarantee \"g\" {\n  on GET \"/a\"    never drops n\n  on POST \"/a/b\" always drops n\n}\n");
}

TEST_CASE("lines stay where they are when one of them would leave the page for being aligned") {
    const std::string long_name(60, 'x');
    const std::string text = "namespace a { key \"" + std::string(40, 'k') + "\" }\nnamespace " +
                             long_name + " { key \"k\" }\n";
    CHECK(fmt(text) == text);
}

TEST_CASE("comments behind lines stand two blanks away, those of neighbouring lines below each other") {
    CHECK(fmt("namespace a { # first\n  static# b\n  ttl 1h    # c   \n  # own\n}# end\n") ==
          "namespace a {  # first\n  static  # b\n  ttl 1h  # c\n  # own\n}  # end\n");
    CHECK(fmt("namespace a {\n  static # b\n  ttl 1h jitter 5% # c\n}\n") ==
          "namespace a {\n  static            # b\n  ttl 1h jitter 5%  # c\n}\n");
}

TEST_CASE("a list that is too long goes on four blanks in, behind a comma or before an arrow") {
    const std::string a(43, 'a'), b(43, 'b'), c(43, 'c');
    CHECK(fmt("on event \"x\" {\n  drop " + a + "," + b + ", " + c + "\n}\n") ==
          "on event \"x\" {\n  drop " + a + ", " + b + ",\n      " + c + "\n}\n");
    CHECK(fmt("defaults { tiers " + a + " -> " + b + " ->\n " + c + " }\n") ==
          "defaults {\n  tiers " + a + " -> " + b + "\n      -> " + c + "\n}\n");
    CHECK(fmt("defaults {\n  tiers l1\n     -> l2\n}\n") == "defaults {\n  tiers l1 -> l2\n}\n");
}

TEST_CASE("a comment inside a list stays behind its word, and the list goes on below it") {
    CHECK(fmt("defaults {\n  tag \"a\", # first\n # second is own\n      \"b\"\n}\n") ==
          "defaults {\n  tag \"a\",  # first\n      # second is own\n      \"b\"\n}\n");
}

TEST_CASE("what an allow speaks of stays on its line") {
    const std::string key(80, 'k');
    const std::string above =
        "# allow L0303: reason\nnamespace a { key \"" + key + "\"; ttl 1h; limit 10MB }\n";
    CHECK(fmt(above) == above);
    CHECK(fmt("let a = 1;let b = 2 # allow L0303: reason\n") ==
          "let a = 1; let b = 2  # allow L0303: reason\n");
    CHECK(fmt("namespace a { static\n  ttl 1h } # allow L0303: reason\n") ==
          "namespace a {\n  static\n  ttl 1h }  # allow L0303: reason\n");
    const std::string list = "on event \"x\" {\n  # allow L0303: reason\n  drop a,\n      b\n}\n";
    CHECK(fmt(list) == list);
}

TEST_CASE("line ends of other systems and a byte order mark are taken away") {
    CHECK(fmt("\xEF\xBB\xBFlarder 1\r\n# c \r\nlet a = 1\r\n") == "larder 1\n\n# c\nlet a = 1\n");
    CHECK(fmt("").empty());
    CHECK(fmt("\n \n") == "");
    CHECK(fmt("# only this") == "# only this\n");
}

TEST_CASE("a brace behind `when` is a capture in a ttl and a block everywhere else") {
    CHECK(fmt("namespace when {static}\nnamespace n { ttl 1h when {day} on today; ttl 2h }\n") ==
          "namespace when { static }\nnamespace n    { ttl 1h when {day} on today; ttl 2h }\n");
}

TEST_CASE("texts whose words differ are told apart, blanks are not") {
    CHECK(format::same_words("a b; c", "a   b\n\nc\n"));
    CHECK(format::same_words("a,\nb", "a, b"));
    CHECK_FALSE(format::same_words("a b", "a; b"));
    CHECK_FALSE(format::same_words("a # x", "a"));
    CHECK_FALSE(format::same_words("a # x", "a # y"));
    CHECK_FALSE(format::same_words("\"a b\"", "\"a  b\""));
    CHECK_FALSE(format::same_words("ab", "a b"));
}

TEST_CASE("the shipped policies are written in the one style") {
    const std::string root = std::string(LARDER_SOURCE_DIR) + "/policies";
    std::size_t seen = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        if (entry.path().extension() != ".larder") continue;
        const std::string text = read_file(entry.path().string());
        CAPTURE(entry.path().string());
        CHECK(fmt(text) == text);
        ++seen;
    }
    CHECK(seen >= 6);
}
