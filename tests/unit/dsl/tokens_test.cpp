// tests/unit/dsl/tokens_test.cpp -- texts, numbers, values and statuses, read alone.
#include "catch.hpp"
#include "dsl/scan.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace larder::dsl;
using namespace larder::dsl::grammar;
using ast::Piece;
using ast::Unit;

namespace {

// Reads one token from a text of its own.
class OneToken {
  public:
    explicit OneToken(std::string text) {
        sources_.add("t", std::move(text));
        state_ = std::make_unique<ParseState>(sources_.file(FileId{0}), found_);
    }
    Scanned text(ast::Text& out) { return scan_text(first(), last(), *state_, out); }
    Scanned value(const ValuePlace& place, ast::Scalar& out) {
        return scan_value(first(), last(), *state_, place, out);
    }
    Scanned env_name(ast::EnvName& out) {
        return scan_env_name(first(), last(), *state_, "a codec", out);
    }
    Scanned status(bool classes, ast::Status& out) {
        return scan_status(first(), last(), classes, out);
    }
    std::string rest(const Scanned& scanned) const { return {scanned.end, state_->end()}; }
    std::string code() const { return found_.empty() ? "" : found_.front().code; }
    const std::vector<Diagnostic>& found() const { return found_; }

  private:
    Iterator first() const { return state_->begin(); }
    Iterator last() const { return state_->end(); }

    SourceMap sources_;
    std::vector<Diagnostic> found_;
    std::unique_ptr<ParseState> state_;
};

// "lit(a)cap(x)rest(y)star deep"
std::string pieces_of(const ast::Text& text) {
    std::string out;
    for (const Piece& piece : text.pieces) {
        switch (piece.kind) {
            case Piece::Kind::literal:
                out += "lit(" + std::string(piece.text) + ")";
                break;
            case Piece::Kind::capture:
                out += "cap(" + std::string(piece.text) + ")";
                break;
            case Piece::Kind::rest:
                out += "rest(" + std::string(piece.text) + ")";
                break;
            case Piece::Kind::star:
                out += "star";
                break;
            case Piece::Kind::deep:
                out += "deep";
                break;
        }
    }
    return out;
}

constexpr ValuePlace a_duration{units(Unit::duration), Unit::duration, "a duration"};
constexpr ValuePlace a_size{units(Unit::size), Unit::size, "a size"};
constexpr ValuePlace a_count{units(Unit::count), Unit::count, "a count"};
constexpr ValuePlace a_percent{units(Unit::percent), Unit::percent, "a percentage"};
constexpr ValuePlace a_truth{units(Unit::truth), Unit::truth, "true or false"};
constexpr ValuePlace anything{any_unit, Unit::none, "a value"};
constexpr ValuePlace a_clock{units(Unit::clock), Unit::clock, "a time", false};

}  // namespace

TEST_CASE("a text is cut into literals, captures and stars") {
    const std::vector<std::pair<std::string, std::string>> table{
        {R"("")", ""},
        {R"("abc")", "lit(abc)"},
        {R"("{a}")", "cap(a)"},
        {R"("user:{user_id}:x")", "lit(user:)cap(user_id)lit(:x)"},
        {R"("/v1/{rest...}")", "lit(/v1/)rest(rest)"},
        {R"("/a/*/b/**")", "lit(/a/)starlit(/b/)deep"},
        {R"("{a}{b}")", "cap(a)cap(b)"},
        {R"("***")", "deepstar"},
        {R"("a}b")", "lit(a}b)"},
        {R"("a\"b")", "lit(a)lit(\"b)"},
        {R"("\{x\}\*\\")", "lit({x)lit(})lit(*)lit(\\)"},
        {R"("Grüße")", "lit(Grüße)"},
    };
    for (const auto& [text, pieces] : table) {
        CAPTURE(text);
        OneToken token(text);
        ast::Text out;
        const Scanned scanned = token.text(out);
        CHECK_FALSE(scanned.reported);
        CHECK(token.rest(scanned).empty());
        CHECK(pieces_of(out) == pieces);
        CHECK(out.at == Span{0, static_cast<std::uint32_t>(text.size())});
    }
}

TEST_CASE("a text with a mistake inside is reported once, with the place of the mistake") {
    struct Row {
        std::string text, code;
        Span at;
    };
    const std::vector<Row> table{
        {"\"abc", "L0104", {0, 4}},        {"\"abc\nx\"", "L0104", {0, 4}},
        {"\"abc\r\nx\"", "L0104", {0, 4}}, {"\"abc\\", "L0104", {0, 5}},
        {"\"abc\\\nx", "L0104", {0, 5}},   {"\"a{b\"", "L0105", {2, 4}},
        {"\"a{}\"", "L0105", {2, 4}},      {"\"a{b c}\"", "L0105", {2, 7}},
        {"\"a{1b}\"", "L0105", {2, 6}},    {"\"a{b..}\"", "L0105", {2, 7}},
        {"\"a{b....}\"", "L0105", {2, 9}}, {"\"a{b-c}\"", "L0105", {2, 7}},
        {"\"a\\n\"", "L0105", {2, 4}},     {"\"a{{b}\"", "L0105", {2, 6}},
    };
    for (const Row& row : table) {
        CAPTURE(row.text);
        OneToken token(row.text);
        ast::Text out;
        CHECK(token.text(out).reported);
        REQUIRE(token.found().size() == 1);
        CHECK(token.code() == row.code);
        CHECK(token.found().front().primary.at == row.at);
    }
}

TEST_CASE("numbers carry their units") {
    struct Row {
        std::string text;
        ValuePlace place;
        double value;
    };
    const std::vector<Row> table{
        {"500ms", a_duration, 500},
        {"30s", a_duration, 30e3},
        {"5m", a_duration, 300e3},
        {"2h", a_duration, 7200e3},
        {"1d", a_duration, 86400e3},
        {"1w", a_duration, 604800e3},
        {"1h30m", a_duration, 5400e3},
        {"1d12h30m15s", a_duration, 131415e3},
        {"1.5h", a_duration, 5400e3},
        {"36500d", a_duration, 36500 * 86400e3},
        {"512B", a_size, 512},
        {"1KB", a_size, 1000},
        {"1KiB", a_size, 1024},
        {"100MiB", a_size, 100 * 1048576.0},
        {"1GB", a_size, 1e9},
        {"10%", a_percent, 10},
        {"0.5%", a_percent, 0.5},
        {"0", a_count, 0},
        {"9007199254740992", a_count, 9007199254740992.0},
        {"02:00", a_clock, 120},
        {"23:59", a_clock, 1439},
        {"1.5", anything, 1.5},
        {"true", anything, 1},
        {"false", a_truth, 0},
    };
    for (const Row& row : table) {
        CAPTURE(row.text);
        OneToken token(row.text);
        ast::Scalar out;
        const Scanned scanned = token.value(row.place, out);
        REQUIRE(scanned.end != nullptr);
        CHECK(token.rest(scanned).empty());
        CHECK(out.value == row.value);
        CHECK(out.has_literal);
        CHECK(out.let_name.empty());
        CHECK(out.env_name.empty());
    }
}

TEST_CASE("a number of the wrong kind is no match, and says nothing itself") {
    struct Row {
        std::string text;
        ValuePlace place;
    };
    const std::vector<Row> table{{"5", a_duration}, {"5MB", a_duration}, {"10%", a_duration},
                                 {"5", a_size},     {"5m", a_size},      {"1.5", a_count},
                                 {"5s", a_count},   {"5", a_percent},    {"x", a_clock},
                                 {"5", a_clock},    {"\"x\"", a_count},  {"", a_count},
                                 {"{", anything},   {"and", a_count},    {"or", a_count},
                                 {"true", a_count}, {"if", a_truth}};
    for (const Row& row : table) {
        CAPTURE(row.text);
        OneToken token(row.text);
        ast::Scalar out;
        const Scanned scanned = token.value(row.place, out);
        CHECK(scanned.end == nullptr);
        CHECK_FALSE(scanned.reported);
        CHECK(token.found().empty());
    }
}

TEST_CASE("a number with a mistake inside is reported at the mistake") {
    struct Row {
        std::string text, code;
        Span at;
        std::string help;
    };
    const std::vector<Row> table{
        {"60sec", "L0107", {2, 5}, "write `60s`"},
        {"5mins", "L0107", {1, 5}, "write `5m`"},
        {"1kb", "L0107", {1, 3}, "write `1KB`"},
        {"1K", "L0107", {1, 2}, "write `1KiB`"},
        {"3parsec", "L0107", {1, 7}, "units of time"},
        {"1h30", "L0107", {0, 4}, "write for example `1h30m`"},
        {"1h30KB", "L0107", {4, 6}, "units of time"},
        {"25:00", "L0106", {0, 5}, "from `00:00` to `23:59`"},
        {"02:60", "L0106", {0, 5}, "from"},
        {"02:5", "L0106", {0, 4}, "from"},
        {"1.5:00", "L0106", {0, 6}, "from"},
        {"36501d", "L0110", {0, 6}, "at most `36500d`"},
        {"99999999999999999999999999h", "L0110", {0, 27}, "hundred years"},
        {"2000TiB", "L0110", {0, 7}, "1024TiB"},
        {"9007199254740993000", "L0110", {0, 19}, "2^53"},
    };
    for (const Row& row : table) {
        CAPTURE(row.text);
        OneToken token(row.text);
        ast::Scalar out;
        CHECK(token.value(anything, out).reported);
        REQUIRE(token.found().size() == 1);
        CHECK(token.code() == row.code);
        CHECK(token.found().front().primary.at == row.at);
        REQUIRE(token.found().front().helps.size() == 1);
        CHECK_THAT(token.found().front().helps.front(), larder::test::contains(row.help));
    }
}

TEST_CASE("a misspelt unit comes with its fix") {
    OneToken token("60sec");
    ast::Scalar out;
    token.value(a_duration, out);
    REQUIRE(token.found().front().fix);
    CHECK(token.found().front().fix->at == Span{2, 5});
    CHECK(token.found().front().fix->replacement == "s");
}

TEST_CASE("a value may be a constant or an environment variable") {
    const auto read = [](const std::string& text, const ValuePlace& place) {
        OneToken token(text);
        ast::Scalar out;
        const Scanned scanned = token.value(place, out);
        REQUIRE(scanned.end != nullptr);
        std::string shown = "let=" + std::string(out.let_name) +
                            " env=" + std::string(out.env_name) +
                            " factor=" + std::to_string(static_cast<long>(out.env_factor));
        if (out.has_literal) {
            shown += " or=" + std::to_string(static_cast<long>(out.value));
        }
        const std::string rest = token.rest(scanned);
        return shown + (rest.empty() ? "" : " |" + rest);
    };
    CHECK(read("short", a_duration) == "let=short env= factor=0");
    CHECK(read("env TTL", a_duration) == "let= env=TTL factor=0");
    CHECK(read("env TTL or 5m", a_duration) == "let= env=TTL factor=0 or=300000");
    CHECK(read("env TTL minutes", a_duration) == "let= env=TTL factor=60000");
    CHECK(read("env TTL minutes or 30m", a_duration) == "let= env=TTL factor=60000 or=1800000");
    CHECK(read("env MAX MiB or 1MiB", a_size) == "let= env=MAX factor=1048576 or=1048576");
    CHECK(read("env N or 5", a_count) == "let= env=N factor=0 or=5");
    CHECK(read("env ON or true", a_truth) == "let= env=ON factor=0 or=1");
    CHECK(read("env X -> l2", a_duration) == "let= env=X factor=0 | -> l2");
    CHECK(read("env X jitter 10%", a_duration) == "let= env=X factor=0 | jitter 10%");
    CHECK(read("env X seconds", a_count) == "let= env=X factor=0 | seconds");
}

TEST_CASE("the default of a variable is of the kind its place wants") {
    for (const char* text : {"env X or 5", "env X or 5MB", "env X or \"5m\"", "env X or", "env",
                             "env 5", "env X or short", "env X KiB or 5m"}) {
        CAPTURE(text);
        OneToken token(text);
        ast::Scalar out;
        const Scanned scanned = token.value(a_duration, out);
        // `KiB` is no unit of time: the value ends before it, and the statement will not.
        CHECK((scanned.end == nullptr || token.rest(scanned) == " KiB or 5m"));
    }
}

TEST_CASE("a codec may come from the environment") {
    struct Row {
        std::string text, name, env;
    };
    for (const Row& row :
         {Row{"brotli", "brotli", ""}, Row{"none", "none", ""}, Row{"env CODEC", "", "CODEC"},
          Row{"env CODEC or gzip", "gzip", "CODEC"}}) {
        CAPTURE(row.text);
        OneToken token(row.text);
        ast::EnvName out;
        REQUIRE(token.env_name(out).end != nullptr);
        CHECK(out.text == row.name);
        CHECK(out.env_name == row.env);
        CHECK(out.at.size() == row.text.size());
    }
    for (const char* text : {"", "5", "env", "env CODEC or", "env CODEC or 5", "if", "\"gzip\""}) {
        CAPTURE(text);
        OneToken token(text);
        ast::EnvName out;
        CHECK(token.env_name(out).end == nullptr);
    }
}

TEST_CASE("a status is a number of three digits or a class") {
    const auto read = [](const std::string& text, bool classes) {
        OneToken token(text);
        ast::Status out;
        const Scanned scanned = token.status(classes, out);
        return scanned.end == nullptr ? std::string("no")
                                      : std::to_string(out.from) + "-" + std::to_string(out.to);
    };
    CHECK(read("201", true) == "201-201");
    CHECK(read("2xx", true) == "200-299");
    CHECK(read("5xx", true) == "500-599");
    CHECK(read("2xx", false) == "no");
    CHECK(read("20", true) == "no");
    CHECK(read("2000", true) == "no");
    CHECK(read("099", true) == "no");
    CHECK(read("600", true) == "no");
    CHECK(read("2x0", true) == "no");
    CHECK(read("2xxx", true) == "no");
    CHECK(read("", true) == "no");
}
