// tests/unit/dsl/diagnostic_test.cpp -- what a finding looks like to people, programs and CI.
#include "dsl/diagnostic.hpp"

#include "catch.hpp"

#include <boost/json.hpp>

#include <string>
#include <vector>

using namespace larder::dsl;
using larder::test::contains;

namespace {

Diagnostic finding(Span at, std::string label = {}) {
    Diagnostic found;
    found.code = "L0201";
    found.message = "namespace `a` is declared twice";
    found.primary = {at, std::move(label)};
    return found;
}

std::string text_of(const SourceMap& sources, const Diagnostic& found) {
    return render_text(sources, {&found, 1}, false);
}

SourceMap one_file(std::string text) {
    SourceMap sources;
    sources.add("p.larder", std::move(text));
    return sources;
}

}  // namespace

TEST_CASE("a finding shows its line, its place and its label") {
    const SourceMap sources = one_file("larder 1\nnamespace a { }\n");
    CHECK(text_of(sources, finding({19, 20}, "again here")) ==
          "error[L0201]: namespace `a` is declared twice\n"
          " --> p.larder:2:11\n"
          "  |\n"
          "2 | namespace a { }\n"
          "  |           ^ again here\n"
          "\n");
}

TEST_CASE("labels stand in the order of the file, gaps are dotted, remarks come last") {
    const SourceMap sources = one_file("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    Diagnostic found = finding({18, 19}, "again");
    found.severity = Severity::warning;
    found.more = {{{2, 3}, "near"}, {{0, 1}, "first"}};
    found.notes = {"a note"};
    found.helps = {"a help"};
    CHECK(text_of(sources, found) ==
          "warning[L0201]: namespace `a` is declared twice\n"
          "  --> p.larder:10:1\n"
          "   |\n"
          " 1 | a\n"
          "   | - first\n"
          " 2 | b\n"
          "   | - near\n"
          "   .\n"
          "10 | j\n"
          "   | ^ again\n"
          "   |\n"
          "   = note: a note\n"
          "   = help: a help\n"
          "\n");
}

TEST_CASE("a label in another file has a head of its own") {
    SourceMap sources;
    sources.add("a.larder", "namespace a { }\n");
    sources.add("b.larder", "namespace a { }\n");
    Diagnostic found = finding({10, 11}, "here");
    const std::uint32_t base = sources.file(FileId{1}).base();
    found.more = {{{base + 10, base + 11}, "and here"}};
    CHECK(text_of(sources, found) ==
          "error[L0201]: namespace `a` is declared twice\n"
          " --> a.larder:1:11\n"
          "  |\n"
          "1 | namespace a { }\n"
          "  |           ^ here\n"
          " ::: b.larder:1:11\n"
          "  |\n"
          "1 | namespace a { }\n"
          "  |           - and here\n"
          "\n");
}

TEST_CASE("marks stand under their words whatever the characters before them are") {
    // Two tabs, a and two characters of several bytes, then the word of two characters.
    const SourceMap sources = one_file("\t\taä€öx!");
    CHECK_THAT(text_of(sources, finding({8, 11})),
               contains("1 |         aä€öx!\n  |            ^^\n"));
}

TEST_CASE("a finding at the end of the file is shown behind its last line") {
    const SourceMap sources = one_file("abc\n");
    CHECK_THAT(text_of(sources, finding({4, 4})), contains("1 | abc\n  |    ^\n"));
    CHECK_THAT(text_of(one_file(""), finding({0, 0})), contains(" --> p.larder:1:1\n"));
}

TEST_CASE("a span of several lines is marked to the end of its first") {
    const SourceMap sources = one_file("abc def\nghi\n");
    CHECK_THAT(text_of(sources, finding({4, 11})), contains("1 | abc def\n  |     ^^^\n"));
}

TEST_CASE("of a very long line only the part around the place is shown") {
    const SourceMap sources =
        one_file(std::string(5'000'000, 'x') + "HERE" + std::string(3'000'000, 'y'));
    const std::string text = text_of(sources, finding({5'000'000, 5'000'004}));
    CHECK(text.size() < 1000);
    CHECK_THAT(text, contains("p.larder:1:5000001"));
    CHECK_THAT(text, contains("xHEREy"));
    CHECK_THAT(text, contains("  |  " + std::string(60, ' ') + "^^^^\n"));
}

TEST_CASE("a policy cannot drive the terminal of its reader") {
    const SourceMap sources = one_file("a \033[2J\x07 \xC2\x9B \xff b\n");
    Diagnostic found = finding({2, 3}, "\033[31m");
    found.message = "found `\033]0;x\x07`";
    const std::string text = text_of(sources, found);
    CHECK(text.find('\033') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
    CHECK(text.find('\xff') == std::string::npos);
    CHECK(text.find("\xC2\x9B") == std::string::npos);
    CHECK_THAT(text, contains("�"));
}

TEST_CASE("colour is added around the same words") {
    const SourceMap sources = one_file("abc\n");
    const Diagnostic found = finding({0, 1}, "here");
    std::string coloured = render_text(sources, {&found, 1}, true);
    CHECK(coloured.find("\033[1;31m") != std::string::npos);
    for (std::size_t i = coloured.find('\033'); i != std::string::npos; i = coloured.find('\033')) {
        coloured.erase(i, coloured.find('m', i) + 1 - i);
    }
    CHECK(coloured == text_of(sources, found));
}

TEST_CASE("JSON says what the text says") {
    const SourceMap sources = one_file("larder 1\nnamespace \"ä\" { }\n");
    Diagnostic found = finding({19, 23}, "here");
    found.more = {{{0, 6}, "there"}};
    found.notes = {"n"};
    found.helps = {"line 1\nline 2\t\"x\"\\"};
    found.fix = Fix{{19, 23}, "a"};
    CHECK(render_json(sources, {&found, 1}) ==
          "[\n"
          "{\"code\":\"L0201\",\"severity\":\"error\",\"message\":\"namespace `a` is declared "
          "twice\","
          "\"file\":\"p.larder\",\"range\":{\"start\":{\"line\":2,\"column\":11},"
          "\"end\":{\"line\":2,\"column\":14}},\"label\":\"here\",\"related\":[{\"file\":\"p."
          "larder\","
          "\"range\":{\"start\":{\"line\":1,\"column\":1},\"end\":{\"line\":1,\"column\":7}},"
          "\"label\":\"there\"}],\"notes\":[\"n\"],\"help\":[\"line 1\\nline 2\\t\\\"x\\\"\\\\\"],"
          "\"fix\":{\"file\":\"p.larder\",\"range\":{\"start\":{\"line\":2,\"column\":11},"
          "\"end\":{\"line\":2,\"column\":14}},\"replacement\":\"a\"}}\n"
          "]\n");
    CHECK(render_json(sources, {}) == "[]\n");
}

TEST_CASE("JSON and SARIF are JSON whatever bytes a policy holds") {
    std::string every_byte;
    for (int c = 0; c < 256; ++c) {
        every_byte += static_cast<char>(c);
    }
    SourceMap sources;
    sources.add("dir with blank/" + every_byte, every_byte);
    Diagnostic found = finding({128, 200}, every_byte);
    found.message = every_byte;
    found.notes = found.helps = {every_byte};
    found.more = {{{0, 1}, every_byte}};
    found.fix = Fix{{0, 1}, every_byte};
    for (const std::string& text :
         {render_json(sources, {&found, 1}), render_sarif(sources, {&found, 1}, every_byte)}) {
        boost::json::error_code error;
        const boost::json::value parsed = boost::json::parse(text, error);
        CHECK_FALSE(error);
        CHECK((parsed.is_array() || parsed.is_object()));
    }
}

TEST_CASE("SARIF names the tool, its rules, the columns it counts, and every place") {
    SourceMap sources;
    sources.add("policies/hötel b.larder", "larder 1\nnamespace a { }\n");
    std::vector<Diagnostic> all{finding({19, 20}, "again here"), finding({0, 6})};
    all[1].code = "L0101";
    all[1].severity = Severity::note;
    all[0].more = {{{0, 6}, "first here"}};
    all[0].helps = {"drop one"};
    all[0].fix = Fix{{19, 20}, "b"};
    CHECK(render_sarif(sources, all, "1.2") ==
          "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\","
          "\"runs\":[{\"tool\":{\"driver\":{\"name\":\"larder\",\"version\":\"1.2\",\"rules\":["
          "{\"id\":\"L0101\",\"help\":{\"text\":\"larder explain L0101\"}},"
          "{\"id\":\"L0201\",\"help\":{\"text\":\"larder explain L0201\"}}]}},"
          "\"columnKind\":\"unicodeCodePoints\",\"results\":[\n"
          "{\"ruleId\":\"L0201\",\"ruleIndex\":1,\"level\":\"error\",\"message\":{\"text\":"
          "\"namespace `a` is declared twice\\nagain here\\nhelp: drop one\"},\"locations\":[{"
          "\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"policies/h%C3%B6tel%20b.larder\"},"
          "\"region\":{\"startLine\":2,\"startColumn\":11,\"endLine\":2,\"endColumn\":12}}}],"
          "\"relatedLocations\":[{\"id\":1,\"physicalLocation\":{\"artifactLocation\":{\"uri\":"
          "\"policies/h%C3%B6tel%20b.larder\"},\"region\":{\"startLine\":1,\"startColumn\":1,"
          "\"endLine\":1,\"endColumn\":7}},\"message\":{\"text\":\"first here\"}}],\"fixes\":[{"
          "\"description\":{\"text\":\"write `b`\"},\"artifactChanges\":[{\"artifactLocation\":{"
          "\"uri\":\"policies/h%C3%B6tel%20b.larder\"},\"replacements\":[{\"deletedRegion\":{"
          "\"startLine\":2,\"startColumn\":11,\"endLine\":2,\"endColumn\":12},\"insertedContent\":{"
          "\"text\":\"b\"}}]}]}]},\n"
          "{\"ruleId\":\"L0101\",\"ruleIndex\":0,\"level\":\"note\",\"message\":{\"text\":"
          "\"namespace `a` is declared twice\"},\"locations\":[{\"physicalLocation\":{"
          "\"artifactLocation\":{\"uri\":\"policies/h%C3%B6tel%20b.larder\"},\"region\":{"
          "\"startLine\":1,\"startColumn\":1,\"endLine\":1,\"endColumn\":7}}}]}\n"
          "]}]}\n");
    CHECK_NOTHROW(boost::json::parse(render_sarif(sources, {})));
}

TEST_CASE("GitHub gets one line a finding, and no way to smuggle in another command") {
    SourceMap sources;
    sources.add("a,b:c.larder", "larder 1\nnamespace a { }\n");
    Diagnostic found = finding({19, 20}, "again");
    found.message = "100%\n::error::x";
    found.helps = {"drop one"};
    CHECK(render_github(sources, {&found, 1}) ==
          "::error file=a%2Cb%3Ac.larder,line=2,endLine=2,col=11,endColumn=12,title=L0201::"
          "100%25%0A::error::x: again%0Ahelp: drop one\n");
    found.severity = Severity::note;
    CHECK_THAT(render_github(sources, {&found, 1}), contains("::notice file="));
}

TEST_CASE("the nearest word is a slip away, and not just any word") {
    const std::vector<std::string_view> words{"ttl", "tag", "tiers", "namespace", "sliding"};
    CHECK(nearest("tll", words) == "ttl");
    CHECK(nearest("ttll", words) == "ttl");
    CHECK(nearest("tires", words) == "tiers");
    CHECK(nearest("namspace", words) == "namespace");
    CHECK(nearest("slidng", words) == "sliding");
    CHECK(nearest("dilsing", words) == "sliding");  // three steps in a long word
    CHECK(nearest("xyz", words).empty());
    CHECK(nearest("", words).empty());
    CHECK(nearest("t", words).empty());
    CHECK(nearest("ttl", words) == "tag");  // never itself
    CHECK(nearest("completely", words).empty());
    CHECK(nearest(std::string(1000, 'n'), words).empty());
    CHECK(nearest("tll", {}).empty());
    CHECK(nearest("slinidg", words, 1).empty());
    CHECK(nearest("tll", words, 1) == "ttl");
}

TEST_CASE("only an error is an error") {
    std::vector<Diagnostic> found(2);
    found[0].severity = Severity::warning;
    found[1].severity = Severity::note;
    CHECK_FALSE(has_errors(found));
    found.emplace_back();
    CHECK(has_errors(found));
}
