// tests/unit/store_redis_topology/slot_map_test.cpp -- CLUSTER SLOTS as nodes tell it, and as nobody should.
#include "plugins/store_redis/slot_map.hpp"

#include "reply_text.hpp"
#include "tests/catch.hpp"

#include <random>
#include <string>

using namespace larder::store_redis;

namespace {

const Endpoint asked{"10.0.0.1", 7000, "", false};

std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
std::string node(std::string_view host, int port) {
    return "*4\r\n" + bulk(host) + ":" + std::to_string(port) + "\r\n" + bulk("id") + "*0\r\n";
}
std::string range(int low, int high, const std::string& nodes, int count = 1) {
    return "*" + std::to_string(2 + count) + "\r\n:" + std::to_string(low) + "\r\n:" +
           std::to_string(high) + "\r\n" + nodes;
}

struct Told {
    std::optional<SlotMap> map;
    std::string why;
};
Told read(const std::string& resp) {
    Reply reply;
    larder::test::fill(reply, resp);
    Told told;
    told.map = SlotMap::read(reply, asked, told.why);
    return told;
}

const std::string three =
    "*3\r\n" + range(10923, 16383, node("h3", 3) + node("r3", 33), 2) +
    range(0, 5460, node("h1", 1) + node("r1", 11), 2) + range(5461, 10922, node("h2", 2) + node("r2", 22), 2);

}  // namespace

TEST_CASE("a map says who owns each slot, in the order of slots") {
    const auto [map, why] = read(three);
    REQUIRE(map);
    REQUIRE(map->masters().size() == 3);
    CHECK(map->masters()[0] == Endpoint{"h1", 1, "", false});
    CHECK(map->masters()[2] == Endpoint{"h3", 3, "", false});
    CHECK(map->replicas().size() == 3);
    CHECK(map->owner(0) == 0);
    CHECK(map->owner(5460) == 0);
    CHECK(map->owner(5461) == 1);
    CHECK(map->owner(16383) == 2);
    CHECK(map->slots_owned() == cluster_slots);
}

TEST_CASE("a master's successor stands in its place") {
    const auto before = read("*2\r\n" + range(0, 99, node("a", 1)) + range(100, 16383, node("b", 1)));
    const auto after = read("*2\r\n" + range(100, 16383, node("b", 1)) + range(0, 99, node("z", 1)));
    REQUIRE(before.map);
    REQUIRE(after.map);
    CHECK(after.map->masters()[0].host == "z");
    CHECK(after.map->masters()[1] == before.map->masters()[1]);
    CHECK_FALSE(*before.map == *after.map);
}

TEST_CASE("the same map in another order is the same map") {
    const auto one = read("*2\r\n" + range(0, 99, node("a", 1)) + range(100, 16383, node("b", 1)));
    const auto two = read("*2\r\n" + range(100, 16383, node("b", 1)) + range(0, 99, node("a", 1)));
    CHECK(*one.map == *two.map);
}

TEST_CASE("one master may own many ranges, and slots may be nobody's") {
    const auto [map, why] = read("*2\r\n" + range(7, 7, node("a", 1)) + range(9, 9, node("a", 1)));
    REQUIRE(map);
    CHECK(map->masters().size() == 1);
    CHECK(map->owner(8) == SlotMap::nobody);
    CHECK(map->slots_owned() == 2);
}

TEST_CASE("a host that is left out is the host that was asked") {
    CHECK(read("*1\r\n" + range(0, 1, node("", 7))).map->masters()[0] == Endpoint{"10.0.0.1", 7, "", false});
    CHECK(read("*1\r\n" + range(0, 1, "*2\r\n$-1\r\n:7\r\n")).map->masters()[0].host == "10.0.0.1");
}

TEST_CASE("what later servers add to a node is passed over") {
    const std::string more = "*5\r\n" + bulk("h") + ":7\r\n" + bulk("id") + "*2\r\n" + bulk("hostname") +
                             "*2\r\n" + bulk("x") + "*1\r\n:1\r\n" + ":9\r\n";
    const auto [map, why] = read("*2\r\n" + range(0, 1, more) + range(2, 3, node("g", 8)));
    REQUIRE(map);
    CHECK(map->masters()[1].host == "g");
}

TEST_CASE("a reply that is no map is refused with a reason") {
    const std::string good = node("h", 1);
    const std::pair<std::string, std::string> refused[] = {
        {"-ERR This instance has cluster support disabled\r\n", "cluster support disabled"},
        {"+OK\r\n", "no array"},
        {"*-1\r\n", "no array"},
        {"*1\r\n:1\r\n", "no array of three"},
        {"*1\r\n*2\r\n:0\r\n:1\r\n", "no array of three"},
        {"*1\r\n" + range(-1, 1, good), "slots"},
        {"*1\r\n" + range(2, 1, good), "slots"},
        {"*1\r\n" + range(0, 16384, good), "slots"},
        {"*1\r\n*3\r\n$1\r\n0\r\n:1\r\n" + good, "slots"},
        {"*2\r\n" + range(0, 5, good) + range(5, 9, node("i", 2)), "one slot"},
        {"*1\r\n" + range(0, 1, ":7\r\n"), "node"},
        {"*1\r\n" + range(0, 1, "*1\r\n$1\r\nh\r\n"), "node"},
        {"*1\r\n" + range(0, 1, "*2\r\n$1\r\nh\r\n$1\r\n7\r\n"), "node"},
        {"*1\r\n" + range(0, 1, node("h", 0)), "node"},
        {"*1\r\n" + range(0, 1, node("h", 65536)), "node"},
        {"*1\r\n" + range(0, 1, node("?", 7)), "node"},
        {"*1\r\n" + range(0, 1, node("a b", 7)), "node"},
        {"*1\r\n" + range(0, 1, node(std::string(254, 'h'), 7)), "node"},
        {"*1\r\n" + range(0, 1, good + ":1\r\n", 2), "node"},
    };
    for (const auto& [resp, reason] : refused) {
        CAPTURE(resp);
        const Told told = read(resp);
        CHECK_FALSE(told.map);
        CHECK_THAT(told.why, larder::test::contains(reason));
    }
}

TEST_CASE("more masters or replicas than the caps are refused, as many as the caps are not") {
    const auto cluster_of = [](int masters) {
        std::string resp = "*" + std::to_string(masters) + "\r\n";
        for (int i = 0; i < masters; ++i) {
            resp += range(i, i, node("h", i + 1));
        }
        return read(resp);
    };
    CHECK(cluster_of(255).map);
    CHECK_FALSE(cluster_of(256).map);
    const auto replicated = [](int replicas) {
        std::string nodes = node("m", 1);
        for (int i = 0; i < replicas; ++i) {
            nodes += node("r", i + 1);
        }
        return read("*1\r\n" + range(0, 1, nodes, replicas + 1));
    };
    CHECK(replicated(1024).map);
    CHECK_FALSE(replicated(1025).map);
}

TEST_CASE("a map with anything cut or changed in it is read or refused, and never read past its end") {
    Reply whole;
    larder::test::fill(whole, three);
    std::mt19937_64 random(7);
    for (int round = 0; round < 20'000; ++round) {
        Reply reply;
        reply.filling() = whole.items();
        auto& items = reply.filling();
        for (auto& item : items) {
            item.block = nullptr;  // the whole reply's
        }
        for (int n = 0; n < 1 + round % 3; ++n) {
            auto& item = items[random() % items.size()];
            switch (random() % 4) {
                case 0: item.type = static_cast<Reply::Type>(random() % 6); break;
                case 1: item.integer = static_cast<std::int64_t>(random()); break;
                case 2: item.size = static_cast<std::uint32_t>(random() % 20); break;
                default: items.resize(1 + random() % items.size());
            }
        }
        std::string why;
        const auto map = SlotMap::read(reply, asked, why);
        CHECK((map || !why.empty()));
    }
}
