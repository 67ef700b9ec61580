// tests/unit/policy_test/mutants_test.cpp -- which changes of a policy count, and which are noticed.
#include "tests/catch.hpp"
#include "kernel/policy_test/mutants.hpp"
#include "tests/unit/dsl/compiling.hpp"
#include "tests/unit/policy_test/playing.hpp"

using namespace larder;
using namespace larder::policy_test;

namespace {

using Says = std::vector<std::string>;

MutationResult tried(const std::string& text, const MutationBounds& bounds = {}) {
    SuiteOptions options;
    options.read = [text](const std::string& path) -> std::optional<std::string> {
        if (path == "test.larder") return text;
        if (path == "lives.larder") return "larder 1\nlet short = 1m\n";
        return std::nullopt;
    };
    return run_mutants("test.larder", options, bounds);
}

Says all(const MutationResult& result) {
    Says out;
    for (const Mutant& mutant : result.mutants) out.push_back(std::to_string(mutant.change.where.line) + " " + mutant.change.says);
    return out;
}

Says with_fate(const MutationResult& result, MutantFate fate) {
    Says out;
    for (const Mutant& mutant : result.mutants)
        if (mutant.fate == fate) out.push_back(mutant.change.says);
    return out;
}

}  // namespace

TEST_CASE("every decision that a test can see is changed, one at a time", "[policy_test]") {
    CHECK(all(tried(R"(larder 1
use "lives.larder"
defaults { ttl 5m jitter 10%; tag "all" }
namespace a { key "{x}:{y}"; tag "x:{x}", "y:{y}"; stale 1m while revalidating, 1h on error; absent 30s; tiers l1 short -> l2 }
namespace b { key "{x}"; depends on a; ttl 2h when {x} before today - 7d; ttl 10m }
session login { ttl 30m }
on POST, DELETE "/a/{x}" status 2xx, 404 { drop a matching "{x}:*", b "{x}"; expire b }
on GET "/a/{x}" { serve b "{x}" unless header "Pragma", query "q" }
on event "e" (u) { refresh a; warm b; end session login of "{u}"; drop tag "x:{u}", everything }
breaker l2 { open after 5 failures; retry after 60s; probe 2 }
profile p { namespace b { ttl 1m } }
)")) == Says{"3 `ttl` 10m instead of 5m", "3 `ttl` 2m30s instead of 5m", "3 without `tag \"all\"`",
             "4 without `tag \"x:{x}\"`", "4 without `tag \"y:{y}\"`", "4 without `stale 1m while revalidating`",
             "4 without `stale 1h on error`", "4 without `absent 30s`", "4 `l1` 2m instead of 1m",
             "4 `l1` 30s instead of 1m", "5 without `depends on a`", "5 without `ttl 2h when {x} before today - 7d`",
             "5 `ttl` 4h instead of 2h", "5 `ttl` 1h instead of 2h", "5 `ttl` 20m instead of 10m",
             "5 `ttl` 5m instead of 10m", "7 without `POST`", "7 without `DELETE`", "7 without `status 2xx`",
             "7 without `status 404`", "7 without `status 2xx, 404`", "7 without `drop a matching \"{x}:*\"`",
             "7 without `drop b \"{x}\"`", "7 without `expire b`", "7 `drop` instead of `expire`",
             "8 without `serve b \"{x}\"`", "8 without `unless header \"Pragma\"`", "8 without `unless query \"q\"`",
             "9 without `refresh a`", "9 `drop` instead of `refresh`", "9 without `warm b`",
             "9 without `end session login of \"{u}\"`", "9 without `drop tag \"x:{u}\"`", "9 without `drop everything`",
             "10 open after 6 failures instead of 5", "10 open after 4 failures instead of 5",
             "10 `retry after` 2m instead of 1m", "10 `retry after` 30s instead of 1m", "11 `ttl` 2m instead of 1m",
             "11 `ttl` 30s instead of 1m"});
}

TEST_CASE("a change of a list over several lines leaves a policy", "[policy_test]") {
    const std::string text = "larder 1\nnamespace a { key \"{x}\"; tag \"t\",\n  \"u\" }\nnamespace b { key \"{x}\" }\non write \"/a\" {\n  drop a,\n    b\n}\n";
    dsl::CompileOptions options;
    const dsl::Compiled base = dsl::compile_text("test.larder", text, options);
    REQUIRE(base.ok());
    for (const dsl::Mutation& change : dsl::mutations_of(base, options)) {
        const std::string other = dsl::mutated(*base.sources, change);
        INFO(other);
        CHECK(other != text);
        CHECK(dsl::compile_text("test.larder", other, options).ok());
    }
}

TEST_CASE("what a test expects is noticed, what it does not is missed", "[policy_test]") {
    const MutationResult result = tried(R"(larder 1
namespace user { key "{user_id}"; ttl 5m }
namespace list { key "all"; ttl 5m }
on write "/users/{user_id}" { drop user "{user_id}", list }
test "changing a user drops that user" {
    put user "1"
    PUT "/users/1"
    expect dropped user "1"
    put user "1"
    after 4m
    expect hit user "1"
}
)");
    CHECK(with_fate(result, MutantFate::noticed) == Says{"`ttl` 2m30s instead of 5m", "without `drop user \"{user_id}\"`"});
    CHECK(with_fate(result, MutantFate::missed) == Says{"`ttl` 10m instead of 5m", "`ttl` 10m instead of 5m", "`ttl` 2m30s instead of 5m", "without `drop list`"});
    CHECK(result.score().part == 2);
    CHECK(result.score().all == 6);
    CHECK(result.missed().size() == 4);
    CHECK(result.missed().back().code == "L0453");
}

TEST_CASE("a change that means the same is not counted", "[policy_test]") {
    const MutationResult result = tried(R"(larder 1
namespace user { key "{user_id}"; static }
on write "/users/**" { drop user }
on DELETE "/users/{user_id}" { drop user "{user_id}" }
test "t" { put user "1"; PUT "/users/1"; expect dropped user "1" }
)");
    CHECK(with_fate(result, MutantFate::same) == Says{"without `drop user \"{user_id}\"`"});
    CHECK(result.score().percent() == "100 %");
}

TEST_CASE("a change that breaks a guarantee is noticed without a test", "[policy_test]") {
    const MutationResult result = tried(R"(larder 1
namespace list { key "all"; static }
on write "/users" { drop list }
guarantee "every change shows" { on write "/users" always drops list }
test "t" { put list; expect hit list }
)");
    CHECK(with_fate(result, MutantFate::promised) == Says{"without `drop list`"});
    CHECK(result.score().part == 1);
}

TEST_CASE("a change that makes no policy is not counted", "[policy_test]") {
    const MutationResult result = tried(R"(larder 1
namespace n { key "{k}"; ttl 5m; tiers l1 4m -> l2; static }
test "t" { put n "1"; after 239s; expect hit n "1" in l1; after 2s; expect hit n "1" in l2; after 59s; expect miss n "1" }
)");
    CHECK(with_fate(result, MutantFate::wrong) == Says{"`ttl` 2m30s instead of 5m", "`l1` 8m instead of 4m"});
    CHECK(with_fate(result, MutantFate::missed) == Says{});
}

TEST_CASE("a test of a profile notices what only that profile says", "[policy_test]") {
    const MutationResult result = tried(R"(larder 1
namespace n { key "{k}"; static }
profile p { namespace n { ttl 1m } }
test "t" in profile p { put n "1"; after 59s; expect hit n "1"; after 1s; expect miss n "1" }
)");
    CHECK(result.score().part == 2);
    CHECK(result.score().all == 2);
}

TEST_CASE("mutants are bounded, and those left out are told of", "[policy_test]") {
    MutationBounds bounds;
    bounds.mutants = 1;
    const MutationResult result = tried("larder 1\nnamespace n { key \"{k}\"; ttl 1m; static }\ntest \"t\" { put n \"1\"; after 1m; expect miss n \"1\" }\n", bounds);
    CHECK(result.mutants.size() == 1);
    CHECK(result.left_out == 1);
    const std::vector<MutationResult> results{result};
    CHECK(mutation_text(results, false) == "test.larder: 1 of 1 mutant are noticed: 100 %; 1 were not tried: there are too many\n");
}

TEST_CASE("every example of what no test would notice is missed", "[policy_test]") {
    std::size_t shown = 0;
    for (const char* page : {"diagnostics.md", "testing-policies.md"}) {
        for (const dsl::test::Example& e : dsl::test::examples_of(LARDER_SOURCE_DIR "/docs/" + std::string(page))) {
            if (!e.is("larder-misses")) continue;
            CHECK(messages(played(e.text)).empty());
            CHECK_FALSE(tried(e.text).missed().empty());
            ++shown;
        }
    }
    CHECK(shown > 0);
}
