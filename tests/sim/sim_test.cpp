// tests/sim/sim_test.cpp -- seeds, one world each.
#include "tests/sim/world.hpp"

#include "tests/catch.hpp"

#include <cstdlib>
#include <string>

using namespace larder::sim;

namespace {

std::uint64_t number(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// $LARDER_SEED alone, or the seeds from `begin` on, as many as are said here or by $LARDER_SEEDS.
void run_seeds(Kind kind, const char* area, std::uint64_t seeds, std::uint64_t begin = 1) {
    const std::uint64_t one = number("LARDER_SEED", 0);
    const std::uint64_t first = one != 0 ? one : begin, last = one != 0 ? one : begin + number("LARDER_SEEDS", seeds) - 1;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        Verdict verdict = run_world(kind, seed, one != 0);
        if (verdict.good) continue;
        if (one == 0) {
            Verdict again = run_world(kind, seed, true);
            if (!again.good) verdict = again;
        }
        FAIL("seed " << seed << ": " << verdict.what << "\nAgain: LARDER_SEED=" << seed << " test_sim '" << area << "'\n" << verdict.story);
    }
    SUCCEED();
}

}  // namespace

TEST_CASE("a seed decides everything that happens in a world", "[sim]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Verdict once = run_world(Kind::memory, seed, false), twice = run_world(Kind::memory, seed, false);
        REQUIRE(once.trace == twice.trace);
        REQUIRE(once.reads == twice.reads);
    }
}

TEST_CASE("a node with memory alone keeps every promise", "[sim][memory]") {
    run_seeds(Kind::memory, "a node with memory alone keeps every promise", 2000);
}

TEST_CASE("nodes above one shared store keep every promise", "[sim][shared]") {
    run_seeds(Kind::shared, "nodes above one shared store keep every promise", 2500);
}

// In parts, so that each ends within what a test case may take on a busy machine.
TEST_CASE("nodes above one shared store keep every promise, worlds 2,501 to 5,000", "[sim][shared]") {
    run_seeds(Kind::shared, "[shared]", 2500, 2501);
}

TEST_CASE("nodes above one shared store keep every promise, worlds 5,001 to 7,500", "[sim][shared]") {
    run_seeds(Kind::shared, "[shared]", 2500, 5001);
}

TEST_CASE("nodes above one shared store keep every promise, worlds 7,501 to 10,000", "[sim][shared]") {
    run_seeds(Kind::shared, "[shared]", 2500, 7501);
}
