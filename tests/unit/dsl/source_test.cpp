// tests/unit/dsl/source_test.cpp -- places, files in one address space, documentation.
#include "dsl/source.hpp"

#include "catch.hpp"

#include <string>

using larder::dsl::documentation;
using larder::dsl::FileId;
using larder::dsl::Place;
using larder::dsl::Source;
using larder::dsl::SourceMap;
using larder::dsl::Span;

TEST_CASE("lines and columns count from 1, columns in code points") {
    const Source source("p", "ab\ncäd€x\n\tz", 0);
    CHECK(source.place(0) == Place{1, 1});
    CHECK(source.place(2) == Place{1, 3});  // the newline is behind the last character
    CHECK(source.place(3) == Place{2, 1});
    CHECK(source.place(6) == Place{2, 3});   // behind ä, which is two bytes
    CHECK(source.place(10) == Place{2, 5});  // behind €, which is three
    CHECK(source.place(12) == Place{3, 1});
    CHECK(source.place(13) == Place{3, 2});  // a tab is one column
}

TEST_CASE("columns are right on lines longer than any machine word") {
    for (std::size_t length = 0; length < 40; ++length) {
        std::string text;
        for (std::size_t i = 0; i < length; ++i) {
            text += i % 3 == 0 ? "€" : i % 3 == 1 ? "ä" : "x";
        }
        const Source source("p", text + "!", 0);
        CHECK(source.place(static_cast<std::uint32_t>(text.size())).column == length + 1);
    }
}

TEST_CASE("an offset behind the end is the end") {
    const Source source("p", "ab\n", 0);
    CHECK(source.place(3) == Place{1, 4});
    CHECK(source.place(1000) == Place{1, 4});
    CHECK(Source("p", "", 0).place(7) == Place{1, 1});
}

TEST_CASE("a line comes without its newline, whichever it is") {
    const Source source("p", "one\r\ntwo\n\nfour", 0);
    REQUIRE(source.lines() == 4);
    CHECK(source.line(1) == "one");
    CHECK(source.line(2) == "two");
    CHECK(source.line(3).empty());
    CHECK(source.line(4) == "four");
    CHECK(source.line(0).empty());
    CHECK(source.line(5).empty());
}

TEST_CASE("a span knows its file among many") {
    SourceMap sources;
    const FileId a = sources.add("a", "larder 1\n");
    const FileId b = sources.add("b", "let x = 1\n");
    const FileId empty = sources.add("empty", "");
    const FileId c = sources.add("c", "use \"b\"\n");
    const auto base = [&](FileId id) { return sources.file(id).base(); };

    CHECK(sources.file_of(base(a)) == a);
    CHECK(sources.file_of(sources.file(a).end()) == a);  // the end of a file is still its own
    CHECK(sources.file_of(base(b)) == b);
    CHECK(sources.file_of(base(empty)) == empty);
    CHECK(sources.file_of(base(c)) == c);
    CHECK(sources.file_of(4'000'000'000) == c);
    CHECK(sources.text({base(b) + 4, base(b) + 5}) == "x");
    CHECK(sources.where({base(c) + 4, base(c) + 7}) == "c:1:5");
}

TEST_CASE("a span that leaves its file is cut at the end of it") {
    SourceMap sources;
    sources.add("a", "abc");
    sources.add("b", "def");
    CHECK(sources.text({1, 100}) == "bc");
}

TEST_CASE("of a file that is too long one byte too many is kept") {
    SourceMap sources;
    sources.add("long", std::string(SourceMap::max_file_bytes + 1000, 'x'));
    CHECK(sources.file(FileId{0}).text().size() == SourceMap::max_file_bytes + 1);
}

TEST_CASE("documentation loses its marks and keeps its lines") {
    SourceMap sources;
    const std::string text = "  ## Users, by id.\n  # not this\n  ##\n  ##   - indented\r\n";
    sources.add("a", text);
    const Span all{0, static_cast<std::uint32_t>(text.size())};
    CHECK(documentation(sources, all) == "Users, by id.\n\n  - indented");
    CHECK(documentation(sources, Span{}).empty());
}
