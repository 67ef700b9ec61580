// tests/bench/policy/policy_test_bench.cpp -- how many tests of policies a second, each on a fresh kernel.
//
// The tests of the shipped policies, in their order, over and over; then their mutants. Compiling is not
// in it: a policy is compiled once for all of its tests. One thread that waits for nothing: what counts is
// the processor's time, which others on the machine do not lengthen much.
//
//     bench_policy_test FOLDER [rounds = 51]
#include "kernel/policy_test/mutants.hpp"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace larder;

struct Play {
    std::shared_ptr<const dsl::Policy> policy;
    dsl::PolicyTest test;
};

std::vector<Play> plays_of(const std::string& path) {
    std::vector<Play> out;
    const policy_test::SuiteOptions options;
    const dsl::Compiled base =
        dsl::compile({&path, 1}, policy_test::compile_options(options, ""));
    for (std::size_t i = 0; i < base.tests.size(); ++i) {
        const std::string& profile = base.tests[i].profile;
        const dsl::Compiled own =
            profile.empty() ? base
                            : dsl::compile({&path, 1}, policy_test::compile_options(options, profile));
        if (own.ok()) out.push_back({own.policy, own.tests[i]});
    }
    return out;
}

double processor_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string folder = argc > 1 ? argv[1] : "policies";
    const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 51;
    std::vector<std::string> paths;
    for (const auto& file : std::filesystem::directory_iterator(folder))
        if (file.path().extension() == ".larder") paths.push_back(file.path().string());
    std::sort(paths.begin(), paths.end());
    std::vector<Play> plays;
    for (const std::string& path : paths)
        for (Play& play : plays_of(path)) plays.push_back(std::move(play));
    if (plays.empty()) {
        std::fprintf(stderr, "bench_policy_test: no test in %s\n", folder.c_str());
        return 1;
    }
    std::vector<double> took;
    for (int round = 0; round < rounds; ++round) {
        const double began = processor_seconds();
        for (const Play& play : plays)
            if (!policy_test::play(play.policy, play.test).empty()) return 1;
        took.push_back(processor_seconds() - began);
    }
    std::sort(took.begin(), took.end());
    const auto count = static_cast<double>(plays.size());
    std::printf("%zu tests: %.0f a second of processor time, %.0f us each (median of %d rounds; best %.0f us)\n",
                plays.size(), count / took[took.size() / 2], took[took.size() / 2] / count * 1e6,
                rounds, took.front() / count * 1e6);
    const double began = processor_seconds();
    std::size_t mutants = 0;
    for (const std::string& path : paths)
        mutants += policy_test::run_mutants(path, {}).mutants.size();
    std::printf("%zu mutants in %.2f s\n", mutants, processor_seconds() - began);
    return 0;
}
