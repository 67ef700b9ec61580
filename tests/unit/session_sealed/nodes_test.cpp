// tests/unit/session_sealed/nodes_test.cpp -- two nodes on one store, one of them at every moment of what the other does.
//
// A step is a call of the store. Each operation of the first node is played once for each of its steps, the
// second node doing the whole of its own before that step: every order in which two operations can meet, as an
// operation that runs between two steps is all that another one can see.
#include "session_rig.hpp"

#include "catch.hpp"

using namespace larder::test;
using namespace std::chrono_literals;

namespace {

// Runs `first` on node 0 and `second` before its call number `at`; false: it has fewer calls.
bool meet(SessionNodes& nodes, int at, const std::function<void()>& first, const std::function<void()>& second) {
    int seen = 0;
    bool met = false;
    nodes[0].node.before = [&](StoreCall) {
        if (seen++ == at) {
            met = true;
            second();
        }
    };
    first();
    nodes[0].node.before = nullptr;
    return met;
}

}  // namespace

TEST_CASE("what one node ends is ended on the other by its next read") {
    SessionNodes nodes(2);
    const std::string a = nodes[0].create("ann", "a"), b = nodes[1].create("ann", "b");
    CHECK(nodes[1].get(a) == "a");
    CHECK(nodes[0].get(b) == "b");
    CHECK(nodes[0].sessions->destroy(b, nodes[0].call) == LARDER_OK);
    CHECK(nodes[1].get(b) == "-");
    CHECK(nodes[1].end_user("ann") == 1);
    CHECK(nodes[0].get(a) == "-");
}

TEST_CASE("a session created while all of its user are ended is a later login, and known as one") {
    for (int at = 0;; ++at) {
        SessionNodes nodes(2);
        const std::string before = nodes[1].create("ann", "before");
        std::string made;
        const bool met = meet(nodes, at, [&] { made = nodes[0].create("ann", "new"); }, [&] { nodes[1].end_user("ann"); });
        if (!met) break;
        INFO("at step " << at);
        CHECK(nodes[1].get(before) == "-");
        REQUIRE(made.size() == 32);
        // It lives, or was ended; if it lives it is in the index.
        const bool lives = nodes[1].get(made) == "new";
        CHECK(nodes[1].list("ann").size() == (lives ? 1u : 0u));
        CHECK(nodes[1].end_user("ann") == (lives ? 1u : 0u));
        CHECK(nodes[0].get(made) == "-");
    }
}

TEST_CASE("ending all of a user ends what is created, answered and listed before it returns, at any step") {
    for (int at = 0;; ++at) {
        SessionNodes nodes(2);
        nodes[0].create("ann", "one");
        nodes[0].create("ann", "two");
        std::string made;
        const bool met = meet(nodes, at, [&] { nodes[0].end_user("ann"); }, [&] { made = nodes[1].create("ann", "new"); });
        if (!met) break;
        INFO("at step " << at);
        CHECK(nodes[0].last == LARDER_OK);
        // Answered before the call that ended all returned: gone with the rest.
        CHECK(nodes[1].get(made) == "-");
        CHECK(nodes[1].list("ann").empty());
    }
}

TEST_CASE("a session that is rotated while all of its user are ended does not live on under its new name") {
    for (int at = 0;; ++at) {
        SessionNodes nodes(2);
        const std::string old = nodes[0].create("ann", "data");
        std::string fresh;
        const bool met = meet(nodes, at, [&] { fresh = nodes[0].rotate(old); }, [&] { nodes[1].end_user("ann"); });
        if (!met) break;
        INFO("at step " << at);
        CHECK(nodes[1].get(old) == "-");
        CHECK((fresh.empty() || nodes[1].get(fresh) == "-"));
        CHECK(nodes[1].list("ann").empty());
    }
}

TEST_CASE("all of a user end also where one of them is rotated meanwhile") {
    for (int at = 0;; ++at) {
        SessionNodes nodes(2);
        const std::string one = nodes[0].create("ann", "1"), two = nodes[0].create("ann", "2");
        std::string fresh;
        const bool met = meet(nodes, at, [&] { nodes[0].end_user("ann"); }, [&] { fresh = nodes[1].rotate(two); });
        if (!met) break;
        INFO("at step " << at);
        for (const std::string& id : {one, two, fresh}) CHECK(nodes[1].get(id) == "-");
        CHECK(nodes[1].list("ann").empty());
    }
}

TEST_CASE("a write by the old identifier during a rotation is not lost") {
    for (int at = 0;; ++at) {
        SessionNodes nodes(2);
        const std::string old = nodes[0].create("ann", R"({"a":1})");
        std::string fresh;
        const bool met = meet(nodes, at, [&] { fresh = nodes[0].rotate(old); }, [&] { nodes[1].update(old, R"({"b":2})"); });
        if (!met) break;
        INFO("at step " << at);
        REQUIRE(nodes[1].last == LARDER_OK);
        CHECK(nodes[0].get(fresh) == R"({"a":1,"b":2})");
    }
}

TEST_CASE("of two rotations of one session at once one wins") {
    for (int at = 0;; ++at) {
        SessionNodes nodes(2);
        const std::string old = nodes[0].create("ann", "data");
        std::string mine, theirs;
        const bool met = meet(nodes, at, [&] { mine = nodes[0].rotate(old); }, [&] { theirs = nodes[1].rotate(old); });
        if (!met) break;
        INFO("at step " << at);
        CHECK(mine.empty() != theirs.empty());
        CHECK(nodes[0].list("ann").size() == 1);
        CHECK(nodes[0].get(mine.empty() ? theirs : mine) == "data");
    }
}

TEST_CASE("two nodes that create at once never both take the last place") {
    for (const bool refuse : {true, false}) {
        for (int at = 0;; ++at) {
            SessionNodes nodes(2);
            for (std::size_t i = 0; i < 2; ++i) {
                nodes[i].facts.per_user = 2;
                if (refuse) nodes[i].facts.flags |= LARDER_SESSION_REFUSE;
            }
            const std::string first = nodes[0].create("ann", "first");
            nodes.pass(1s);
            std::string mine, theirs;
            const bool met = meet(nodes, at, [&] { mine = nodes[0].create("ann", "mine"); }, [&] { theirs = nodes[1].create("ann", "theirs"); });
            if (!met) break;
            INFO("at step " << at << (refuse ? ", refusing" : ", oldest out"));
            std::size_t live = 0;
            for (const std::string& id : {first, mine, theirs}) live += !id.empty() && nodes[1].get(id) != "-" ? 1 : 0;
            CHECK(live == 2);
            CHECK(nodes[1].list("ann").size() == 2);
            if (refuse) CHECK(mine.empty() != theirs.empty());
            else CHECK(nodes[1].get(first) == "-");
        }
    }
}

TEST_CASE("no write brings back a session that was ended meanwhile") {
    const std::function<void(SessionNode&, const std::string&)> writes[] = {
        [](SessionNode& n, const std::string& id) { n.sessions->save(id, "x", n.call); },
        [](SessionNode& n, const std::string& id) { n.update(id, "{}"); },
        [](SessionNode& n, const std::string& id) { n.sessions->touch(id, n.call); },
        [](SessionNode& n, const std::string& id) { n.get(id); },
        [](SessionNode& n, const std::string& id) { n.rotate(id); },
    };
    for (const auto& write : writes)
        for (int at = 0;; ++at) {
            SessionNodes nodes(2);
            const std::string id = nodes[0].create("ann", "{}");
            nodes.pass(10min);  // so that reading writes, too
            const bool met = meet(nodes, at, [&] { write(nodes[0], id); }, [&] { nodes[1].sessions->destroy(id, nodes[1].call); });
            if (!met) break;
            CHECK(nodes[1].get(id) == "-");
            CHECK(nodes[1].list("ann").empty());
        }
}

TEST_CASE("a store that fails at any step of a creation leaves no session that can be named") {
    for (int at = 0; at < 2; ++at) {  // of write, read, write: the call after this one fails
        SessionNodes nodes(2);
        std::string made;
        meet(nodes, at, [&] { made = nodes[0].create("ann", "data"); }, [&] { nodes[0].node.fail = LARDER_E_IO; });
        nodes[0].node.fail = LARDER_OK;
        CHECK(made.empty());
        CHECK(nodes[1].list("ann").size() <= 1);
    }
}
