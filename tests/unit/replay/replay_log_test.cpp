// tests/unit/replay/replay_log_test.cpp -- access logs played on policies.
#include "kernel/replay/comparison.hpp"
#include "kernel/replay/replay.hpp"
#include "tests/catch.hpp"

#include <boost/json.hpp>

#include <string>

using namespace larder::replay;

namespace {

StageOptions policy(const std::string& text) {
    StageOptions out;
    out.policy = {"test.larder"};
    out.texts = {{"test.larder", text}};
    out.plugin_path = {std::string(LARDER_BIN_DIR) + "/plugins"};
    out.trust_path = true;
    out.memory_bytes = 4u << 20;
    return out;
}

std::string line(int second, const std::string& request, int status = 200, int bytes = 100) {
    const std::string at = (second / 60 < 10 ? "0" : "") + std::to_string(second / 60) + ":" + (second % 60 < 10 ? "0" : "") + std::to_string(second % 60);
    return "1.1.1.1 - - [10/Oct/2026:12:" + at + " +0000] \"" + request + " HTTP/1.1\" " + std::to_string(status) + " " + std::to_string(bytes) + "\n";
}

Replayed play(const std::string& log, ReplayOptions options) {
    std::string problem;
    auto out = replay(log, options, problem);
    INFO(problem);
    REQUIRE(out.has_value());
    return std::move(*out);
}

constexpr const char* shop = R"(larder 1
namespace item { key "{id}"; ttl 1m }
on GET "/items/{id}" { serve item "{id}" }
on write "/items/{id}" { drop item "{id}" }
)";

}  // namespace

TEST_CASE("a GET that a rule serves is a miss, then a hit until its ttl is over") {
    ReplayOptions options;
    options.stage = policy(shop);
    const auto out = play(line(0, "GET /items/1") + line(10, "GET /items/1") + line(59, "GET /items/1") + line(61, "GET /items/1"), options);
    const SpaceTally& item = out.tried.spaces.at(0);
    CHECK(item.hits == 2);
    CHECK(item.misses == 2);
    CHECK(item.first == 1);
    CHECK(item.expired == 1);
    CHECK(item.loads == 2);
}

TEST_CASE("a write drops what its rule says, and the next miss is laid to that rule") {
    ReplayOptions options;
    options.stage = policy(shop);
    const auto out = play(line(0, "GET /items/1") + line(1, "GET /items/2") + line(2, "PUT /items/1") + line(3, "GET /items/1") + line(4, "GET /items/2"), options);
    const SpaceTally& item = out.tried.spaces.at(0);
    CHECK(item.dropped == 1);
    CHECK(item.hits == 1);
    REQUIRE(out.tried.rules.size() == 2);
    CHECK(out.tried.rules[1].fired == 1);
    CHECK(out.tried.rules[1].misses == 1);
    CHECK(out.tried.rules[1].where == "test.larder:4");
}

TEST_CASE("a write that failed drops nothing") {
    ReplayOptions options;
    options.stage = policy(shop);
    const auto out = play(line(0, "GET /items/1") + line(2, "PUT /items/1", 422) + line(3, "GET /items/1"), options);
    CHECK(out.tried.all().hits == 1);
    CHECK(out.tried.all().dropped == 0);
}

TEST_CASE("an answer with an error is a load that leaves nothing") {
    ReplayOptions options;
    options.stage = policy(shop);
    const auto out = play(line(0, "GET /items/1", 500) + line(1, "GET /items/1"), options);
    CHECK(out.tried.all().hits == 0);
    CHECK(out.tried.all().loads == 2);
}

TEST_CASE("a stale entry answers where the policy says so, and is loaded behind the answer") {
    ReplayOptions options;
    options.stage = policy(R"(larder 1
namespace item { key "{id}"; ttl 1m; stale 5m while revalidating, 30m on error; static }
on GET "/items/{id}" { serve item "{id}" }
)");
    const auto out = play(line(0, "GET /items/1") + line(90, "GET /items/1") + line(100, "GET /items/1") + line(1700, "GET /items/1", 502), options);
    const SpaceTally& item = out.tried.spaces.at(0);
    CHECK(item.misses == 1);
    CHECK(item.stale == 2);
    CHECK(item.hits == 1);
    CHECK(item.loads == 3);
}

TEST_CASE("requests that no rule serves are counted as passed by, those whose key is not said apart") {
    ReplayOptions options;
    options.stage = policy(R"(larder 1
namespace item { key "{id}:{lang}"; ttl 1m }
on GET "/items/{id}" { let lang = header "Accept-Language"; serve item "{id}:{lang}" }
)");
    const auto out = play(line(0, "GET /items/1") + line(1, "GET /other"), options);
    CHECK(out.tried.unkeyed == 1);
    CHECK(out.tried.passed == 1);
    CHECK(out.tried.notes.size() == 1);
}

TEST_CASE("two policies side by side see the same traffic and differ in what they say") {
    ReplayOptions options;
    std::string longer(shop);
    longer.replace(longer.find("ttl 1m"), 6, "ttl 5m");
    options.stage = policy(longer);
    options.against = policy(shop);
    const auto out = play(line(0, "GET /items/1") + line(100, "GET /items/1") + line(200, "GET /items/1"), options);
    REQUIRE(out.against.has_value());
    CHECK(out.tried.all().misses == 1);
    CHECK(out.against->all().misses == 3);
    CHECK(render_text(out).find("+66.67 points") != std::string::npos);
    const auto json = boost::json::parse(render_json(out)).as_object();
    CHECK(json.at("tried").at("hits").to_number<int>() == 2);
    CHECK(json.at("against").at("hits").to_number<int>() == 0);
}

TEST_CASE("what does not fit into memory is evicted, and the miss after it says so") {
    ReplayOptions options;
    options.stage = policy(shop);
    options.stage.memory_bytes = 1u << 20;
    std::string log;
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 100; ++i) log += line(round, "GET /items/" + std::to_string(i), 200, 60'000);
    const auto out = play(log, options);
    CHECK(out.tried.evictions > 0);
    CHECK(out.tried.all().evicted > 0);
    CHECK(out.tried.peak_bytes <= 1u << 20);
}

TEST_CASE("a policy with an error is told with its line, and nothing is played") {
    ReplayOptions options;
    options.stage = policy("larder 1\nnamespace item { ttl 300; key \"{id}\" }\n");
    std::string problem;
    CHECK_FALSE(replay(line(0, "GET /items/1"), options, problem).has_value());
    CHECK(problem.find("test.larder:2") != std::string::npos);
}

TEST_CASE("a file that is neither a trace nor a log is refused") {
    ReplayOptions options;
    options.stage = policy(shop);
    std::string problem;
    CHECK_FALSE(replay("hello\n", options, problem).has_value());
    CHECK_FALSE(replay("", options, problem).has_value());
    CHECK(problem.find("neither a trace nor a log") != std::string::npos);
}
