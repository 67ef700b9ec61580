// tests/unit/dsl/check_test.cpp -- the pages are true, and the golden policies find what they
// should.
#include "catch.hpp"
#include "dsl/automaton.hpp"
#include "dsl/explain.hpp"
#include "unit/dsl/compiling.hpp"
#include "unit/dsl/texts.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>

using namespace larder::dsl;
using namespace larder::dsl::test;

namespace {

const std::string root = LARDER_SOURCE_DIR;

using Codes = std::set<std::string>;

// What the examples about an application are checked beside.
const std::string application =
    R"({"openapi": "3.1.0", "paths": {"/v1/bookings": {"get": {}, "post": {}},
        "/v1/bookings/{booking_id}": {"put": {}, "delete": {}},
        "/v1/account": {"get": {"security": [{"oauth": []}]}}}})";

Automaton route(const std::string& pattern) {
    return Automaton::of_route(RouteGlob(text(pattern), true));
}

}  // namespace

TEST_CASE("every example of a code's page triggers exactly that code") {
    std::set<std::string> shown;
    for (const Example& e : examples_of(root + "/docs/diagnostics.md")) {
        REQUIRE((e.is("larder-finds") || e.is("larder-fails") || e.is("larder-misses")));
        CAPTURE(e.section, e.line);
        CHECK(e.is(e.section));
        shown.insert(e.section);
        if (!e.is("larder-finds")) continue;  // played in tests/unit/policy_test
        Codes expected(e.info.begin() + 1, e.info.end());
        CompileOptions options = plain_options();
        if (expected.erase("catalog") > 0) options.catalog = &small_catalog();
        if (expected.erase("catalog-with-a-file") > 0) options.catalog = &catalog_with_a_file();
        if (expected.erase("catalog-without-a-journal") > 0) options.catalog = &catalog_without_a_journal();
        const bool bytes = expected.erase("bytes") > 0;
        const CompileOptions::RoutesText routes{"openapi.json", application};
        if (expected.erase("routes") > 0) options.routes = &routes;
        options.coverage = expected.erase("coverage") > 0;
        if (expected.erase("live") > 0) {
            options.live_entries = [](std::string_view) { return std::optional(1'204'113UL); };
            options.live_versions = [](std::string_view) { return std::vector<LiveVersion>{{1, 203, 12}, {2, 9, 0}}; };
        }
        const Compiled c = compiled(bytes ? with_bytes(e.text) : e.text, options);
        CAPTURE(rendered(c));
        CHECK(codes(c) == expected);
    }
    for (const std::string& code : all_codes()) {
        CAPTURE(code);
        CHECK((shown.count(code) > 0 || code == "L0111" || code == "L0112" || code == "L0326" || code == "L0335" ||
               code == "L0336" || code == "L0337"));
    }
}

TEST_CASE("every code that the language emits has a page, and every page a code") {
    std::set<std::string> emitted;
    for (const char* folder : {"/dsl", "/kernel/policy_test"}) {
        for (const auto& file : std::filesystem::recursive_directory_iterator(root + folder)) {
            if (file.path().extension() != ".cpp") continue;
            const std::string source = file_text(file.path().string());
            for (std::size_t at = 0; (at = source.find("\"L0", at)) != source.npos; ++at) {
                const std::string code = source.substr(at + 1, 5);
                const bool digits = code.find_first_not_of("0123456789", 1) == code.npos;
                if (digits && source[at + 6] == '"') emitted.insert(code);
            }
        }
    }
    const std::vector<std::string> pages = all_codes();
    CHECK(std::is_sorted(pages.begin(), pages.end()));
    CHECK(emitted == Codes(pages.begin(), pages.end()));
}

TEST_CASE("every example of the language page is accepted, or rejected with its code") {
    std::size_t accepted = 0, rejected = 0;
    for (const Example& e : examples_of(root + "/docs/policy-language.md")) {
        const Compiled c = compiled(e.text);
        CAPTURE(e.line, rendered(c));
        if (e.is("larder") || e.is("larder-files")) {
            CHECK(c.found.empty());
            ++accepted;
        } else {
            REQUIRE((e.is("larder-rejected") || e.is("larder-finds")));
            CHECK(codes(c).count(e.info.at(1)) == 1);
            ++rejected;
        }
    }
    CHECK(accepted > 25);
    CHECK(rejected > 25);
}

TEST_CASE("the golden policies say what is written beside them, word for word") {
    std::size_t compared = 0;
    for (const auto& file : std::filesystem::directory_iterator(root + "/tests/policy")) {
        if (file.path().extension() != ".larder") continue;
        const std::string name = file.path().filename().string();
        CompileOptions options = plain_options();
        const Compiled c = compile_text(name, file_text(file.path().string()), options);
        auto expected = file.path();
        expected.replace_extension(".expect");
        CAPTURE(name);
        CHECK(rendered(c) ==
              (std::filesystem::exists(expected) ? file_text(expected.string()) : std::string()));
        ++compared;
    }
    CHECK(compared >= 9);
}

TEST_CASE("the broken policies show at least the findings that they were written for") {
    std::istringstream lines(file_text(root + "/tests/policy/findings.txt"));
    std::map<std::string, std::set<std::pair<std::size_t, std::string>>> found;
    std::string line;
    std::size_t wanted = 0;
    while (std::getline(lines, line)) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream words(line);
        std::string file, code;
        std::size_t number = 0;
        words >> file >> number >> code;
        if (found.count(file) == 0) {
            const Compiled c =
                compile_text(file, file_text(root + "/tests/policy/" + file), plain_options());
            for (const Diagnostic& d : c.found)
                found[file].emplace(c.sources->place(d.primary.at.begin).line, d.code);
        }
        CAPTURE(line);
        CHECK(found[file].count({number, code}) == 1);
        ++wanted;
    }
    CHECK(wanted > 40);
}

TEST_CASE("both_match answers with a text that both match") {
    const std::vector<std::string> routes{"/a",        "/a/**",     "/a/{x}",      "/a/*/c",
                                          "/a/b*",     "/{x}/b/**", "/**/c",       "/a/**/c",
                                          "/a/{r...}", "/b**",      "/a/{x}.json", "/**"};
    RouteMatches out;
    for (const std::string& x : routes) {
        for (const std::string& y : routes) {
            const auto witness = both_match(route(x), route(y));
            CAPTURE(x, y);
            if (!witness) continue;
            std::string buffer;
            CAPTURE(*witness);
            CHECK(normalise_path(*witness, buffer) == *witness);
            CHECK(RouteGlob(text(x), true).match(*witness, nullptr));
            CHECK(RouteGlob(text(y), true).match(*witness, nullptr));
        }
    }
}

TEST_CASE("both_match and not_covered agree with matching every short path") {
    const unsigned seed = 31;
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<std::string> paths{"/"};
    const std::vector<std::string> words{"a", "b", "ab", "ba"};
    for (std::size_t k = 0; k < paths.size() && paths.size() < 340; ++k) {
        for (const std::string& w : words)
            paths.push_back((paths[k] == "/" ? "" : paths[k]) + "/" + w);
    }
    const char* segments[] = {"a", "b", "{p}", "*", "**", "a*", "*b", "a**"};
    const auto pattern = [&] {
        std::string out;
        for (std::size_t n = 1 + random() % 3; n-- > 0;)
            out += std::string("/") + segments[random() % 8];
        while (out.find("{p}") != out.rfind("{p}")) out.replace(out.rfind("{p}"), 3, "b");
        return out;
    };
    for (int round = 0; round < 400; ++round) {
        const std::string x = pattern(), y = pattern();
        const RouteGlob gx(text(x), true), gy(text(y), true);
        bool both = false, left = false;
        for (const std::string& p : paths) {
            const bool in_x = gx.match(p, nullptr), in_y = gy.match(p, nullptr);
            both = both || (in_x && in_y);
            left = left || (in_x && !in_y);
        }
        const Automaton ax = route(x), ay = route(y);
        const Automaton* by[] = {&ay};
        const Coverage coverage = not_covered(ax, by);
        CAPTURE(x, y);
        if (both) CHECK(both_match(ax, ay).has_value());
        if (left) CHECK(coverage.witness.has_value());
        if (coverage.witness) {
            CAPTURE(*coverage.witness);
            CHECK(gx.match(*coverage.witness, nullptr));
            CHECK_FALSE(gy.match(*coverage.witness, nullptr));
        }
    }
}

TEST_CASE("a value in a key holds no colon, so keys with more fields never meet keys with fewer") {
    CHECK_FALSE(both_match(Automaton::of_text(text("{a}")), Automaton::of_text(text("{a}:{b}"))));
    CHECK(both_match(Automaton::of_text(text("{a}:*")), Automaton::of_text(text("{a}:{b}"))));
    CHECK(both_match(Automaton::of_text(text("{a...}")), Automaton::of_text(text("{a}:{b}"))));
}

TEST_CASE("a typo in a drop is not followed by the complaint that nothing drops the entry") {
    const Compiled c = compiled(
        "namespace user_details { key \"{id}\" }\non write \"/x/{id}\" { drop user_detials "
        "\"{id}\" }\n");
    CHECK(codes(c) == Codes{"L0202"});
}

TEST_CASE("a name that stands in an item that did not parse is not called unknown") {
    const Compiled c = compiled("namspace menu { key \"all\" }\non write \"/x\" { drop menu }\n");
    CHECK(codes(c) == Codes{"L0102"});
}

TEST_CASE("findings about the whole policy wait until all of it can be read") {
    const Compiled c = compiled(
        "namespace menu { key \"all\" }\non write \"/x\" { drop tag \"nobody\" }\nlet x =\n");
    CHECK(codes(c) == Codes{"L0101"});
}

TEST_CASE("an allow silences its finding on its line only") {
    const std::string head = "namespace other { key \"all\" }\non write \"/x\" { drop other }\n";
    CHECK(codes(compiled(head + "# allow L0303: they age\nnamespace menu { key \"all\" }\n"))
              .empty());
    CHECK(codes(compiled(head + "# allow L0303: they age\nnamespace menu { key \"all\" "
                                "}\nnamespace list { key \"all\" }\n")) == Codes{"L0303"});
    CHECK(codes(compiled(head + "# allow L0301: wrong one\nnamespace menu { key \"all\" }\n")) ==
          Codes{"L0303", "L0323"});
    CHECK(codes(compiled("# allow L0202: no\nnamespace other { key \"all\"; depends on x }\n"))
              .count("L0202") == 1);
}

TEST_CASE("findings come in the order of the text") {
    const Compiled c = compile_text(
        "meaning.larder", file_text(root + "/tests/policy/meaning.larder"), plain_options());
    CHECK(std::is_sorted(c.found.begin(), c.found.end(),
                         [](const Diagnostic& a, const Diagnostic& b) {
                             return a.primary.at.begin < b.primary.at.begin;
                         }));
}

TEST_CASE("captures of one route are the same values in a guarantee, whatever they are called") {
    const Compiled c = compiled(
        "namespace user { key \"{id}\" }\non PUT \"/users/{id}\" { drop user \"{id}\" }\n"
        "guarantee \"g\" { on PUT \"/users/{user_id}\" always drops user \"{user_id}\" }\n");
    CHECK(codes(c).empty());
}

TEST_CASE("`compress auto` is whatever codec there is: it takes no options, and with none there is nothing to choose") {
    CompileOptions o = plain_options();
    o.catalog = &small_catalog();
    const std::string menu = "namespace menu { key \"all\"; ttl 1h; static ";
    CHECK(codes(compiled(menu + "; compress auto above 1KiB }\n", o)).empty());
    CHECK(codes(compiled(menu + "; compress auto { quality 5 } }\n", o)) == Codes{"L0208"});
    Catalog none = small_catalog();
    none.codecs.clear();
    o.catalog = &none;
    CHECK(codes(compiled(menu + "; compress auto }\n", o)) == Codes{"L0208"});
}

TEST_CASE("with a catalog what is absent is named, and sleeps only where it may") {
    CompileOptions o = plain_options();
    o.catalog = &small_catalog();
    const std::string menu = "namespace menu { key \"all\"; ttl 1h; static ";
    CHECK(codes(compiled(menu + "; tiers l1 -> l2; compress brotli { quality 5 } }\n", o)).empty());
    CHECK(codes(compiled(menu + "; compress brotli { quality 99 } }\n", o)) == Codes{"L0208"});
    CHECK(codes(compiled(menu + "; compress brotli { qualty 5 } }\n", o)) == Codes{"L0208"});
    const Compiled sleeping =
        compiled(menu + "}\nwarm menu { every 30m; from sql \"select 1\" }\n", o);
    CHECK(sleeping.ok());
    CHECK(codes(sleeping) == Codes{"L0325"});
    CHECK_FALSE(compiled(menu + "; tiers l3 }\n", o).ok());
    o.allow_missing = true;
    CHECK(compiled(menu + "; tiers l3 }\n", o).ok());
}
