// tests/bench/store_memory/store_memory_bench.cpp -- what a hit and a put cost, through the table
// the kernel calls.
//
// A million keys of 16 bytes with values of 100, drawn by Zipf's law (0.99), as in
// docs/performance.md. "all fit": capacity for all of them, so every get is a hit. "a tenth fits":
// misses are put back, as a cache does, and the hit ratio is told. Draws are made beforehand;
// medians of five runs.
//
//     bench_store_memory [million-operations-per-run]
#include "plugins/store_memory/memory_store.hpp"
#include "tests/support/fake_host.hpp"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace larder::test;
using Component = larder::plugin::Store<larder::store_memory::MemoryStore>;
using Clock = std::chrono::steady_clock;

constexpr std::size_t key_count = 1'000'000;
constexpr std::size_t key_size = 16, value_size = 100;
constexpr double skew = 0.99;
constexpr int runs = 5;

// J. Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994.
class Zipf {
  public:
    explicit Zipf(std::size_t n) : n_(static_cast<double>(n)) {
        for (std::size_t i = 1; i <= n; ++i) {
            zeta_ += 1 / std::pow(static_cast<double>(i), skew);
        }
        const double zeta_two = 1 + std::pow(0.5, skew);
        alpha_ = 1 / (1 - skew);
        eta_ = (1 - std::pow(2 / n_, 1 - skew)) / (1 - zeta_two / zeta_);
    }
    std::size_t operator()(std::mt19937_64& random) const {
        const double u = std::uniform_real_distribution<>()(random), uz = u * zeta_;
        if (uz < 1) {
            return 0;
        }
        if (uz < 1 + std::pow(0.5, skew)) {
            return 1;
        }
        return std::min(static_cast<std::size_t>(n_ * std::pow(eta_ * u - eta_ + 1, alpha_)),
                        static_cast<std::size_t>(n_) - 1);
    }

  private:
    double n_, zeta_ = 0, alpha_, eta_;
};

std::uint64_t mix(std::uint64_t h) {
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

struct Load {
    std::vector<char> names = std::vector<char>(key_count * key_size);
    std::vector<larder_key> keys = std::vector<larder_key>(key_count);
    std::vector<std::vector<std::uint32_t>> draws;

    Load(std::size_t threads, std::size_t operations) : draws(threads) {
        for (std::size_t i = 0; i < key_count; ++i) {
            char* name = &names[i * key_size];
            std::snprintf(name, key_size, "%015zu", i);
            name[key_size - 1] = '.';
            keys[i] = {name, key_size, 1, mix(i + 0x9e3779b97f4a7c15u)};
        }
        // Which keys are hot has nothing to do with the order in which they were put.
        std::vector<std::uint32_t> place(key_count);
        for (std::size_t i = 0; i < key_count; ++i) {
            place[i] = static_cast<std::uint32_t>(i);
        }
        std::mt19937_64 random(1);
        std::shuffle(place.begin(), place.end(), random);
        const Zipf zipf(key_count);
        for (auto& list : draws) {
            list.resize(operations);
            for (std::uint32_t& draw : list) {
                draw = place[zipf(random)];
            }
        }
    }
};

struct Bench {
    FakeHost host;
    FakeInstance instance;
    const larder_store_v1& table;
    char value[value_size] = {};

    explicit Bench(std::uint64_t capacity)
        : instance(host, Component::value, FakeConfig().set("capacity", capacity)),
          table(instance.table<larder_store_v1>()) {}

    void put(const larder_key& key) {
        larder_put put{};
        put.struct_size = sizeof put;
        put.value = {value, value_size};
        put.version = 1;
        const larder_call call{};
        static_cast<void>(table.put(instance.self(), &key, &put, &call));
    }
};

struct Cost {
    double wall_ns, cpu_ns;
};

double thread_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

// Median nanoseconds an operation takes the slowest thread.
template <class F>
Cost measured(const Load& load, std::size_t threads, F&& operation) {
    std::vector<double> wall, cpu;
    for (int run = 0; run < runs; ++run) {
        std::atomic<std::size_t> ready{0};
        std::vector<std::thread> workers;
        std::vector<Cost> each(threads);
        for (std::size_t t = 0; t < threads; ++t) {
            workers.emplace_back([&, t] {
                const auto& draws = load.draws[t];
                ++ready;
                while (ready < threads) {
                    std::this_thread::yield();
                }
                const auto begin = Clock::now();
                const double cpu_begin = thread_ns();
                for (const std::uint32_t draw : draws) {
                    operation(load.keys[draw]);
                }
                const auto count = static_cast<double>(draws.size());
                each[t].cpu_ns = (thread_ns() - cpu_begin) / count;
                each[t].wall_ns =
                    std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / count;
            });
        }
        for (std::thread& worker : workers) {
            worker.join();
        }
        Cost worst{};
        for (const Cost& one : each) {
            worst = {std::max(worst.wall_ns, one.wall_ns), std::max(worst.cpu_ns, one.cpu_ns)};
        }
        wall.push_back(worst.wall_ns);
        cpu.push_back(worst.cpu_ns);
    }
    return {median(wall), median(cpu)};
}

void report(const char* what, std::size_t threads, Cost cost) {
    std::printf("%-26s %zu thread%s %8.1f ns %8.1f ns cpu %8.2f M op/s\n", what, threads,
                threads == 1 ? " " : "s", cost.wall_ns, cost.cpu_ns,
                static_cast<double>(threads) * 1000 / cost.wall_ns);
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t millions = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2;
    const Load load(2, std::max<std::size_t>(millions, 1) * 1'000'000);
    const larder_call call{};

    Bench fits(std::uint64_t{1} << 30);
    const auto begin = Clock::now();
    const double cpu_begin = thread_ns();
    for (const larder_key& key : load.keys) {
        fits.put(key);
    }
    const double cpu = (thread_ns() - cpu_begin) / key_count;
    const double wall =
        std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / key_count;
    larder_store_stats stats{};
    stats.struct_size = sizeof stats;
    static_cast<void>(fits.table.stats(fits.instance.self(), UINT32_MAX, &stats));
    std::printf("%zu entries, %zu-byte keys, %zu-byte values: %.0f bytes an entry\n", key_count,
                key_size, value_size,
                static_cast<double>(stats.bytes) / static_cast<double>(stats.entries));
    report("put, new", 1, {wall, cpu});
    for (const std::size_t threads : {std::size_t{1}, std::size_t{2}}) {
        report("get hit, visited", threads, measured(load, threads, [&](const larder_key& key) {
                   std::uint64_t word = 0;
                   fits.table.visit(
                       fits.instance.self(), &key, &call,
                       [](void* ctx, larder_bytes b) noexcept {
                           std::memcpy(ctx, b.data, sizeof(std::uint64_t));
                       },
                       &word);
               }));
        report("get hit, pinned", threads, measured(load, threads, [&](const larder_key& key) {
                   larder_value value{};
                   if (fits.table.get(fits.instance.self(), &key, &call, &value) == LARDER_OK) {
                       value.release(&value);
                   }
               }));
        report("put, over another", threads,
               measured(load, threads, [&](const larder_key& key) { fits.put(key); }));
    }

    Bench tenth(stats.bytes / 10);
    for (const std::size_t threads : {std::size_t{1}, std::size_t{2}}) {
        static_cast<void>(tenth.table.stats(tenth.instance.self(), UINT32_MAX, &stats));
        const std::uint64_t hits = stats.hits, misses = stats.misses;
        report("a tenth fits: get or put", threads,
               measured(load, threads, [&](const larder_key& key) {
                   larder_value value{};
                   if (tenth.table.get(tenth.instance.self(), &key, &call, &value) == LARDER_OK) {
                       value.release(&value);
                   } else {
                       tenth.put(key);
                   }
               }));
        static_cast<void>(tenth.table.stats(tenth.instance.self(), UINT32_MAX, &stats));
        std::printf("    hit ratio %.1f %%\n",
                    100 * static_cast<double>(stats.hits - hits) /
                        static_cast<double>(stats.hits - hits + stats.misses - misses));
    }
    return 0;
}
