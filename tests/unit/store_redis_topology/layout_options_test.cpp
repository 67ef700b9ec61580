// tests/unit/store_redis_topology/layout_options_test.cpp -- lists of servers and urls that name several.
#include "plugins/store_redis/layout_options.hpp"

#include "support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace larder::store_redis;
using larder::test::FakeConfig;

namespace {

std::string texts(const Servers& servers) {
    std::string all;
    for (const Endpoint& e : servers.endpoints) {
        all += (e.tls ? "tls " : "") + e.text() + " ";
    }
    return all;
}
std::string list(const std::vector<std::string>& elements, Layout layout) {
    Servers servers;
    std::string why;
    return parse_servers(elements, layout, servers, why) ? texts(servers) : "no: " + why;
}
std::string url(std::string_view text) {
    Servers servers;
    std::string why;
    if (!parse_servers_url(text, servers, why)) {
        return "no: " + why;
    }
    return texts(servers) + servers.master_name + "|" + servers.username + "|" + servers.password;
}
std::string configured(const FakeConfig& config) {
    larder::test::FakeHost host;
    try {
        const auto servers = read_servers(larder::plugin::Config(host.get(), config.get()));
        return servers ? texts(*servers) + servers->master_name : "one";
    } catch (const larder::plugin::Error& error) {
        return std::string("no: ") + error.what();
    }
}

}  // namespace

TEST_CASE("an element is a host, a host and a port, or a url without what is the same for all") {
    CHECK(list({"a", "b:7", "[::1]:8", "redis://c:9", "rediss://d"}, Layout::cluster) ==
          "a:6379 b:7 [::1]:8 c:9 tls d:6379 ");
    CHECK(list({"a", "b:7", "[::1]", "redis://c"}, Layout::sentinel) ==
          "a:26379 b:7 [::1]:26379 c:26379 ");
    CHECK(list({"unix:///run/a.sock"}, Layout::shards) == "unix:/run/a.sock ");
}

TEST_CASE("a list that makes no sense is refused") {
    for (const auto& elements : std::vector<std::vector<std::string>>{
             {}, {"a", "a"}, {"a:0"}, {"a:x"}, {"redis://u:p@a"}, {"redis://a/3"}, {"unix:///a"}, {"http://a"}}) {
        CAPTURE(elements);
        CHECK_THAT(list(elements, Layout::cluster), larder::test::contains("no: "));
    }
    CHECK_THAT(list(std::vector<std::string>(256, "a"), Layout::shards), larder::test::contains("no: "));
}

TEST_CASE("a url names the nodes of a cluster, or Sentinels and the master") {
    CHECK(url("redis+cluster://a:1,b:2") == "a:1 b:2 ||");
    CHECK(url("rediss+cluster://u:p%40ss@a:1,b:2/0") == "tls a:1 tls b:2 |u|p@ss");
    CHECK(url("redis+sentinel://:secret@s1,s2:5/mine") == "s1:26379 s2:5 mine||secret");
    for (const char* const wrong : {"redis+cluster://", "redis+cluster://a:1/3", "redis+sentinel://a:1",
                                    "redis+sentinel://a:1/", "redis+sentinel://a:1/m/0",
                                    "redis+cluster://u@a:1", "redis+cluster://a:1,,b:2x"}) {
        CAPTURE(wrong);
        CHECK_THAT(url(wrong), larder::test::contains("no: "));
    }
}

TEST_CASE("what is wrong with a url is said without its password") {
    CHECK_THAT(url("redis+cluster://u:hunter2@a:x"), !larder::test::contains("hunter2"));
}

TEST_CASE("options name several servers in one way only") {
    using Strings = std::vector<std::string>;
    CHECK(configured(FakeConfig()) == "one");
    CHECK(configured(FakeConfig().set("url", "redis://a:1")) == "one");
    CHECK(configured(FakeConfig().set("servers", Strings{"a", "b"})) == "a:6379 b:6379 ");
    CHECK(configured(FakeConfig().set("sentinel", Strings{"a"}).set("sentinel_master", "m")) == "a:26379 m");
    CHECK(configured(FakeConfig().set("url", "redis+cluster://a:1")) == "a:1 ");
    CHECK_THAT(configured(FakeConfig().set("sentinel", Strings{"a"})), larder::test::contains("sentinel_master"));
    CHECK_THAT(configured(FakeConfig().set("sentinel_master", "m")), larder::test::contains("no: "));
    CHECK_THAT(configured(FakeConfig().set("cluster", Strings{"a"}).set("sentinel_master", "m")),
               larder::test::contains("no: "));
    CHECK_THAT(configured(FakeConfig().set("cluster", Strings{"a"}).set("servers", Strings{"a"})),
               larder::test::contains("not both"));
    CHECK_THAT(configured(FakeConfig().set("cluster", Strings{"a"}).set("host", "b")),
               larder::test::contains("names one server"));
    CHECK_THAT(configured(FakeConfig().set("url", "redis+cluster://a:1").set("cluster", Strings{"a"})),
               larder::test::contains("not both"));
}
