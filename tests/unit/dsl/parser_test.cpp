// tests/unit/dsl/parser_test.cpp -- what the language takes, what it refuses and where, and that a
// mistake is one message whatever stands around it.
#include "catch.hpp"
#include "unit/dsl/parsing.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

using namespace larder::dsl;
using larder::test::contains;
using larder::test::Parsing;
using larder::test::read_file;

namespace {

const std::string syntax_dir = std::string(LARDER_SOURCE_DIR) + "/tests/policy/syntax/";

// The block a statement is tried in. The statement is line 2, behind two blanks.
struct Block {
    std::string head;
    std::string wrap(const std::string& statement) const {
        return head.empty() ? "larder 1\n" + statement + "\n"
                            : head + " {\n  " + statement + "\n}\n";
    }
};
const Block file{""}, in_namespace{"namespace a"}, in_rule{"on event \"x\""},
    in_session{"session web"}, in_warm{"warm a"}, in_breaker{"breaker l2"}, in_guard{"guard"}, in_test{"test \"t\""},
    in_guarantee{"guarantee \"g\""}, in_profile{"profile p"};

struct Accepted {
    const Block& block;
    std::string statement;
};

struct Refused {
    const Block& block;
    std::string statement;  // `@` stands before the place of the error
    std::string code;
    std::string message;  // a part of it
};

}  // namespace

TEST_CASE("every construct of the language is taken without a word") {
    const Parsing all(read_file(syntax_dir + "accepted.larder"));
    CHECK(all.shown().empty());
    CHECK(all.parsed.tree.size() == 34);
}

TEST_CASE("a statement is taken in each of its forms") {
    const std::vector<Accepted> table{
        {file, ""},
        {file, "larder 1; let x = 5; let y = x"},
        {file, "let x = 1.5"},
        {file, "let x = \"a b\""},
        {file, "let a-b_c9 = 02:00"},
        {file, "namespace session { key \"k\"; ttl 1m }"},  // nothing is reserved
        {file, "namespace a.b-c.d { }"},
        {file, "namespace a { } # comment"},
        {file, "namespace a {}"},
        {file, "namespace a { ; ttl 5m;; }"},
        {file, "on POST,\n   PUT \"/x\" { }"},
        {file, "on event \"x\" (\n  a,\n  b\n) { }"},
        {file, "alert a when b is open -> log"},
        {file, "alert a when b = 1 or c = 2 and d = 3 -> log x"},
        {file, "warm a if on { at startup }"},
        {in_namespace, "key \"\""},
        {in_namespace, "ttl x jitter y"},
        {in_namespace, "ttl env A hours or 2h jitter env J sliding at most env M days or 3d"},
        {in_namespace, "ttl 1h when {d} after today+7d"},
        {in_namespace, "stale 1s on error"},
        {in_namespace, "tiers l1"},
        {in_namespace, "tiers l1 if on -> l2"},
        {in_namespace, "tiers l1 live->l2"},
        {in_namespace, "tag \"a\",\n      \"b\""},
        {in_namespace, "compress brotli except \"image/*\""},
        {in_namespace, "compress gzip { }"},
        {in_namespace, "compress gzip {\n    level 6\n  }"},
        {in_namespace, "compress env C or none if env X or false"},
        {in_namespace, "limit 10MB in l1"},
        {in_namespace, "limit x in l1"},
        {in_namespace, "coalesce"},
        {in_namespace, "evict lru"},
        {in_namespace, "evict s3fifo"},
        {in_namespace, "evict auto"},
        {in_namespace, "log misses"},
        {in_namespace, "log misses slower than 50ms"},
        {in_namespace, "log misses slower than env SLOW or 50ms"},
        {in_namespace, "write aside"},
        {in_rule, "drop everything, tag \"x\", a, b \"k\", c matching \"k*\""},
        {in_rule, "serve a"},
        {in_rule, "warm a"},
        {in_session, "limit 4MiB"},
        {in_session, "limit x"},
        {in_session, "limit x per user"},
        {in_session, "cookie \"sid\""},
        {in_warm, "from http \"x\" { }"},
        {in_warm, "at most env N or 5 at once"},
        {in_breaker, "open after env N or 5 failures"},
        {in_guard, "refuse drop above 20% of a, menu.item"},
        {in_guard, "refuse change above env SHARE or 50%"},
        {in_guard, "watch hit_rate < 60% for 1m, error_rate(l2) > 5% and requests > 10 or breaker(l2) is open"},
        {in_test, "PURGE \"/x\""},
        {in_guarantee, "on drop of a always drops b"},
        {in_guarantee, "a.b is never older than 1m30s"},
        {in_profile, "namespace a { ttl 5m }"},
        {in_profile, "defaults { ttl 5m }"},
    };
    for (const Accepted& row : table) {
        CAPTURE(row.statement);
        CHECK(Parsing(row.block.wrap(row.statement)).shown().empty());
    }
}

TEST_CASE("what is wrong is refused at its place, with one message") {
    const std::vector<Refused> table{
        // ---- the file
        {file, "@nonsense", "L0102", "unknown word `nonsense`"},
        {file, "@}", "L0101", "this `}` closes nothing"},
        {file, "@{", "L0101", "unexpected `{`"},
        {file, "@5", "L0101", "unexpected `5`"},
        {file, "@\"text\"", "L0101", "unexpected `\"text\"`"},
        {file, "@€", "L0101", "unexpected `€`"},
        {file, "larder@", "L0101", "expected a whole number"},
        {file, "larder @one", "L0101", "expected a whole number, found `one`"},
        {file, "larder @1.5", "L0101", "expected a whole number, found `1.5`"},
        {file, "larder 1 @2", "L0101", "expected the end of the line, found `2`"},
        {file, "use @limits", "L0101", "expected a \"text\", found `limits`"},
        {file, "let @= 5", "L0101", "expected a name, found `=`"},
        {file, "let x @5", "L0101", "expected `=`, found `5`"},
        {file, "let x =@", "L0101", "expected a value, found the end of the file"},
        {file, "let x = @}", "L0101", "this `}` closes nothing"},
        {file, "let x = @or", "L0101", "expected a value, found `or`"},
        {file, "let x = env @5", "L0101", "expected the name of an environment variable"},
        {file, "let x = env A or @b", "L0101", "expected a value, found `b`"},
        {file, "let x = 5 @6", "L0101", "expected the end of the line, found `6`"},
        {file, "let x = @\"abc", "L0104", "no closing quote"},
        {file, "namespace @{ ttl 5m }", "L0101", "expected a namespace, found `{`"},
        {file, "namespace a@", "L0101", "expected `{`, found the end of the line"},
        {file, "namespace a @b { ttl 5m }", "L0101", "expected `{`, found `b`"},
        {file, "namespace a@. { ttl 5m }", "L0101", "expected `{`, found `.`"},
        {file, "namespace a @ttl 5m", "L0101", "expected `{`, found `ttl`"},
        {file, "namespace a {@", "L0103", "`}` is missing before the end of the file"},
        {file, "namespace a { ttl 5m } @x", "L0101", "expected the end of the line, found `x`"},
        {file, "on @{ }", "L0101", "unexpected `{`"},
        {file, "on @/x { }", "L0101", "unexpected `/`"},
        {file, "on GET @{ }", "L0101", "expected `,` or a \"text\", found `{`"},
        {file, "on GET @/v1/{id} { }", "L0101", "expected `,` or a \"text\", found `/`"},
        {file, "on GET, @5 \"/x\" { }", "L0101", "an HTTP method or `write`, found `5`"},
        {file, "on GET \"/x\" status @6xx { }", "L0101", "a status like `201` or `2xx`"},
        {file, "on GET \"/x\" status 200 @201 { }", "L0101", "expected `,` or `{`, found `201`"},
        {file, "on GET \"/x\" @statsu 200 { }", "L0101", "expected `status` or `{`"},
        {file, "on event @nightly { }", "L0101", "expected a \"text\", found `nightly`"},
        {file, "on event \"x\" (@) { }", "L0101", "expected a capture name, found `)`"},
        {file, "on event \"x\" (a @b) { }", "L0101", "expected `,` or `)`, found `b`"},
        {file, "on drop @menu { }", "L0101", "expected `of`, found `menu`"},
        {file, "on drop of @\"menu\" { }", "L0101", "expected a namespace"},
        {file, "on @evnt \"x\" { }", "L0102", "unknown word `evnt`"},
        {file, "on kafka @stock { }", "L0101", "expected a \"text\", found `stock`"},
        {file, "on event \"x\"@", "L0101", "expected `(` or `{`, found the end of the line"},
        {file, "session @{ ttl 5m }", "L0101", "expected a name, found `{`"},
        {file, "warm @\"x\" { at startup }", "L0101", "expected a namespace"},
        {file, "warm a if x @y { at startup }", "L0101", "expected `{`, found `y`"},
        {file, "warm a if @5 { at startup }", "L0101", "expected `true`, `false` or `env NAME`"},
        {file, "alert when @x < 5 -> log", "L0101", "expected `when`, found `x`"},
        {file, "alert a @x < 5 -> log", "L0101", "expected `when`, found `x`"},
        {file, "alert a when @< 5 -> log", "L0101", "expected a metric, found `<`"},
        {file, "alert a when x @5 -> log", "L0101", "unexpected `5`"},
        {file, "alert a when x @== 5 -> log", "L0101", "unexpected `=`"},
        {file, "alert a when x < @-> log", "L0101", "expected a value, found `-`"},
        {file, "alert a when x(@) < 5 -> log", "L0101", "expected a namespace, found `)`"},
        {file, "alert a when x < 5 for @5 -> log", "L0101", "expected a duration"},
        {file, "alert a when x < 5 @log", "L0101", "expected `and`, `or`, `for` or `->`"},
        {file, "alert a when x < 5 ->@", "L0101", "expected a plugin"},
        {file, "alert a when x < 5 -> log, @5", "L0101", "expected a plugin, found `5`"},
        {file, "breaker @{ probe 1 }", "L0101", "expected a name"},
        {file, "test @name { }", "L0101", "expected a \"text\", found `name`"},
        {file, "test \"t\" in @production { }", "L0101", "expected `profile`, found `production`"},
        {file, "test \"t\" in profile @{ }", "L0101", "expected a profile, found `{`"},
        {file, "test \"t\" @on profile p { }", "L0101", "expected `in` or `{`, found `on`"},
        {file, "guarantee @{ }", "L0101", "expected a \"text\""},
        {file, "profile @{ }", "L0101", "expected a name"},
        {file, "defaults @x { }", "L0101", "expected `{`, found `x`"},
        // ---- namespaces
        {in_namespace, "@tll 3m", "L0102", "unknown word `tll`"},
        {in_namespace, "@\"key\"", "L0101", "unexpected `\"key\"`"},
        {in_namespace, "key @id", "L0101", "expected a \"text\", found `id`"},
        {in_namespace, "key \"a\" @\"b\"", "L0101", "expected the end of the line"},
        {in_namespace, "key \"@{a\"", "L0105", "not closed or not a name"},
        {in_namespace, "key \"a@\\n\"", "L0105", "no such escape"},
        {in_namespace, "tag@", "L0101", "expected a \"text\", found the end of the line"},
        {in_namespace, "tag \"a\" @\"b\"", "L0101", "expected `,` or the end of the line"},
        {in_namespace, "with @\"a\"", "L0101", "expected a capture name"},
        {in_namespace, "ttl@", "L0101", "expected a duration"},
        {in_namespace, "ttl @300", "L0101", "expected a duration like `30s` or `1h30m`"},
        {in_namespace, "ttl @5MB", "L0101", "found `5MB`"},
        {in_namespace, "ttl @-5m", "L0101", "found `-`"},
        {in_namespace, "ttl 5@mins", "L0107", "unknown unit `mins`"},
        {in_namespace, "ttl @1h30", "L0107", "the last number has no unit"},
        {in_namespace, "ttl @1000000d", "L0110", "too large"},
        {in_namespace, "ttl 5m jitter @10", "L0101", "expected a percentage"},
        {in_namespace, "ttl 5m @slidng", "L0101", "found `slidng`"},
        {in_namespace, "ttl 5m @at most 1h", "L0101", "found `at`"},
        {in_namespace, "ttl 5m sliding at @1h", "L0101", "expected `most`, found `1h`"},
        {in_namespace, "ttl 5m when @end before today", "L0101", "expected a capture like"},
        {in_namespace, "ttl 5m when {end} @until today", "L0101", "`before`, `on` or `after`"},
        {in_namespace, "ttl 5m when {end} before @now", "L0101", "expected `today`, found `now`"},
        {in_namespace, "ttl 5m when {end} before today - @7", "L0101", "expected a duration"},
        {in_namespace, "ttl 5m when {end} before today @7d", "L0101", "found `7d`"},
        {in_namespace, "ttl env A or @5", "L0101", "expected a duration"},
        {in_namespace, "ttl env A minutes or @5MB", "L0101", "expected a duration"},
        {in_namespace, "stale 30s @whlie revalidating", "L0101", "expected `while` or `on`"},
        {in_namespace, "stale 30s on @eror", "L0101", "expected `revalidating` or `error`"},
        {in_namespace, "absent @\"5m\"", "L0101", "expected a duration"},
        {in_namespace, "tiers @-> l2", "L0101", "expected a store"},
        {in_namespace, "tiers l1 -> @5m", "L0101", "expected a store, found `5m`"},
        {in_namespace, "tiers l1 60s @l2", "L0101", "expected `if`, `->` or the end of the line"},
        {in_namespace, "compress above @1KiB", "L0101", "unexpected `1KiB`"},
        {in_namespace, "compress gzip above @1 KiB", "L0101", "expected a size"},
        {in_namespace, "compress gzip except @text", "L0101", "expected a \"text\""},
        {in_namespace, "compress gzip { level @}", "L0101", "expected a value"},
        {in_namespace, "compress gzip { @5 }", "L0101", "found `5`"},
        {in_namespace, "compress gzip { level 6@, window 5 }", "L0101", "found `,`"},
        {in_namespace, "compress gzip if @5", "L0101", "expected `true`, `false` or `env NAME`"},
        {in_namespace, "limit@", "L0101", "a whole number or a size"},
        {in_namespace, "limit 1000@", "L0101", "expected `entries`"},
        {in_namespace, "limit @5m", "L0101", "a whole number or a size"},
        {in_namespace, "limit 5 entries in @5", "L0101", "expected a store"},
        {in_namespace, "evict @random", "L0102", "unknown word `random`"},
        {in_namespace, "evict@", "L0101", "unexpected the end of the line"},
        {in_namespace, "log @hits", "L0101", "expected `misses`"},
        {in_namespace, "log misses slower @50ms", "L0101", "expected `than`"},
        {in_namespace, "refuse @1MiB", "L0101", "expected `above`, found `1MiB`"},
        {in_namespace, "version @1.5", "L0101", "expected a whole number"},
        {in_namespace, "version 2 accepts@", "L0101", "expected a whole number"},
        {in_namespace, "depends @a", "L0101", "expected `on`, found `a`"},
        {in_namespace, "write @trough", "L0101", "`through`, `behind` or `aside`"},
        {in_namespace, "coalesce @2s", "L0101", "expected `wait` or the end of the line"},
        {in_namespace, "static @5m", "L0101", "expected the end of the line"},
        {in_namespace, "@on event \"x\" { }", "L0102", "unknown word `on`"},
        {in_namespace, "namespace @{ ttl 5m }", "L0101", "expected a namespace"},
        // ---- rules
        {in_rule, "@dorp a", "L0102", "unknown word `dorp`"},
        {in_rule, "drop@", "L0101", "`tag`, `everything` or a namespace"},
        {in_rule, "drop a, @5", "L0101", "`tag`, `everything` or a namespace"},
        {in_rule, "drop a @b", "L0101", "found `b`"},
        {in_rule, "drop tag @x", "L0101", "expected a \"text\", found `x`"},
        {in_rule, "drop a matching \"k\" @\"l\"", "L0101", "found `\"l\"`"},
        {in_rule, "let x = @body \"f\"", "L0102", "unknown word `body`"},
        {in_rule, "let x = json @f", "L0101", "expected a \"text\""},
        {in_rule, "let @= json \"f\"", "L0101", "expected a capture name"},
        {in_rule, "serve @\"a\"", "L0101", "expected a namespace"},
        {in_rule, "serve a unless @\"h\"", "L0101", ""},
        {in_rule, "warm@", "L0101", "expected a namespace"},
        {in_rule, "end @web of \"x\"", "L0101", "expected `session`, found `web`"},
        {in_rule, "end session web @\"x\"", "L0101", "expected `of`"},
        // ---- sessions, warming, breakers
        {in_session, "@static", "L0102", "unknown word `static`"},
        {in_session, "@coalesce", "L0102", "unknown word"},
        {in_session, "store @\"l2\"", "L0101", "expected a store"},
        {in_session, "limit 5 per @usr", "L0101", "expected `user`, found `usr`"},
        {in_session, "limit 5 per user then @drop", "L0101", "expected `refuse`"},
        {in_session, "limit 5 @entries", "L0101", "expected `per`"},
        {in_session, "cookie @sid", "L0101", "expected a \"text\""},
        {in_warm, "@evry 30m", "L0102", "unknown word `evry`"},
        {in_warm, "at @start", "L0101", "expected `startup` or `most`"},
        {in_warm, "at most 5 at @one", "L0101", "expected `once`"},
        {in_warm, "every @30", "L0101", "expected a duration"},
        {in_warm, "between @2 and 05:00", "L0101", "expected a time of day"},
        {in_warm, "between 02:00 and @25:00", "L0106", "no such time"},
        {in_warm, "from @\"x\"", "L0101", "expected a plugin"},
        {in_warm, "from http \"x\" { timeout @}", "L0101", "expected a value"},
        {in_warm, "for x @\"a\"", "L0101", "expected `in`"},
        {in_warm, "learn 7d at least 10@", "L0101", "expected `hits`"},
        {in_breaker, "@close after 5 failures", "L0101", "expected `open`, `retry`, `probe` or `ramp`"},
        {in_breaker, "open after @5s", "L0101", "expected a whole number"},
        {in_breaker, "open after 5 @failuers", "L0101", "expected `failures`"},
        {in_breaker, "retry after @60", "L0101", "expected a duration"},
        {in_breaker, "probe @1s", "L0101", "expected a whole number"},
        {in_guard, "@refse drop above 1%", "L0101", "expected `refuse` or `watch`"},
        {in_guard, "refuse @drops above 1%", "L0101", "expected `drop` or `change`"},
        {in_guard, "refuse drop @20%", "L0101", "expected `above`"},
        {in_guard, "refuse drop above @20 of a", "L0101", "expected a percentage"},
        {in_guard, "watch@ ", "L0101", "expected a metric"},
        {in_guard, "watch hit_rate < 60% for @5%", "L0101", "expected a duration"},
        {file, "guard @a { }", "L0101", "expected `{`"},
        // ---- tests and guarantees
        {in_test, "@get \"/x\"", "L0102", "unknown word `get`"},
        {in_test, "GET @/x", "L0101", "expected a \"text\""},
        {in_test, "GET \"/x\" status @2xx", "L0101", "a status like `201`"},
        {in_test, "put @\"7\"", "L0101", "expected a namespace"},
        {in_test, "put a with x @\"7\"", "L0101", "expected `=`"},
        {in_test, "expect @droped a", "L0102", "unknown word `droped`"},
        {in_test, "expect dropped@", "L0101", ""},
        {in_test, "after @10", "L0101", "expected a duration"},
        {in_test, "fail @5", "L0101", "expected a store"},
        {in_guarantee, "write @\"/x\" always drops a", "L0101", "expected `is`"},
        {in_guarantee, "@\"/x\" always drops a", "L0101", "expected `on`"},
        {in_guarantee, "on write \"/x\" @sometimes drops a", "L0101", "`always` or `never`"},
        {in_guarantee, "on write \"/x\" always @drop a", "L0101", "expected `drops`"},
        {in_guarantee, "on write @/x always drops a", "L0101", "a \"text\""},
        {in_guarantee, "a is never @old", "L0101", "expected `older`"},
        {in_guarantee, "a is never older than @60", "L0101", "a duration like"},
        {in_profile, "@on event \"x\" { }", "L0101", "expected `let`, `defaults`"},
        {in_profile, "@key \"x\"", "L0101", "expected `let`, `defaults`"},
    };
    for (const Refused& row : table) {
        const std::string marked = row.block.wrap(row.statement);
        const std::size_t at = marked.find('@');
        std::string text = marked;
        text.erase(at, 1);
        const Source source("p", text, 0);
        const Place place = source.place(static_cast<std::uint32_t>(at));
        const std::string expected =
            row.code + '@' + std::to_string(place.line) + ':' + std::to_string(place.column);

        const Parsing parsing(text);
        CAPTURE(row.statement, parsing.shown());
        CHECK(parsing.places() == std::vector<std::string>{expected});
        if (!parsing.found().empty()) {
            CHECK_THAT(parsing.found().front().message, contains(row.message));
        }
    }
}

TEST_CASE("the golden policies are reported as their .expect says") {
    std::size_t seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator(syntax_dir)) {
        if (entry.path().extension() != ".larder" ||
            !std::filesystem::exists(
                entry.path().string().substr(0, entry.path().string().size() - 7) + ".expect")) {
            continue;
        }
        CAPTURE(entry.path().string());
        const std::string stem = entry.path().string().substr(0, entry.path().string().size() - 7);
        const Parsing parsing(read_file(entry.path()), entry.path().filename().string());
        CHECK(parsing.shown() == read_file(stem + ".expect"));
        ++seen;
    }
    CHECK(seen >= 4);
}

TEST_CASE("all syntax errors of a broken policy are found in one run, each once") {
    const Parsing parsing(read_file(syntax_dir + "broken.larder"));
    const std::vector<std::string> expected{
        "L0102@5:3",   "L0101@6:7",  "L0101@7:13",  "L0107@8:14",  "L0101@9:25", "L0105@10:13",
        "L0102@14:1",  "L0101@20:9", "L0102@22:3",  "L0104@26:27", "L0103@28:1", "L0101@29:11",
        "L0101@30:15", "L0102@35:3", "L0106@37:21", "L0101@40:46", "L0102@44:10"};
    CHECK(parsing.places() == expected);
}

TEST_CASE("around an error everything else is still in the tree") {
    const Parsing parsing(
        "namespace a {\n  ttl 300\n  key \"{x}\"\n}\n"
        "namespace b c {\n  key \"{y}\"\n}\n"
        "namespace d {\n  key \"{z}\"\n\n"
        "on GET /x {\n  drop a\n}\n");
    CHECK(parsing.places() ==
          std::vector<std::string>{"L0101@2:7", "L0101@5:13", "L0103@11:1", "L0101@11:8"});
    REQUIRE(parsing.parsed.tree.size() == 4);
    const auto& a = parsing.item<ast::Namespace>(0);
    REQUIRE(a.body.size() == 2);
    CHECK(boost::get<ast::KeyClause>(&a.body[1].get()) != nullptr);
    CHECK(parsing.item<ast::Namespace>(1).id.text == "b");
    CHECK(parsing.item<ast::Namespace>(1).body.size() == 1);
    CHECK(parsing.item<ast::Namespace>(2).id.text == "d");
    CHECK(parsing.item<ast::Namespace>(2).body.size() == 1);
    CHECK(parsing.item<ast::Rule>(3).body.size() == 1);
}

TEST_CASE("an error inside a block of options does not close the block around it") {
    const Parsing parsing(
        "warm a {\n  from http \"x\" { timeout }\n  every 5m\n  at startup\n}\nlet x = 1\n");
    CHECK(parsing.places() == std::vector<std::string>{"L0101@2:27"});
    CHECK(parsing.item<ast::Warm>(0).body.size() == 3);
    CHECK(parsing.parsed.tree.size() == 2);
}

TEST_CASE("a lost brace is found at the next item, and names the blocks that are open") {
    const Parsing parsing("namespace a {\n  namespace b {\n    ttl 5m\n\nlet x = 1\nlet y = 2\n");
    REQUIRE(parsing.places() == std::vector<std::string>{"L0103@5:1"});
    const Diagnostic& found = parsing.found().front();
    REQUIRE(found.more.size() == 2);
    CHECK(parsing.sources->place(found.more[0].at.begin) == Place{2, 15});
    CHECK(parsing.sources->place(found.more[1].at.begin) == Place{1, 13});
    CHECK(parsing.parsed.tree.size() == 3);
}

TEST_CASE("a slip of the pen is answered with the word that was meant, and its fix") {
    const Parsing parsing("namespace a {\n  tll 3m\n}\n");
    REQUIRE(parsing.found().size() == 1);
    const Diagnostic& found = parsing.found().front();
    CHECK(found.primary.text == "did you mean `ttl`?");
    REQUIRE(found.fix);
    CHECK(parsing.sources->text(found.fix->at) == "tll");
    CHECK(found.fix->replacement == "ttl");
}

TEST_CASE("what is missing at the end of a line is missed behind its last word") {
    CHECK(Parsing("namespace a {\n  ttl   # five minutes\n}\n").places() ==
          std::vector<std::string>{"L0101@2:6"});
    CHECK(Parsing("namespace a {\n  ttl 5m\n\n  # the end\n\n").places() ==
          std::vector<std::string>{"L0103@4:12"});
}

TEST_CASE("documentation belongs to the statement straight below it") {
    const Parsing parsing(
        "## The file.\nlarder 1\n\n## Not this:\n\nlet a = 1\n# no documentation\nlet b = 2 ## nor "
        "this\n"
        "## Users.\n##\n## By id.\n# allow L0303: x\nnamespace u {\n  ## Seven.\n  ttl 7m\n"
        "  ## Fixed.\n  static\n}\n## Rule.\non event \"x\" { }\n");
    REQUIRE(parsing.shown().empty());
    const auto doc = [&](Span span) { return documentation(*parsing.sources, span); };
    CHECK(doc(parsing.item<ast::Edition>(0).kw.doc) == "The file.");
    CHECK(doc(parsing.item<ast::Let>(1).kw.doc).empty());
    CHECK(doc(parsing.item<ast::Let>(2).kw.doc).empty());
    const auto& users = parsing.item<ast::Namespace>(3);
    CHECK(doc(users.kw.doc) == "Users.\n\nBy id.");
    CHECK(doc(boost::get<ast::TtlClause>(users.body[0].get()).kw.doc) == "Seven.");
    CHECK(doc(boost::get<ast::FlagClause>(users.body[1].get()).what.doc) == "Fixed.");
    CHECK(doc(parsing.item<ast::Rule>(4).kw.doc) == "Rule.");
}

TEST_CASE("documentation survives an error above it") {
    const Parsing parsing("nonsense\n## Users.\nnamespace u { ttl 5m }\n");
    CHECK(parsing.places() == std::vector<std::string>{"L0102@1:1"});
    CHECK(documentation(*parsing.sources, parsing.item<ast::Namespace>(1).kw.doc) == "Users.");
}

TEST_CASE("allow comments are collected with their code, reason and line") {
    const Parsing parsing(
        "larder 1\n# allow L0303: rebuilt at night\n# more words\n\nnamespace a { ttl 5m }\n"
        "let s = \"# allow L0001: no\"  # allow L0306: fine\n# allow L0307\n#allow L0308:   \nlet "
        "x = \n"
        "# allow the owner to see it\n");
    const auto& allows = parsing.parsed.allows;
    REQUIRE(allows.size() == 4);
    const auto text = [&](Span span) { return std::string(parsing.sources->text(span)); };
    CHECK(allows[0].code == "L0303");
    CHECK(text(allows[0].reason) == "rebuilt at night");
    CHECK(text(allows[0].at) == "# allow L0303: rebuilt at night");
    CHECK(allows[0].line == 5);
    CHECK(allows[1].code == "L0306");
    CHECK(allows[1].line == 6);
    CHECK(allows[2].code == "L0307");
    CHECK(allows[2].reason.empty());
    CHECK(allows[2].line == 9);
    CHECK(allows[3].code == "L0308");
    CHECK(allows[3].reason.empty());
    CHECK(allows[3].line == 9);
}

TEST_CASE("a dated ttl keeps its capture, relation and distance") {
    const Parsing parsing(
        "namespace a {\n  ttl 5m\n  ttl 24h when {end} before today - 7d\n"
        "  ttl 1h when {end} after today + 1d\n  ttl 30m sliding at most 2h\n}\n");
    REQUIRE(parsing.shown().empty());
    const auto& body = parsing.item<ast::Namespace>(0).body;
    const auto& plain = boost::get<ast::TtlClause>(body[0].get());
    CHECK_FALSE(plain.when.has_value());
    const auto& past = boost::get<ast::TtlClause>(body[1].get());
    REQUIRE(past.when.has_value());
    CHECK(past.when->capture.text == "end");
    CHECK(past.when->relation.value == ast::DateRelation::before);
    CHECK_FALSE(past.when->later);
    REQUIRE(past.when->distance.has_value());
    CHECK(past.when->distance->value == 7 * 86400e3);
    const auto& future = boost::get<ast::TtlClause>(body[2].get());
    CHECK(future.when->relation.value == ast::DateRelation::after);
    CHECK(future.when->later);
    const auto& sliding = boost::get<ast::TtlClause>(body[3].get());
    CHECK(sliding.sliding);
    REQUIRE(sliding.at_most.has_value());
    CHECK(sliding.at_most->value == 7200e3);
}

TEST_CASE("a limit is of entries or of bytes, whatever its amount is made of") {
    const Parsing parsing(
        "namespace a {\n  limit 5 entries\n  limit 5MB in l1\n  limit env A or 5 entries\n"
        "  limit env A or 5MB\n  limit x entries in l1\n  limit x\n}\n");
    REQUIRE(parsing.shown().empty());
    const auto& body = parsing.item<ast::Namespace>(0).body;
    std::string entries;
    for (const ast::Clause& clause : body) {
        entries += boost::get<ast::LimitClause>(clause.get()).entries ? 'e' : 'b';
    }
    CHECK(entries == "ebebeb");
    CHECK(boost::get<ast::LimitClause>(body[4].get()).store->text == "l1");
}

TEST_CASE("methods, events, drops and plugins are told apart as triggers") {
    const Parsing parsing(
        "on PSOT, write \"/x\" status 2xx { }\non post \"/x\" { }\non event \"e\" (a) { }\n"
        "on drop of a \"k\" { }\non kafka \"t\" (a, b) { }\n");
    REQUIRE(parsing.shown().empty());
    const auto trigger = [&](std::size_t i) { return parsing.item<ast::Rule>(i).when.get(); };
    const auto http = boost::get<ast::HttpTrigger>(trigger(0));
    CHECK(http.methods.size() == 2);
    REQUIRE(http.status.size() == 1);
    CHECK(http.status[0].to == 299);
    CHECK(boost::get<ast::HttpTrigger>(trigger(1)).methods[0].text == "post");
    CHECK(boost::get<ast::EventTrigger>(trigger(2)).params.size() == 1);
    CHECK(boost::get<ast::DropTrigger>(trigger(3)).key.has_value());
    CHECK(boost::get<ast::PluginTrigger>(trigger(4)).params.size() == 2);
}

TEST_CASE("bytes that are no UTF-8 and NUL are reported at their place, and not twice") {
    using namespace std::string_literals;
    CHECK(Parsing("larder 1\nlet a = \"x\xff\"\nlet b = \x80\nlet d 5\n").places() ==
          std::vector<std::string>{"L0109@2:11", "L0109@3:9", "L0101@4:7"});
    CHECK(Parsing("larder 1\nlet c = \0 5\nlet d 5\n"s).places() ==
          std::vector<std::string>{"L0109@2:9", "L0101@3:7"});
    CHECK(Parsing("let a = \"\xed\xa0\x80\"\n").places() ==
          std::vector<std::string>{"L0109@1:10"});  // a surrogate
    CHECK(Parsing("let a = \"\xc0\xaf\"\n").places() ==
          std::vector<std::string>{"L0109@1:10"});  // an overlong slash
}

TEST_CASE("a byte order mark and carriage returns are no part of the language") {
    CHECK(Parsing("\xEF\xBB\xBFlarder 1\r\nnamespace a {\r\n  ttl 5m\r\n}\r\n").shown().empty());
}
