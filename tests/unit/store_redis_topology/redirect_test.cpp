// tests/unit/store_redis_topology/redirect_test.cpp -- redirects are understood, and nonsense is none.
#include "plugins/store_redis/redirect.hpp"

#include "tests/catch.hpp"

#include <string>

using namespace larder::store_redis;
using Kind = Redirect::Kind;

namespace {

const Endpoint asked{"10.0.0.1", 7000, "", false};

Redirect read(std::string_view error) { return Redirect::read(error, asked); }

}  // namespace

TEST_CASE("MOVED and ASK name slot and server") {
    const Redirect moved = read("MOVED 3999 127.0.0.1:6381");
    CHECK(moved.kind == Kind::moved);
    CHECK(moved.slot == 3999);
    CHECK(moved.to == Endpoint{"127.0.0.1", 6381, "", false});
    const Redirect ask = read("ASK 16383 redis-2.example:6379");
    CHECK(ask.kind == Kind::ask);
    CHECK(ask.slot == 16383);
    CHECK(ask.to.host == "redis-2.example");
}

TEST_CASE("a redirect without a host means the host that was asked, and TLS stays TLS") {
    const Redirect moved = Redirect::read("MOVED 1 :7001", Endpoint{"redis.example", 7000, "", true});
    CHECK(moved.kind == Kind::moved);
    CHECK(moved.to == Endpoint{"redis.example", 7001, "", true});
}

TEST_CASE("an IPv6 address keeps its colons") {
    CHECK(read("MOVED 1 2001:db8::1:6379").to == Endpoint{"2001:db8::1", 6379, "", false});
}

TEST_CASE("a redirect that makes no sense is none") {
    for (const std::string error :
         {"MOVED", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED 1 host", "MOVED 16384 h:1", "MOVED -1 h:1",
          "MOVED x h:1", "MOVED 1 h:0", "MOVED 1 h:65536", "MOVED 1 h:", "MOVED 1 h:6379 ",
          "MOVED 1 a b:1", "MOVED 1 ?:1", "MOVED 1 h\r\nX:1", "MOVED 99999999999 h:1", "MOVED:1 h:1",
          "MOVEDX 1 h:1", "ASK", "ASKING 1 h:1", "", " ", "moved 1 h:1"}) {
        CAPTURE(error);
        CHECK(read(error).kind == Kind::none);
    }
    CHECK(read("MOVED 1 " + std::string(254, 'a') + ":1").kind == Kind::none);
    CHECK(read("MOVED 1 " + std::string(253, 'a') + ":1").kind == Kind::moved);
}

TEST_CASE("errors of a cluster are told from errors of a command") {
    CHECK(read("TRYAGAIN Multiple keys request during rehashing of slot").kind == Kind::try_again);
    CHECK(read("CLUSTERDOWN The cluster is down").kind == Kind::down);
    CHECK(read("MASTERDOWN Link with MASTER is down").kind == Kind::down);
    CHECK(read("LOADING Redis is loading the dataset in memory").kind == Kind::loading);
    CHECK(read("READONLY You can't write against a read only replica.").kind == Kind::read_only);
    CHECK(read("WRONGTYPE Operation against a key").kind == Kind::none);
    CHECK(read("ERR MOVED 1 h:1").kind == Kind::none);
}

TEST_CASE("no redirect leads from a unix socket to an address nobody configured") {
    CHECK(Redirect::read("MOVED 1 10.0.0.9:1", Endpoint{"", 0, "/run/redis.sock", false}).kind ==
          Kind::none);
}
