// tests/unit/session_sealed/timeouts_test.cpp -- when sessions end by themselves, and by whose clock.
#include "session_rig.hpp"

#include "catch.hpp"

using namespace larder::test;
using namespace std::chrono_literals;

TEST_CASE("a session that is not used ends after its idle time, and within a sixteenth of it") {
    for (int used_s = 0; used_s <= 300; used_s += 7) {
        SessionNodes nodes;
        const std::string id = nodes[0].create("ann", "data");
        nodes.pass(std::chrono::seconds(used_s));
        CHECK(nodes[0].get(id) == "data");
        nodes.pass(1'687'500ms - 1ms);
        CHECK(nodes[0].list("ann").size() == 1);
        nodes.pass(112'501ms);
        CHECK(nodes[0].get(id) == "-");
    }
}

TEST_CASE("a session that is used lives until its absolute end, and not longer") {
    SessionNodes nodes;
    const std::string id = nodes[0].create("ann", "data");
    for (int minutes = 0; minutes < 12 * 60; minutes += 20) {
        INFO(minutes);
        CHECK(nodes[0].get(id) == "data");
        nodes.pass(20min);
    }
    CHECK(nodes[0].get(id) == "-");
}

TEST_CASE("rotating a session does not prolong its absolute end") {
    SessionNodes nodes;
    std::string id = nodes[0].create("ann", "data");
    for (int minutes = 0; minutes < 12 * 60; minutes += 20) {
        id = nodes[0].rotate(id);
        REQUIRE(nodes[0].get(id) == "data");
        nodes.pass(20min);
    }
    CHECK(nodes[0].get(id) == "-");
}

TEST_CASE("without `sliding` a session ends at its time, used or not") {
    SessionNodes nodes;
    nodes[0].facts.idle_ms = 0;
    nodes[0].facts.absolute_ms = 60'000;
    const std::string id = nodes[0].create("ann", "data");
    nodes.pass(59s);
    CHECK(nodes[0].get(id) == "data");
    CHECK(nodes[0].info.idle_ms == -1);
    CHECK(nodes[0].sessions->touch(id, nodes[0].call) == LARDER_OK);
    nodes.pass(1s);
    CHECK(nodes[0].get(id) == "-");
}

TEST_CASE("a touch is written down at once") {
    SessionNodes nodes;
    const std::string id = nodes[0].create("ann", "data");
    nodes.pass(1min);
    CHECK(nodes[0].sessions->touch(id, nodes[0].call) == LARDER_OK);
    nodes[0].get(id);
    CHECK(nodes[0].info.idle_ms == 30 * 60'000);
}

TEST_CASE("a session may ask for less time than the policy gives, never for more") {
    SessionNodes nodes;
    const std::string brief = nodes[0].create("ann", "data", 60'000), greedy = nodes[0].create("ann", "data", 86'400'000);
    nodes[0].get(brief);
    CHECK(nodes[0].info.idle_ms == 60'000);
    nodes[0].get(greedy);
    CHECK(nodes[0].info.idle_ms == 30 * 60'000);
    nodes.pass(60s);
    CHECK(nodes[0].get(brief) == "-");
}

TEST_CASE("a stricter policy holds for sessions that are there already") {
    SessionNodes nodes;
    const std::string id = nodes[0].create("ann", "data");
    nodes[0].facts.idle_ms = 60'000;
    CHECK(nodes[0].get(id) == "data");
    CHECK(nodes[0].info.idle_ms == 60'000);
    nodes[0].facts.absolute_ms = 1;
    nodes.pass(1s);
    CHECK(nodes[0].get(id) == "-");
}

TEST_CASE("a node's wall clock that jumps neither ends a session nor brings one back") {
    SessionNodes nodes(2);
    const std::string id = nodes[0].create("ann", "data");
    nodes.clock.set_wall_ms(nodes.clock.wall_ms() + 900'000'000);
    CHECK(nodes[1].get(id) == "data");
    nodes.clock.set_wall_ms(1000);
    CHECK(nodes[1].get(id) == "data");
    nodes.pass(30min);
    CHECK(nodes[1].get(id) == "-");
}

TEST_CASE("a record that is put back after its idle time is over is as forged") {
    SessionNodes nodes;
    const std::string id = nodes[0].create("ann", "data");
    const auto kept = nodes.values();
    nodes.pass(30min);
    for (auto [key, value] : kept) {
        value.until_ms = 0;
        nodes.values()[key] = value;
    }
    CHECK(nodes[0].get(id) == "-");
}

TEST_CASE("as long as the store has not told its time nobody is logged in or out") {
    SessionNodes nodes;
    const std::string id = nodes[0].create("ann", "data");
    nodes[0].node.knows_time = false;
    CHECK(nodes[0].get(id) == "-");
    CHECK(nodes[0].last == LARDER_E_IO);
    nodes[0].node.knows_time = true;
    CHECK(nodes[0].get(id) == "data");
}
