// tests/unit/policies/contradictions_test.cpp -- where the five systems contradict each other: both
// ways run, from the text of a policy alone.
//
// Every claim is put into a policy of its own, and the kernel of one and the same build does the one
// thing under the one text and the other under the other. The admin API's contradictions, which are of
// larder.toml, are shown beside it (admin/, config/).
#include "tests/support/temporary_folder.hpp"
#include "unit/policies/seed_system.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

// A kernel with exactly this policy.
class Under {
  public:
    explicit Under(const std::string& text, SeedOptions options = {})
        : system_(written(folder_, text), std::move(options)) {}
    SeedSystem* operator->() { return &system_; }

  private:
    static std::string written(const TemporaryFolder& folder, const std::string& text) {
        const std::string path = (folder.path() / "p.larder").string();
        std::ofstream(path) << text;
        return path;
    }

    TemporaryFolder folder_;
    SeedSystem system_;
};

// The milliseconds that an entry has after it was put.
std::chrono::milliseconds life(Under& under, std::string_view space, std::string_view key) {
    REQUIRE(under->put(space, key, "value") == LARDER_OK);
    const auto got = under->get(space, key);
    REQUIRE(got);
    return got->left;
}

bool fires_at_75_per_cent(const std::string& alert) {
    Under under("larder 1\nnamespace item { key \"{id}\"; ttl 1h; tiers l1; static }\n" + alert);
    REQUIRE(under->put("item", "1", "value") == LARDER_OK);
    under->kernel->check_alerts();  // what was before does not count
    for (int k = 0; k < 15; ++k) CHECK(under->has("item", "1"));
    for (int k = 0; k < 5; ++k) CHECK_FALSE(under->has("item", "2"));
    under->after(1s);
    const auto states = under->kernel->check_alerts();
    REQUIRE(states.size() == 1);
    return states[0].firing;
}

}  // namespace

TEST_CASE("contradiction: alarm below 80 % (A, W) or below 70 % (H, P) of hits, as the policy says", "[seeds]") {
    CHECK(fires_at_75_per_cent("alert low when hit_rate < 80% for 1m -> log\n"));
    CHECK_FALSE(fires_at_75_per_cent("alert low when hit_rate < 70% for 1m -> log\n"));
    const auto threshold = [](const char* policy) {
        SeedSystem system(policy);
        for (const dsl::Alert& alert : system.cache().policy()->alerts) {
            for (const auto& group : alert.when) {
                for (const auto& condition : group)
                    if (condition.metric == "hit_rate") return condition.value;
            }
        }
        return 0.0;
    };
    CHECK(threshold("auraconnect") == Approx(0.8));
    CHECK(threshold("warehouse") == Approx(0.8));
    CHECK(threshold("hotel") == Approx(0.7));
    CHECK(threshold("panic") == Approx(0.7));
}

TEST_CASE("contradiction: 300 s (H) or 3600 s (P) where nobody says a ttl, as `defaults` say", "[seeds]") {
    const std::string item = "namespace item { key \"{id}\"; static }\n";
    Under hotel("larder 1\ndefaults { ttl 300s }\n" + item), panic("larder 1\ndefaults { ttl 3600s }\n" + item);
    CHECK(life(hotel, "item", "1") == 300s);
    CHECK(life(panic, "item", "1") == 3600s);
    Under none("larder 1\n" + item);
    CHECK(life(none, "item", "1") < 0s);  // for ever: the kernel has no ttl of its own
    SeedSystem shipped("hotel");
    CHECK(shipped.space("user_service").ttl->ttl == 300s);
    SeedSystem other("panic");
    CHECK(other.space("firm.details").ttl->ttl == 3600s);
}

TEST_CASE("contradiction: sessions of 30 minutes (A, P) or of 60 (W), as the policy says", "[seeds]") {
    const auto session = [](const std::string& policy, const std::string& name) {
        SeedSystem system(policy);
        for (const dsl::Session& one : system.cache().policy()->sessions) {
            if (one.name == name) return one.ttl->ttl;
        }
        return dsl::Ms{};
    };
    CHECK(session("auraconnect", "staff_login") == 30min);
    CHECK(session("panic", "login") == 30min);
    CHECK(session("warehouse", "chat") == 60min);
    // The same as kept data: what a session holds lives by its namespace.
    Under half("larder 1\nnamespace session_data { key \"{id}\"; ttl 30m sliding; static }\n"),
        full("larder 1\nnamespace session_data { key \"{id}\"; ttl 60m sliding; static }\n");
    CHECK(life(half, "session_data", "1") == 30min);
    CHECK(life(full, "session_data", "1") == 60min);
}

TEST_CASE("contradiction: a user's details for 3 minutes (H) or profiles for an hour (P), as the policy says", "[seeds]") {
    SeedSystem hotel("hotel"), panic("panic");
    CHECK(hotel.space("user_details").ttl->ttl == 3min);
    CHECK(panic.space("user.profile").ttl->ttl == 1h);
    Under other("larder 1\nnamespace user_details { key \"{user_id}\"; ttl 1h; static }\n"
                "namespace user { namespace profile { key \"{user_id}\"; ttl 3m; static } }\n");
    CHECK(life(other, "user_details", "42") == 1h);
    CHECK(life(other, "user.profile", "42") == 3min);
    SeedSystem by_environment("hotel", {"", {{"USER_DETAILS_TTL", "3600"}}, "64MiB"});
    CHECK(by_environment.space("user_details").ttl->ttl == 1h);
}

TEST_CASE("contradiction: none of these values stands in the kernel or in a plugin", "[seeds]") {
    // Thresholds of hits, default lifetimes, lives of sessions: as numbers near such a name.
    const std::regex value(
        R"re((hit_?rate|session|default_?ttl|ttl_?default|alert)[^;]{0,60}?\b(0\.[78]0?|[78]0(\.0)?|300|1800|3600|300'000|1'800'000|3'600'000|30min|60min|5min|1h)\b)re",
        std::regex::icase);
    const std::regex text(R"(^\s*(\*|\{"|"))");
    std::size_t files = 0, planted = 0;
    for (const char* folder : {"kernel", "plugins"}) {
        for (const auto& file : std::filesystem::recursive_directory_iterator(
                 std::string(LARDER_SOURCE_DIR "/") + folder)) {
            const auto kind = file.path().extension();
            if (kind != ".cpp" && kind != ".hpp") continue;
            ++files;
            std::ifstream in(file.path());
            std::string line;
            for (std::size_t number = 1; std::getline(in, line); ++number) {
                line.resize(std::min(line.size(), line.find("//")));
                if (std::regex_search(line, text)) continue;
                INFO(file.path().string() << ":" << number << ": " << line);
                CHECK_FALSE(std::regex_search(line, value));
            }
        }
    }
    CHECK(files > 200);
    for (const char* line : {"constexpr double hit_rate_min = 0.80;", "Ms default_ttl{3600 * 1000};",
                             "const auto session_life = 30min;", "if (hit_rate < 70.0) alert();"})
        planted += std::regex_search(std::string(line), value) ? 1 : 0;
    CHECK(planted == 4);
}
