// tests/unit/analysis/joint_walk_test.cpp -- every set of patterns that some path matches, and no
// other.
#include "dsl/analysis/joint_walk.hpp"

#include "catch.hpp"
#include "dsl/route_table.hpp"
#include "unit/dsl/texts.hpp"

#include <algorithm>
#include <deque>
#include <set>

using namespace larder::dsl;
using namespace larder::dsl::test;

namespace {

struct Walked {
    JointWalk walk;
    std::set<std::vector<std::uint32_t>> kinds() const {
        std::set<std::vector<std::uint32_t>> out;
        for (const JointWord& w : walk.words) out.insert(w.accepted);
        return out;
    }
    std::string witness(const std::vector<std::uint32_t>& kind) const {
        for (const JointWord& w : walk.words)
            if (w.accepted == kind) return w.witness;
        return "none";
    }
};

Walked walked(const std::vector<std::string>& routes, const JointBounds& bounds = {}) {
    std::deque<Automaton> automata;
    std::vector<const Automaton*> views;
    for (const std::string& r : routes)
        views.push_back(&automata.emplace_back(Automaton::of_route(RouteGlob(text(r), true))));
    return {walk_jointly(views, Texts::paths, bounds)};
}

using Kinds = std::set<std::vector<std::uint32_t>>;

}  // namespace

TEST_CASE("every set of routes that a path can match is found, each with a path") {
    const Walked w = walked({"/a/{id}", "/a/b", "/**"});
    CHECK(w.kinds() == Kinds{{2}, {0, 2}, {0, 1, 2}});
    CHECK(w.witness({0, 1, 2}) == "/a/b");
    CHECK(w.walk.complete);
}

TEST_CASE("a path that nothing matches is a kind of its own, if there is one") {
    CHECK(walked({"/a"}).kinds() == Kinds{{}, {0}});
    CHECK(walked({"/**"}).kinds() == Kinds{{0}});
    CHECK(walked({}).kinds() == Kinds{{}});
}

TEST_CASE("witnesses are normal paths: no empty segment, no dots, no broken escape") {
    const Walked w = walked({"/.*", "/{x}/..", "/a%20{x}", "/{x}", "/%2F*"});
    for (const JointWord& word : w.walk.words) {
        std::string buffer;
        CHECK(normalise_path(word.witness, buffer) == word.witness);
    }
    CHECK(w.kinds().contains({0, 3}));     // "/.x": a segment may begin with a dot
    CHECK_FALSE(w.kinds().contains({1}));  // "/x/..": no request is like that
}

TEST_CASE("two captures of a witness are different texts") {
    CHECK(walked({"/{a}/{b}"}).witness({0}) == "/x/y");
}

TEST_CASE(
    "kinds are told apart by their number of segments up to the bound, where it is asked for") {
    JointBounds bounds;
    bounds.segments = 3;
    const Walked w = walked({"/a/{rest...}"}, bounds);
    std::set<std::uint32_t> lengths;
    for (const JointWord& word : w.walk.words)
        if (!word.accepted.empty()) lengths.insert(word.segments);
    CHECK(lengths == std::set<std::uint32_t>{2, 3});
    CHECK(walked({"/a/{rest...}"}).walk.words.size() == 2);
}

TEST_CASE("a walk that meets its bound says that it is not complete, and ends") {
    std::vector<std::string> routes;
    for (char c = 'a'; c <= 'p'; ++c)
        routes.push_back(std::string("/**/") + c + "/**/" + c + "/**");
    JointBounds bounds;
    bounds.places = 5'000;
    const Walked few = walked(routes, bounds);
    CHECK_FALSE(few.walk.complete);
    CHECK(few.walk.places <= 5'000 + 300);
    bounds = {};
    bounds.work = 100'000;
    CHECK_FALSE(walked(routes, bounds).walk.complete);
    bounds = {};
    bounds.words = 3;
    const Walked three = walked({"/a", "/b", "/c", "/d"}, bounds);
    CHECK_FALSE(three.walk.complete);
    CHECK(three.walk.words.size() == 3);
}
