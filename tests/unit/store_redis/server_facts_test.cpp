// tests/unit/store_redis/server_facts_test.cpp -- what servers say of themselves, put together.
#include "catch.hpp"
#include "plugins/store_redis/server_facts.hpp"

using larder::store_redis::ServerFacts;
using larder::test::contains;

namespace {

const char* const info = "# Server\r\nredis_version:7.0.15\r\nredis_mode:cluster\r\nuptime_in_seconds:86400\r\n# Memory\r\n"
                         "used_memory:2621440\r\nmaxmemory:1000\r\nmem_fragmentation_ratio:1.15\r\n# Clients\r\nconnected_clients:3\r\n"
                         "config_file:/etc/redis/secret.conf\r\n";

}  // namespace

TEST_CASE("of one server the facts are as it says them, with sizes that people read") {
    const std::string lines = ServerFacts::merged({ServerFacts::read(info)});
    CHECK_THAT(lines, contains("redis_version:7.0.15\n"));
    CHECK_THAT(lines, contains("used_memory:2621440\nused_memory_human:2.50M\n"));
    CHECK_THAT(lines, contains("mem_fragmentation_ratio:1.15\n"));
    CHECK(lines.find("config_file") == std::string::npos);
}

TEST_CASE("of several servers memory and clients are summed, versions are the first one's") {
    const auto one = ServerFacts::read(info);
    const std::string lines = ServerFacts::merged({one, one, {}});
    CHECK_THAT(lines, contains("used_memory:5242880\n"));
    CHECK_THAT(lines, contains("connected_clients:6\n"));
    CHECK_THAT(lines, contains("redis_mode:cluster\n"));
    CHECK_THAT(lines, contains("uptime_in_seconds:86400\n"));
}

TEST_CASE("nothing heard is nothing told") { CHECK(ServerFacts::merged({}).empty()); }
