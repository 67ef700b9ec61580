// tests/unit/policy_test/hostile_test.cpp -- any bytes as a policy end in results or in diagnostics.
#include "tests/catch.hpp"
#include "kernel/policy_test/mutants.hpp"
#include "kernel/policy_test/report.hpp"
#include "tests/unit/dsl/compiling.hpp"
#include "tests/unit/policy_test/playing.hpp"

#include <random>

using namespace larder;
using namespace larder::policy_test;

namespace {

// Every kind of step, of expectation and of target.
const std::string all_steps = R"(larder 1
namespace user { key "{user_id}"; ttl 5m sliding; stale 1m while revalidating, 1h on error; absent 30s; with t; tag "t:{t}"; tiers l1 1m -> l2 }
namespace list { key "all"; ttl 5m; depends on user }
session login { ttl 30m }
on GET "/users/{user_id}" { serve user "{user_id}" unless header "Pragma" }
on POST, DELETE "/users/{user_id}" status 2xx, 404 { let t = json "a.b"; drop tag "t:{t}"; drop user matching "{user_id}*" }
on event "e" (user_id) { refresh list; end session login of "{user_id}"; expire user "{user_id}" }
on drop of user { drop list }
breaker l2 { open after 2 failures; retry after 60s }
profile p { namespace list { ttl 1m } }
test "a" in profile p {
    today "2026-03-15"; put user "1" with t = "x"; load user "2" absent; load user with user_id = "3"
    GET "/users/4"; POST "/users/1" status 404 with t = "x", header "Pragma" = "y", query "q" = "1", form "f" = "2"
    event "e" with user_id = "1"; after 61s; fail l2; expect breaker l2 closed; recover l2
    put list; expect hit list in l1; expect kept list; expect dropped user matching "1*", tag "t:x"
    expect miss user "1"; expect absent user "2"; expect stale user "3"; expect no rule; expect rule "e"
    expect served user "4"; expect warmed list; expect ended session login of "1"; expect expired everything
}
)";

// One to eight edits: a byte less, a byte more, another byte, a line twice, a word from elsewhere.
std::string spoiled(std::string text, std::mt19937_64& random) {
    const auto below = [&](std::size_t n) -> std::size_t { return random() % (n == 0 ? 1 : n); };
    for (std::size_t edits = 1 + below(8); edits > 0; --edits) {
        const std::size_t at = below(text.size());
        switch (below(5)) {
            case 0: text.erase(at, 1 + below(4)); break;
            case 1: text.insert(at, 1, static_cast<char>(below(256))); break;
            case 2: text[at] = static_cast<char>(below(256)); break;
            case 3: {
                const std::size_t end = std::min(text.find('\n', at), text.size());
                text.insert(end, "\n" + text.substr(at, end - at));
                break;
            }
            default: text.insert(at, text.substr(below(text.size()), below(12))); break;
        }
        if (text.empty()) text = "x";
    }
    return text;
}

void swallow(const std::string& text) {
    SuiteOptions options;
    options.read = [&](const std::string& path) -> std::optional<std::string> {
        if (path == "test.larder") return text;
        return std::nullopt;
    };
    const ManualClock clock;
    const std::vector<SuiteResult> results{run_suite("test.larder", options, clock)};
    CHECK_FALSE(report_text(results, true).empty());
    CHECK_FALSE(report_tap(results).empty());
    CHECK_FALSE(report_junit(results).empty());
    (void)coverage_lcov(results.front().coverage);
    if (!results.front().errors.empty() || results.front().failed() != 0) return;
    MutationBounds bounds;
    bounds.plays = 50;
    const std::vector<MutationResult> mutants{run_mutants("test.larder", options, bounds)};
    (void)mutation_text(mutants, true);
}

}  // namespace

TEST_CASE("a policy with every step is one, before it is spoiled", "[policy_test]") {
    const SuiteResult result = played(all_steps);
    INFO(whole(result));
    CHECK(result.errors.empty());
    CHECK(result.tests.size() == 1);
}

TEST_CASE("spoiled policies end in results or in diagnostics", "[policy_test][hostile]") {
    std::mt19937_64 random(1);
    const std::string hotel = dsl::test::file_text(LARDER_SOURCE_DIR "/policies/hotel.larder");
    for (int i = 0; i < 1'500; ++i) swallow(spoiled(all_steps, random));
    for (int i = 0; i < 60; ++i) swallow(spoiled(hotel, random));
}

TEST_CASE("extremes of a step end in results or in diagnostics", "[policy_test][hostile]") {
    const std::string head = "larder 1\nnamespace n { key \"{k}\"; ttl 5m; static }\ntest \"t\" { ";
    for (const char* steps : {
             "after 999999999999999999w", "after 0s", "after 106751991167d; after 1ms", "put n \"\"", "put n",
             "expect hit n \"\"", "GET \"/\"", "GET \"/?\"", "GET \"/%\" status 599", "event \"\"",
             "today \"1970-01-01\"", "today \"9999-12-31\"; put n \"1\"; expect hit n", "fail l1; put n \"1\"; expect kept n",
             "expect dropped everything", "expect kept tag \"\"", "expect rule \"\"", "expect breaker x open",
             "expect warmed everything", "expect warmed tag \"x\"", "expect served everything", "load n \"1\" absent",
         })
        swallow(head + steps + " }\n");
    std::string deep = "x";
    for (int i = 0; i < 300; ++i) deep += ".x";
    swallow(head + "POST \"/\" with json \"" + deep + "\" = \"1\" }\n");
    swallow(head + "put n \"" + std::string(100'000, 'k') + "\"; expect hit n }\n");
}
