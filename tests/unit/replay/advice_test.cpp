// tests/unit/replay/advice_test.cpp -- advice: every patch makes the replay better, and a good policy gets none.
#include "kernel/replay/advice.hpp"
#include "tests/catch.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <random>
#include <string>

using namespace larder::replay;

namespace {

ReplayOptions with(const std::string& text, std::uint64_t memory = 64u << 20) {
    ReplayOptions out;
    out.stage.policy = {"test.larder"};
    out.stage.texts = {{"test.larder", text}};
    out.stage.plugin_path = {std::string(LARDER_BIN_DIR) + "/plugins"};
    out.stage.trust_path = true;
    out.stage.memory_bytes = memory;
    return out;
}

// Log lines, a given number a second.
class Log {
  public:
    void add(const std::string& request, int bytes = 500) {
        const unsigned second = lines_++ / 20;
        const auto two = [](unsigned n) { return (n < 10 ? "0" : "") + std::to_string(n); };
        text += "1.1.1.1 - - [10/Oct/2026:" + two(10 + second / 3600) + ":" + two(second / 60 % 60) + ":" + two(second % 60) + " +0000] \"" + request +
                " HTTP/1.1\" 200 " + std::to_string(bytes) + "\n";
    }
    std::string text;

  private:
    unsigned lines_ = 0;
};

// Items that are read again after minutes, and written now and then.
std::string shop_log(unsigned lines) {
    std::mt19937_64 random(3);
    Log log;
    for (unsigned i = 0; i < lines; ++i) {
        const std::string id = std::to_string(random() % 800);
        log.add(i % 50 == 49 ? "PUT /items/" + id : i % 5 == 0 ? "GET /lists/" + std::to_string(random() % 20) : "GET /items/" + id);
    }
    return log.text;
}

Advice advice(const std::string& log, const ReplayOptions& options) {
    std::string problem;
    auto out = advise(log, options, [](const std::string&) {}, problem);
    INFO(problem);
    REQUIRE(out.has_value());
    return std::move(*out);
}

const Suggestion* find(const Advice& all, const std::string& title) {
    const auto found = std::find_if(all.suggestions.begin(), all.suggestions.end(),
                                    [&](const Suggestion& one) { return one.what.title.find(title) != std::string::npos; });
    return found == all.suggestions.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("each patch that is offered makes the replay better, also when it is played once more") {
    const std::string policy = R"(larder 1
namespace item { key "{id}"; ttl 10s }
namespace list { key "{id}"; ttl 10m }
on GET "/items/{id}" { serve item "{id}" }
on GET "/lists/{id}" { serve list "{id}" }
on write "/items/{id}" { drop item "{id}"; drop list }
)";
    const std::string log = shop_log(20'000);
    const ReplayOptions options = with(policy);
    const Advice all = advice(log, options);
    CHECK(all.suggestions.size() >= 3);
    for (const Suggestion& one : all.suggestions) {
        INFO(one.what.title);
        CHECK(one.diff.find("--- test.larder") != std::string::npos);
        CHECK(one.diff.find("\n+") != std::string::npos);
        std::string problem;
        const auto again = replay(log, with(one.what.text), problem);
        REQUIRE(again.has_value());
        const SpaceTally was = all.base.all(), now = again->tried.all();
        CHECK((now.misses < was.misses || again->tried.peak_bytes < all.base.peak_bytes || now.peak_loads < was.peak_loads));
        CHECK(now.loads <= was.loads + was.loads / 20);
    }
    const Suggestion* const longer = find(all, "item: ttl");
    REQUIRE(longer != nullptr);
    CHECK(longer->what.price.find("instead of 10s") != std::string::npos);
    CHECK(find(all, "list \"{id}\" instead of all of list") != nullptr);
    CHECK(find(all, "while revalidating") != nullptr);
}

TEST_CASE("a policy that is good already gets no patch") {
    const std::string policy = R"(larder 1
namespace item { key "{id}"; ttl 2h jitter 10%; stale 1m while revalidating }
namespace list { key "{id}"; ttl 2h jitter 10%; static }
on GET "/items/{id}" { serve item "{id}" }
on GET "/lists/{id}" { serve list "{id}" }
on write "/items/{id}" { drop item "{id}" }
)";
    const Advice all = advice(shop_log(10'000), with(policy));
    for (const Suggestion& one : all.suggestions) UNSCOPED_INFO(one.what.title);
    CHECK(all.suggestions.empty());
    CHECK(render_text(all).find("nothing to suggest") != std::string::npos);
}

TEST_CASE("entries that all end at once are told apart by jitter") {
    Log log;
    for (int round = 0; round < 40; ++round)
        for (int i = 0; i < 200; ++i) log.add("GET /items/" + std::to_string(i));
    const std::string policy = R"(larder 1
namespace item { key "{id}"; ttl 1m; static; stale 1s while revalidating }
on GET "/items/{id}" { serve item "{id}" }
)";
    const Advice all = advice(log.text, with(policy));
    const Suggestion* const jitter = find(all, "jitter");
    if (jitter != nullptr) CHECK(jitter->after.space("item")->peak_loads < all.base.space("item")->peak_loads);
    else CHECK(all.base.space("item")->peak_loads < 25);
}

TEST_CASE("what is kept longer than anybody asks for it may go, where that gives memory back") {
    Log log;
    for (int i = 0; i < 30'000; ++i) log.add("GET /items/" + std::to_string(i / 2), 2000);
    const std::string policy = R"(larder 1
namespace item { key "{id}"; ttl 20m jitter 10%; static; stale 1s while revalidating }
on GET "/items/{id}" { serve item "{id}" }
)";
    const Advice all = advice(log.text, with(policy));
    const Suggestion* const shorter = find(all, "item: ttl");
    REQUIRE(shorter != nullptr);
    CHECK(shorter->after.peak_bytes < all.base.peak_bytes);
    CHECK(shorter->after.all().misses <= all.base.all().misses + all.base.all().misses / 100);
}

TEST_CASE("rules that never fired and namespaces that nobody asked for are remarked, without a patch") {
    const std::string policy = R"(larder 1
namespace item { key "{id}"; ttl 2h }
namespace unused { key "{id}"; ttl 1h }
on GET "/items/{id}" { serve item "{id}" }
on write "/items/{id}" { drop item "{id}" }
on write "/others/{id}" { drop unused "{id}" }
)";
    const Advice all = advice(shop_log(2000), with(policy));
    const std::string text = render_text(all);
    CHECK(text.find("test.larder:6") != std::string::npos);
    CHECK(text.find("nobody asked for unused") != std::string::npos);
}

TEST_CASE("no more operations are played than asked for, and that is said") {
    ReplayOptions options = with("larder 1\nnamespace item { key \"{id}\"; ttl 2h; static }\non GET \"/items/{id}\" { serve item \"{id}\" }\n");
    options.most = 100;
    const Advice all = advice(shop_log(2000), options);
    CHECK(all.facts.cut);
    CHECK(all.base.operations == 100);
    CHECK(render_text(all).find("only the first 100 operations") != std::string::npos);
    CHECK(boost::json::parse(render_json(all)).as_object().at("cut").as_bool());
}

TEST_CASE("a policy that does not compile gets its findings, and no advice") {
    std::string problem;
    CHECK_FALSE(advise(shop_log(10), with("larder 1\nnamespace { }\n"), [](const std::string&) {}, problem).has_value());
    CHECK(problem.find("test.larder:2") != std::string::npos);
}
