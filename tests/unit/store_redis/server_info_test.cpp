// tests/unit/store_redis/server_info_test.cpp -- INFO read, and what a change of it means.
#include "plugins/store_redis/server_info.hpp"

#include "tests/catch.hpp"

using namespace larder::store_redis;

namespace {

const std::string none(40, '0');

ServerInfo server(const std::string& run_id, const std::string& lineage,
                  const std::string& before = none, const std::string& role = "master") {
    ServerInfo info;
    info.read("# Server\r\nredis_version:7.0.15\r\nrun_id:" + run_id +
              "\r\n\r\n# Replication\r\nrole:" + role + "\r\nmaster_replid:" + lineage +
              "\r\nmaster_replid2:" + before + "\r\n");
    return info;
}

}  // namespace

TEST_CASE("the same process with the same history is the same server") {
    CHECK(renewal(server("p", "h"), server("p", "h")) == Renewal::none);
    CHECK(renewal(ServerInfo{}, server("p", "h")) == Renewal::none);
    CHECK(renewal(server("p", "h"), ServerInfo{}) == Renewal::none);
}

TEST_CASE("a promoted replica goes on from the history it names; a restart from an older copy does not") {
    CHECK(renewal(server("p", "h"), server("q", "i", "h")) == Renewal::continued);
    CHECK(renewal(server("p", "h"), server("q", "h")) == Renewal::continued);
    CHECK(renewal(server("p", "h", none, "slave"), server("p", "i", "h")) == Renewal::continued);
    CHECK(renewal(server("p", "h"), server("q", "i")) == Renewal::other);
    CHECK(renewal(server("p", "h"), server("p", "i", "j", "slave")) == Renewal::other);
    CHECK(renewal(server("p", none), server("q", "i", none)) == Renewal::other);
}

TEST_CASE("advice names what a cache should not run on, and what to set") {
    ServerInfo info = server("p", "h");
    CHECK(advice(info).empty());
    info.read("maxmemory:0\r\nmaxmemory_policy:noeviction\r\n");
    REQUIRE(advice(info).size() == 1);
    CHECK_THAT(advice(info)[0], larder::test::contains("Set maxmemory"));
    info.read("maxmemory:1000\r\n");
    REQUIRE(advice(info).size() == 1);
    CHECK_THAT(advice(info)[0], larder::test::contains("puts fail"));
    info.read("maxmemory_policy:volatile-lru\r\nredis_version:5.0.1\r\n");
    REQUIRE(advice(info).size() == 1);
    CHECK_THAT(advice(info)[0], larder::test::contains("Redis 6.0 or later"));
}
