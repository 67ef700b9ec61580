// tests/unit/session_sealed/sessions_test.cpp -- one node: created, read, changed, rotated, listed, ended.
#include "session_rig.hpp"

#include "catch.hpp"

using namespace larder::test;
using namespace std::chrono_literals;
using larder::session_sealed::key_of_id;
using larder::session_sealed::key_of_user;

TEST_CASE("a session that was created is found with its data, user and time left") {
    SessionNodes nodes;
    const std::string id = nodes[0].create("ann", R"({"role":"cook"})");
    CHECK(id.size() == 32);
    CHECK(nodes[0].get(id) == R"({"role":"cook"})");
    CHECK(nodes[0].user_of_it == "ann");
    CHECK(nodes[0].info.idle_ms == 30 * 60'000);
    CHECK(nodes[0].info.absolute_ms == 12 * 3'600'000);
    CHECK(nodes[0].info.flags == 0);
}

TEST_CASE("reading a session is one call of the store") {
    SessionNodes nodes;
    const std::string id = nodes[0].create("ann", "data");
    const std::uint64_t before = nodes[0].node.calls();
    CHECK(nodes[0].get(id) == "data");
    CHECK(nodes[0].node.calls() == before + 1);
    CHECK(nodes[0].get("nobody's") == "-");
    CHECK(nodes[0].node.calls() == before + 2);
}

TEST_CASE("the store has neither identifiers nor users nor data in the clear") {
    for (const char* format : {"gcm", "fernet"}) {
        SessionNodes nodes(1, key_one, format);
        const std::string id = nodes[0].create("ann@example.org", "password=hunter2 planted-secret");
        nodes[0].update(nodes[0].create("ann@example.org", "{}"), R"({"token":"planted-secret"})");
        nodes[0].rotate(nodes[0].create("ann@example.org", "planted-secret"));
        const std::string dump = nodes.dump();
        for (const char* secret : {"hunter2", "planted-secret", "ann@example.org", "password"}) CHECK(dump.find(secret) == std::string::npos);
        CHECK(dump.find(id) == std::string::npos);
        CHECK(dump.find(key_of_id(id)) != std::string::npos);
    }
}

TEST_CASE("the log has neither identifiers nor users nor keys") {
    SessionNodes nodes;
    nodes[0].facts.per_user = 2;
    const std::string id = nodes[0].create("ann@example.org", "planted-secret");
    const std::string fresh = nodes[0].rotate(id);
    nodes[0].create("ann@example.org", "");
    nodes[0].create("ann@example.org", "");
    nodes.bytes_of(nodes[0].create("ann@example.org", "")) += "x";
    nodes[0].end_user("ann@example.org");
    std::string all;
    for (const auto& line : nodes[0].host.lines()) all += line.text + "\n";
    for (const std::string& secret : {id, fresh, key_one, std::string("ann@example.org"), std::string("planted-secret")}) CHECK(all.find(secret) == std::string::npos);
    CHECK_THAT(all, contains("session chat: created " + key_of_id(id).substr(2, 12) + " of user " + key_of_user("chat", "ann@example.org").substr(2, 12)));
    CHECK_THAT(all, contains("rotated to"));
    CHECK_THAT(all, contains("pushed out"));
    CHECK_THAT(all, contains("all ended"));
}

TEST_CASE("a forged, cut, moved, replayed, expired, ended, unknown or absurd identifier is the same MISS after the same calls") {
    SessionNodes nodes;
    const std::string replayed = nodes[0].create("ann", "r"), expired = nodes[0].create("ann", "e", 5000), restored = nodes[0].create("ann", "p", 5000);
    const std::string fresh = nodes[0].rotate(replayed);
    const auto kept = nodes.values();
    nodes.pass(std::chrono::seconds(11));  // longer than the grace
    CHECK(nodes[0].get(fresh) == "r");
    // Put back when it was over, by somebody who can write to the store.
    const std::string place = SessionNodes::place_of(restored);
    nodes.values()[place] = kept.at(place);
    nodes.values()[place].until_ms = 0;
    const std::string cut = nodes[0].create("ann", "a"), forged = nodes[0].create("ann", "b"), moved = nodes[0].create("ann", "c");
    const std::string ended = nodes[0].create("ann", "d");
    nodes.bytes_of(cut).resize(40);
    nodes.bytes_of(forged).back() ^= 1;
    nodes.bytes_of(moved) = nodes.bytes_of(ended);
    CHECK(nodes[0].sessions->destroy(ended, nodes[0].call) == LARDER_OK);
    for (const std::string& id : {cut, forged, moved, replayed, expired, restored, ended, std::string("unknown"), std::string(), std::string(10'000, 'x'), std::string("\0\n{}", 4)}) {
        const std::uint64_t before = nodes[0].node.calls();
        CHECK(nodes[0].get(id) == "-");
        CHECK(nodes[0].last == LARDER_MISS);
        CHECK(nodes[0].node.calls() == before + 1);
        CHECK(nodes[0].sessions->touch(id, nodes[0].call) == LARDER_MISS);
        CHECK(nodes[0].sessions->save(id, "x", nodes[0].call) == LARDER_MISS);
        CHECK(nodes[0].sessions->destroy(id, nodes[0].call) == LARDER_MISS);
        CHECK(nodes[0].rotate(id).empty());
        CHECK(nodes[0].last == LARDER_MISS);
    }
    CHECK(nodes[0].figures().unreadable > 0);
}

TEST_CASE("an update is a merge patch, and of two at once none is lost") {
    SessionNodes nodes(2);
    const std::string id = nodes[0].create("ann", R"({"cart":{"a":1},"lang":"de"})");
    CHECK(nodes[0].update(id, R"({"cart":{"b":2},"lang":null})") == R"({"cart":{"a":1,"b":2}})");
    // The other node writes between this one's read and write.
    bool once = false;
    nodes[0].node.before = [&](StoreCall what) {
        if (what == StoreCall::put && !std::exchange(once, true)) nodes[1].update(id, R"({"cart":{"c":3}})");
    };
    CHECK(nodes[0].update(id, R"({"cart":{"d":4}})") == R"({"cart":{"a":1,"b":2,"c":3,"d":4}})");
    CHECK(nodes[0].update(id, "no json") == "-");
    CHECK(nodes[0].last == LARDER_E_INVALID);
}

TEST_CASE("save replaces the data, and too much of it is refused") {
    SessionNodes nodes;
    const std::string id = nodes[0].create("ann", "old");
    CHECK(nodes[0].sessions->save(id, "new", nodes[0].call) == LARDER_OK);
    CHECK(nodes[0].get(id) == "new");
    CHECK(nodes[0].sessions->save(id, std::string(70'000, 'x'), nodes[0].call) == LARDER_E_TOO_LARGE);
    CHECK(nodes[0].create("ann", std::string(70'000, 'x')).empty());
    CHECK(nodes[0].last == LARDER_E_TOO_LARGE);
}

TEST_CASE("rotate gives a new identifier; the old one finds the session for the grace, and cannot be rotated") {
    SessionNodes nodes;
    const std::string old = nodes[0].create("ann", "data"), fresh = nodes[0].rotate(old);
    CHECK(fresh.size() == 32);
    CHECK(fresh != old);
    CHECK(nodes[0].get(fresh) == "data");
    CHECK(nodes[0].get(old) == "data");
    CHECK((nodes[0].info.flags & LARDER_SESSION_REPLACED) != 0);
    CHECK(nodes[0].rotate(old).empty());
    CHECK(nodes[0].last == LARDER_MISS);
    CHECK(nodes[0].list("ann").size() == 1);
    nodes.pass(10s);
    CHECK(nodes[0].get(old) == "-");
    CHECK(nodes[0].get(fresh) == "data");
}

TEST_CASE("ending a session by the identifier before it ends the session") {
    SessionNodes nodes;
    const std::string old = nodes[0].create("ann", "data"), fresh = nodes[0].rotate(old);
    CHECK(nodes[0].sessions->destroy(old, nodes[0].call) == LARDER_OK);
    CHECK(nodes[0].get(fresh) == "-");
    CHECK(nodes[0].get(old) == "-");
}

TEST_CASE("without a grace the old identifier ends at once") {
    SessionNodes nodes;
    nodes[0].config.set("grace", std::int64_t{0});
    nodes[0].use_keys(key_one);
    const std::string old = nodes[0].create("ann", "data"), fresh = nodes[0].rotate(old);
    CHECK(nodes[0].get(old) == "-");
    CHECK(nodes[0].get(fresh) == "data");
}

TEST_CASE("the sessions of a user are listed newest first, by names that are no identifiers") {
    SessionNodes nodes;
    const std::string first = nodes[0].create("ann", "1");
    nodes.pass(1s);
    const std::string second = nodes[0].create("ann", "2");
    nodes[0].create("bob", "3");
    const auto names = nodes[0].list("ann");
    REQUIRE(names.size() == 2);
    CHECK(names[0] == key_of_id(second).substr(2));
    for (const std::string& name : names) CHECK(nodes[0].get(name) == "-");
    CHECK(nodes[0].sessions->destroy_named("bob", names[0], nodes[0].call) == LARDER_MISS);
    CHECK(nodes[0].sessions->destroy_named("ann", names[0], nodes[0].call) == LARDER_OK);
    CHECK(nodes[0].get(second) == "-");
    CHECK(nodes[0].get(first) == "1");
    CHECK(nodes[0].list("ann").size() == 1);
}

TEST_CASE("the limit per user pushes out the oldest, or refuses") {
    SessionNodes nodes;
    nodes[0].facts.per_user = 2;
    const std::string a = nodes[0].create("ann", "a");
    nodes.pass(1s);
    const std::string b = nodes[0].create("ann", "b");
    CHECK(nodes[0].create("bob", "other").size() == 32);
    nodes.pass(1s);
    const std::string c = nodes[0].create("ann", "c");
    CHECK(nodes[0].get(a) == "-");
    CHECK(nodes[0].get(b) == "b");
    CHECK(nodes[0].get(c) == "c");
    CHECK(nodes[0].figures().pushed_out == 1);

    nodes[0].facts.flags |= LARDER_SESSION_REFUSE;
    CHECK(nodes[0].create("ann", "d").empty());
    CHECK(nodes[0].last == LARDER_E_REFUSED);
    CHECK(nodes[0].figures().refused == 1);
    CHECK(nodes[0].list("ann").size() == 2);
    CHECK(nodes[0].sessions->destroy(b, nodes[0].call) == LARDER_OK);
    CHECK(nodes[0].create("ann", "d").size() == 32);
}

TEST_CASE("a session that nobody used makes room for another one") {
    SessionNodes nodes;
    nodes[0].facts.per_user = 1;
    nodes[0].facts.flags |= LARDER_SESSION_REFUSE;
    nodes[0].create("ann", "a");
    nodes.pass(31min);
    CHECK(nodes[0].create("ann", "b").size() == 32);
}

TEST_CASE("ending all of a user costs a call for each of his sessions, and no more for others'") {
    SessionNodes nodes;
    for (int i = 0; i < 20; ++i) nodes[0].create("ann", "a");
    for (int i = 0; i < 500; ++i) nodes[0].create("user" + std::to_string(i), "x");
    const std::uint64_t before = nodes[0].node.calls();
    CHECK(nodes[0].end_user("ann") == 20);
    CHECK(nodes[0].node.calls() == before + 22);  // the index read and removed, and 20
    CHECK(nodes[0].end_user("ann") == 0);
    CHECK(nodes[0].list("ann").empty());
    CHECK(nodes[0].list("user7").size() == 1);
}

TEST_CASE("a new key in front changes nothing for who is logged in, and records follow it when they are used") {
    for (const char* format : {"gcm", "fernet"}) {
        SessionNodes nodes(1, key_one, format);
        const std::string id = nodes[0].create("ann", "data");
        nodes[0].use_keys(key_two + " " + key_one);
        CHECK(nodes[0].get(id) == "data");  // sealed anew
        nodes[0].use_keys(key_two);
        CHECK(nodes[0].get(id) == "data");
        nodes[0].use_keys(key_one);
        CHECK(nodes[0].get(id) == "-");  // a lost key is a logged-out user
        CHECK(nodes[0].last == LARDER_MISS);
        CHECK(nodes[0].create("ann", "again").size() == 32);
        CHECK(nodes[0].end_user("ann") == 2);  // the one that nobody can read, too
    }
}

TEST_CASE("what one format wrote the other reads") {
    SessionNodes nodes(1, key_one, "fernet");
    const std::string id = nodes[0].create("ann", "data");
    nodes[0].config.set("format", "gcm");
    nodes[0].use_keys(key_one);
    CHECK(nodes[0].get(id) == "data");
    CHECK(nodes[0].sessions->save(id, "more", nodes[0].call) == LARDER_OK);
    CHECK(nodes[0].get(id) == "more");
}

TEST_CASE("a store that fails is an error and no MISS, and ends nobody's session") {
    SessionNodes nodes;
    const std::string id = nodes[0].create("ann", "data");
    nodes[0].node.fail = LARDER_E_IO;
    CHECK(nodes[0].get(id) == "-");
    CHECK(nodes[0].last == LARDER_E_IO);
    nodes[0].end_user("ann");
    CHECK(nodes[0].last == LARDER_E_IO);
    nodes[0].node.fail = LARDER_OK;
    CHECK(nodes[0].get(id) == "data");
}

TEST_CASE("an index that somebody has overwritten begins anew") {
    SessionNodes nodes;
    nodes[0].create("ann", "a");
    for (const std::string& junk : {std::string("junk"), std::string(100, 'x')}) {
        nodes.values().find("larder:s:{chat:" + key_of_user("chat", "ann") + "}")->second.bytes = junk;
        CHECK(nodes[0].create("ann", "b").size() == 32);
        CHECK(nodes[0].list("ann").size() == 1);
    }
}
