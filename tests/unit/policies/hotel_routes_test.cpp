// tests/unit/policies/hotel_routes_test.cpp -- the hotel's routes against the table they replace.
//
// The application matched the path against regular expressions and dropped groups of caches. For each
// expression 10,000 generated paths that it matches must drop at least its groups here; where a path
// names a user, `user_details` may be that user's entry alone. Widenings are listed in docs/decisions.md.
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

#include <fstream>
#include <random>
#include <regex>
#include <sstream>

using namespace larder;
using namespace larder::test;

namespace {

std::string hotel_text() {
    std::ifstream in(LARDER_SOURCE_DIR "/policies/hotel.larder");
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

struct Row {
    const char* expression;  // as the application had it, matched at the start of the path
    std::vector<const char*> groups;
    const char* stem;        // what generated paths begin with
    bool middle;             // `.+` then `/activate`
};

const std::vector<Row> table = {
    {R"(/v1\.0/user/create.*)", {"user_stats", "user_list", "dashboard_stats"}, "/v1.0/user/create", false},
    {R"(/v1\.0/user/update.*)", {"user_stats", "user_list", "dashboard_stats", "user_details"}, "/v1.0/user/update", false},
    {R"(/v1\.0/user/delete.*)", {"user_stats", "user_list", "dashboard_stats", "user_details"}, "/v1.0/user/delete", false},
    {R"(/v1\.0/user/.+/activate)", {"user_stats", "user_list", "dashboard_stats", "user_details"}, "/v1.0/user/", true},
    {R"(/v1\.0/points/.*)", {"user_stats", "user_list", "dashboard_stats", "user_details"}, "/v1.0/points/", false},
    {R"(/v1\.0/permissions/.*)", {"user_details"}, "/v1.0/permissions/", false},
};

class Paths {
  public:
    explicit Paths(std::uint64_t seed) : random_(seed) {}
    std::string tail() {
        std::string t;
        for (unsigned n = pick(4); n > 0; --n) t += (pick(5) == 0 ? "" : "/") + segment();
        return t;
    }
    std::string segment() {
        static const char* const some[] = {"42", "7", "5779356081", "a-b", "x.y", "bulk", "2024-01", "A_B", "~me", "u1", "activate", "update", "a:b"};
        return some[pick(sizeof some / sizeof *some)];
    }
    unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  private:
    std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("every path the application's table matched drops at least the table's groups", "[hotel][route]") {
    const std::uint64_t seed = 20241217;
    INFO("seed " << seed);
    TestCacheOptions two;
    two.stores = {"l2"};
    TestCache c(hotel_text(), two);
    Paths paths(seed);
    static const char* const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    for (const Row& row : table) {
        const std::regex expression(row.expression);
        for (int i = 0; i < 10'000; ++i) {
            std::string path = row.stem;
            if (row.middle) path += paths.segment() + paths.tail() + "/activate";
            path += paths.tail();
            REQUIRE(std::regex_search(path, expression, std::regex_constants::match_continuous));
            const std::string receipt = c.request(methods[paths.pick(4)], path);
            for (const char* group : row.groups)
                if (receipt.find(std::string("drop ") + group) == std::string::npos)
                    FAIL(path << " does not drop " << group << ": " << receipt);
        }
    }
}

TEST_CASE("a path that names a user drops that user's details and nobody else's", "[hotel][route]") {
    TestCacheOptions two;
    two.stores = {"l2"};
    TestCache c(hotel_text(), two);
    for (const char* path : {"/v1.0/user/update/42", "/v1.0/user/update/42/email", "/v1.0/user/delete/42", "/v1.0/user/42/activate"}) {
        c.put("user_details", "42", "a");
        c.put("user_details", "43", "b");
        c.put("user_stats", "all", "s");
        c.request("PUT", path);
        INFO(path);
        CHECK_FALSE(c.get("user_details", "42"));
        CHECK(c.get("user_details", "43") == "b");
        CHECK_FALSE(c.get("user_stats", "all"));
    }
}

TEST_CASE("only writes fire, and only when they succeeded", "[hotel][route]") {
    TestCacheOptions two;
    two.stores = {"l2"};
    TestCache c(hotel_text(), two);
    c.put("user_details", "42", "a");
    for (const char* method : {"GET", "HEAD", "OPTIONS"}) c.request(method, "/v1.0/user/update/42");
    for (const std::uint32_t status : {400u, 404u, 422u, 500u}) c.request("PUT", "/v1.0/user/update/42", status);
    CHECK(c.get("user_details", "42") == "a");
    c.request("PATCH", "/v1.0/user/update/42");
    CHECK_FALSE(c.get("user_details", "42"));
}

TEST_CASE("profiles hold the hotel's lifetimes", "[hotel]") {
    struct Life {
        const char* profile;
        std::int64_t stats, list, details, dashboard, superadmin;
    };
    for (const Life& life : {Life{"", 300, 60, 180, 600, 900}, Life{"development", 60, 30, 180, 120, 900}, Life{"production", 600, 300, 180, 1800, 900}}) {
        TestCacheOptions o;
        o.stores = {"l2"};
        o.profile = life.profile;
        TestCache c(hotel_text(), o);
        INFO("profile " << life.profile);
        const std::pair<const char*, const char*> keys[] = {{"user_stats", "all"}, {"user_list", "1:all"}, {"user_details", "42"}, {"dashboard_stats", "all"}, {"superadmin_user_list", "1:all"}};
        const std::int64_t want[] = {life.stats, life.list, life.details, life.dashboard, life.superadmin};
        for (std::size_t i = 0; i < 5; ++i) {
            c.put(keys[i].first, keys[i].second, "x");
            CHECK(c.look(keys[i].first, keys[i].second).ttl_ms == want[i] * 1000);
        }
    }
    TestCacheOptions o;
    o.stores = {"l2"};
    o.env = {{"USER_DETAILS_TTL", "77"}};
    TestCache c(hotel_text(), o);
    c.put("user_details", "42", "x");
    CHECK(c.look("user_details", "42").ttl_ms == 77'000);
}
