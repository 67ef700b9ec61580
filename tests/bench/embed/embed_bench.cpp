// tests/bench/embed/embed_bench.cpp -- the C face beside the C++ calls it is made of, on memory hits.
//
//   bench_embed            ns of processor time a call, median of rounds that take turns, one thread
//
// The same kernel, keys and values for all rows; rows take turns within a round, so that a busy machine is busy
// for all of them. What is claimed is the difference between a row of the C face and its row of C++.
#include "kernel/embed/state.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <time.h>

using namespace larder;

namespace {

constexpr std::size_t keys = 10'000, calls = 200'000, rounds = 15;

// Of this thread's processor, so that other programs' turns are not counted.
double now_ns() {
    timespec at{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return static_cast<double>(at.tv_sec) * 1e9 + static_cast<double>(at.tv_nsec);
}

double ns_each(const std::function<void(std::size_t)>& batch) {
    const double began = now_ns();
    batch(calls);
    return (now_ns() - began) / static_cast<double>(calls);
}

struct Row {
    const char* name;
    std::function<void(std::size_t)> batch;
    std::vector<double> times{};
};

}  // namespace

int main() {
    larder_open_args args{};
    args.size = sizeof args;
    args.policy_text = "larder 1\nnamespace user { key \"{id}\"; ttl 1h }\n";
    args.plugin_path = LARDER_BIN_DIR "/plugins";
    larder_kernel* const k = larder_kernel_open(&args, nullptr);
    if (k == nullptr) {
        std::fprintf(stderr, "%s\n", larder_problem());
        return 1;
    }
    const std::int32_t space = larder_kernel_space(k, "user", 4);
    std::vector<std::string> all;
    const std::string value(100, 'v');
    for (std::size_t i = 0; i < keys; ++i) {
        all.push_back(std::to_string(i * 7919));
        larder_kernel_put(k, space, all.back().data(), all.back().size(), value.data(), value.size(), nullptr, nullptr, 0);
    }
    larder_loop* const loop = larder_loop_new(k);
    Cache& cache = k->cache();
    std::size_t wrong = 0;
    std::vector<Row> table;
    table.push_back({"C++ Cache::get_many of one", [&](std::size_t n) {
                         for (std::size_t i = 0; i < n; ++i) {
                             const std::string& key = all[i % keys];
                             larder_cache_get item{};
                             item.ns = static_cast<std::uint32_t>(space);
                             item.key = {key.data(), key.size()};
                             cache.get_many(&item, 1, nullptr);
                             wrong += item.value.size != 100;
                             item.value.release(&item.value);
                         }
                     }});
    const auto get = [&](larder_loop* on) {
        return [&, on](std::size_t n) {
            for (std::size_t i = 0; i < n; ++i) {
                const std::string& key = all[i % keys];
                larder_ref* ref = nullptr;
                std::uint64_t lease = 0;
                larder_kernel_get(k, space, key.data(), key.size(), on, 1, &ref, &lease);
                std::size_t size = 0;
                larder_ref_data(ref, &size);
                wrong += size != 100;
                larder_ref_release(ref);
            }
        };
    };
    table.push_back({"C   larder_kernel_get, data, release", get(nullptr)});
    table.push_back({"C   the same with a loop", get(loop)});
    table.push_back({"C   larder_kernel_read into a buffer", [&](std::size_t n) {
                         char buffer[128];
                         for (std::size_t i = 0; i < n; ++i) {
                             const std::string& key = all[i % keys];
                             wrong += larder_kernel_read(k, space, key.data(), key.size(), buffer, sizeof buffer, nullptr) != 100;
                         }
                     }});
    for (std::size_t round = 0; round < rounds; ++round)
        for (Row& row : table) row.times.push_back(ns_each(row.batch));
    double first = 0;
    for (Row& row : table) {
        std::sort(row.times.begin(), row.times.end());
        const double median = row.times[rounds / 2];
        if (first == 0) first = median;
        std::printf("%-40s %7.1f ns  %+6.1f ns\n", row.name, median, median - first);
    }
    larder_loop_free(loop);
    larder_kernel_close(k);
    if (wrong != 0) std::printf("%zu wrong answers\n", wrong);
    return wrong == 0 ? 0 : 1;
}
