// tests/sim/mutants_test.cpp -- that each naive design is noticed, soon: what would not notice them proves nothing.
#include "kernel/core/mutant.hpp"
#include "tests/catch.hpp"
#include "tests/sim/world.hpp"

#include <cstdio>
#include <cstdlib>

#include <sys/wait.h>
#include <unistd.h>

using namespace larder;
using namespace larder::sim;

namespace {

constexpr std::uint64_t most_seeds = 1000;

// The first seed in which this mutant is noticed; 0: none. In a process of its own, since a world that fails
// leaves threads behind, and one that cannot go on ends its process.
std::uint64_t first_noticed(Mutant mutant, std::uint64_t first) {
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        active_mutant = mutant;
        for (std::uint64_t seed = first; seed < first + most_seeds; ++seed) {
            // Said before, as the process may end in it.
            if (write(pipes[1], &seed, sizeof seed) != sizeof seed) _exit(2);
            const Verdict verdict = run_world(Kind::shared, seed, false);
            if (verdict.good) continue;
            std::printf("mutant %d, seed %llu: %s\n", static_cast<int>(mutant), static_cast<unsigned long long>(seed), verdict.what.c_str());
            std::fflush(stdout);
            _exit(1);
        }
        _exit(0);
    }
    close(pipes[1]);
    std::uint64_t seed = 0;
    for (std::uint64_t read_now = 0; read(pipes[0], &read_now, sizeof read_now) == sizeof read_now;) seed = read_now;
    close(pipes[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : seed - first + 1;
}

void check_noticed(Mutant mutant) {
    const std::uint64_t seeds = first_noticed(mutant, 1);
    CHECK(seeds != 0);
    std::printf("noticed at seed %llu\n", static_cast<unsigned long long>(seeds));
}

}  // namespace

TEST_CASE("naive L1: a read copied up after the push that made it old is noticed", "[sim][mutant]") { check_noticed(Mutant::late_fill); }
TEST_CASE("naive L2: a load kept without a lease is noticed", "[sim][mutant]") { check_noticed(Mutant::no_lease); }
TEST_CASE("no flush when the stream was away is noticed", "[sim][mutant]") { check_noticed(Mutant::no_flush); }
TEST_CASE("numbers stamped after the load are noticed", "[sim][mutant]") { check_noticed(Mutant::late_stamp); }
TEST_CASE("joining a load from before an invalidation is noticed", "[sim][mutant]") { check_noticed(Mutant::joins_old_flight); }
TEST_CASE("SET NX in the place of a lease is noticed", "[sim][mutant]") { check_noticed(Mutant::fill_if_absent); }
TEST_CASE("a tag changed before its late number is noticed", "[sim][mutant]") { check_noticed(Mutant::tag_before_late); }
TEST_CASE("a change that holds nothing while it is under way is noticed", "[sim][mutant]") { check_noticed(Mutant::no_hold); }
TEST_CASE("what was dropped served on error is noticed", "[sim][mutant]") { check_noticed(Mutant::stale_after_drop); }
TEST_CASE("a copy with a life of its own is noticed", "[sim][mutant]") { check_noticed(Mutant::fresh_life); }
