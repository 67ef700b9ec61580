// tests/sim/prove.cpp -- many seeds, on all processors, with a log: larder_proof [--first N] [--seeds N] [--kind memory|shared].
//
// Each lane is a process of its own, bound to one processor: a world passes its baton a hundred times, and
// that is twice as quick where it need not travel. What failed is told with its seed; the last line says all.
#include "tests/sim/world.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace larder::sim;

namespace {

struct Options {
    std::uint64_t first = 1, seeds = 1000, tells = 5;
    Kind kind = Kind::shared;
    bool story = false;
};

struct Sums {
    std::uint64_t worlds, failed, reads, found, loads, steps, virtual_ms;
};

// What failed, without its numbers, so that like counts with like.
std::string sort_of(const std::string& what) {
    const std::size_t colon = what.find("I");
    std::string sort;
    for (const char c : what.substr(colon == std::string::npos ? 0 : colon, 60))
        if (c < '0' || c > '9') sort += c;
    return sort;
}

Sums run_lane(const Options& options, unsigned lane, unsigned lanes) {
    Sums sums{};
    std::map<std::string, std::uint64_t> sorts;
    for (std::uint64_t i = lane; i < options.seeds; i += lanes) {
        const std::uint64_t seed = options.first + i;
        const Verdict verdict = run_world(options.kind, seed, options.story);
        ++sums.worlds;
        sums.reads += verdict.reads;
        sums.found += verdict.found;
        sums.loads += verdict.loads;
        sums.steps += verdict.steps;
        sums.virtual_ms += verdict.virtual_ms;
        if (options.story) std::printf("%s\n", verdict.story.c_str());
        if (verdict.good) continue;
        ++sums.failed;
        if (++sorts[sort_of(verdict.what)] <= options.tells) std::printf("seed %" PRIu64 ": %s\n", seed, verdict.what.c_str());
    }
    for (const auto& [sort, count] : sorts) std::printf("%" PRIu64 " times: %s\n", count, sort.c_str());
    return sums;
}

std::uint64_t argument(int argc, char** argv, const char* name, std::uint64_t otherwise) {
    for (int i = 1; i + 1 < argc; ++i)
        if (std::strcmp(argv[i], name) == 0) return std::strtoull(argv[i + 1], nullptr, 10);
    return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    options.first = argument(argc, argv, "--first", 1);
    options.seeds = argument(argc, argv, "--seeds", 1000);
    options.tells = argument(argc, argv, "--tells", 3);
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "memory") == 0) options.kind = Kind::memory;
        if (std::strcmp(argv[i], "--story") == 0) options.story = true;
    }
    cpu_set_t allowed;
    sched_getaffinity(0, sizeof allowed, &allowed);
    std::vector<int> processors;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &allowed)) processors.push_back(cpu);
    const auto lanes = static_cast<unsigned>(argument(argc, argv, "--lanes", options.seeds == 1 ? 1 : processors.size()));
    timespec began{}, ended{};
    clock_gettime(CLOCK_MONOTONIC, &began);
    int pipes[2];
    if (pipe(pipes) != 0) return 2;
    for (unsigned lane = 0; lane < lanes; ++lane) {
        const pid_t child = fork();
        if (child != 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(processors[lane % processors.size()], &one);
        sched_setaffinity(0, sizeof one, &one);
        const Sums sums = run_lane(options, lane, lanes);
        const bool told = write(pipes[1], &sums, sizeof sums) == sizeof sums;
        std::fflush(nullptr);
        _exit(told ? 0 : 2);
    }
    close(pipes[1]);
    Sums all{};
    for (Sums sums{}; read(pipes[0], &sums, sizeof sums) == sizeof sums;) {
        all.worlds += sums.worlds;
        all.failed += sums.failed;
        all.reads += sums.reads;
        all.found += sums.found;
        all.loads += sums.loads;
        all.steps += sums.steps;
        all.virtual_ms += sums.virtual_ms;
    }
    bool whole = true;
    for (unsigned lane = 0; lane < lanes; ++lane) {
        int status = 0;
        wait(&status);
        whole = whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    const double seconds = static_cast<double>(ended.tv_sec - began.tv_sec) + static_cast<double>(ended.tv_nsec - began.tv_nsec) / 1e9;
    std::printf("%s: seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " worlds, %" PRIu64 " failed%s; %" PRIu64 " reads (%" PRIu64 " found), %" PRIu64
                " loads, %" PRIu64 " steps, %.1f virtual hours in %.1f s (%.0f worlds/s)\n",
                options.kind == Kind::memory ? "memory" : "shared", options.first, options.first + options.seeds - 1, all.worlds, all.failed,
                whole ? "" : ", and a lane ended early", all.reads, all.found, all.loads, all.steps, static_cast<double>(all.virtual_ms) / 3.6e6, seconds,
                static_cast<double>(all.worlds) / seconds);
    return whole && all.failed == 0 && all.worlds == options.seeds ? 0 : 1;
}
