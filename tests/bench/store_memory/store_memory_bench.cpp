// tests/bench/store_memory/store_memory_bench.cpp -- for how long the memory store ever holds anybody up.
//
// Each row is something that a table has to do to many entries: a million that lapse in the same second, a
// million in one namespace from the first put on, a namespace of a million that is dropped, a capacity that
// is halved, sizes that shift, eviction while values are pinned. Meanwhile a writer and a reader work, and
// the background tends. Told are the longest step of the background and the longest put and get, in
// processor time of their thread, so that another program's turn does not count; and how many of them
// there were. (What hits and puts cost on average: bench_peers.)
//
//     bench_store_memory
#include "plugins/store_memory/table.hpp"
#include "tests/unit/plugins/memory_table.hpp"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace larder::test;
using larder::store_memory::Table;

constexpr std::uint64_t million = 1'000'000, mib = 1 << 20;

double thread_us() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

// Times calls of one kind; buckets of a quarter octave.
class Calls {
  public:
    template <class F>
    void time(F&& call) {
        const double begun = thread_us();
        call();
        const double us = thread_us() - begun;
        longest_ = std::max(longest_, us);
        all_.push_back(static_cast<float>(us));
    }
    void print() {
        if (all_.empty()) {
            std::printf(" - |");
            return;
        }
        const auto at = all_.begin() + static_cast<std::ptrdiff_t>(all_.size() - 1 - all_.size() / 10'000);
        std::nth_element(all_.begin(), at, all_.end());
        std::printf(" %.1f, %.1f of %zu |", static_cast<double>(*at), longest_, all_.size());
    }

  private:
    double longest_ = 0;
    std::vector<float> all_;
};

struct Row {
    const char* name;
    std::uint64_t capacity;
    std::function<void(MemoryTable&)> before;                    // Not timed.
    std::function<void(MemoryTable&, std::uint64_t)> operation;  // The writer's, by number; empty: none.
    std::uint64_t operations;
};

void fill(MemoryTable& m, std::uint64_t count, std::uint64_t ttl_ms = 0, std::size_t size = 100) {
    const std::string value(size, 'v');
    for (std::uint64_t i = 0; i < count; ++i) {
        m.put(numbered("key", i), value, ttl_ms);
    }
}

void run(const Row& row) {
    MemoryTable m(row.capacity, 0);
    row.before(m);
    Calls steps, puts, gets;
    std::atomic<bool> done{false};
    std::thread background([&] {
        do {
            bool more = false;
            steps.time([&] { more = m.table.tend(); });
            if (!more) {
                std::this_thread::yield();
            }
        } while (!done.load());
        bool more = true;
        while (more) {
            steps.time([&] { more = m.table.tend(); });
        }
    });
    std::thread reader([&] {
        std::mt19937_64 random(2);
        std::string key;
        while (!done.load()) {
            key = numbered("key", random() % million);
            const larder_key k = key_of(key);
            gets.time([&] {
                static_cast<void>(m.table.visit(k, 0, [](void*, larder_bytes) noexcept {}, nullptr));
            });
        }
    });
    for (std::uint64_t i = 0; i < row.operations; ++i) {
        puts.time([&] { row.operation(m, i); });
    }
    done = true;
    reader.join();
    background.join();
    std::printf("| %s |", row.name);
    steps.print();
    puts.print();
    gets.print();
    std::printf("\n");
    std::fflush(stdout);
}

}  // namespace

int main() {
    const std::string value(100, 'v'), longer(300, 'w');
    const auto put_new = [&](MemoryTable& m, std::uint64_t i) { m.put(numbered("new", i), value); };
    std::deque<Pin> pins;
    const std::vector<Row> rows = {
        {"a million entries lapse in the same second", 512 * mib,
         [](MemoryTable& m) {
             fill(m, million, 1000);
             m.host.advance(std::chrono::seconds(10));
         },
         put_new, million},
        {"a million keys come into one namespace", 512 * mib, [](MemoryTable&) {},
         [&](MemoryTable& m, std::uint64_t i) { m.put(numbered("key", i), value); }, million},
        {"a namespace of a million is dropped", 512 * mib,
         [](MemoryTable& m) {
             fill(m, million);
         },
         [&](MemoryTable& m, std::uint64_t i) {
             if (i == 1000) {
                 m.table.clear(1);
             } else {
                 m.put(numbered("new", i), value, 0, 2);
             }
         },
         million / 4},
        {"the capacity is halved", 160 * mib,
         [](MemoryTable& m) {
             fill(m, million);
             m.table.set_capacity(80 * mib);
         },
         put_new, million / 4},
        {"values grow from 100 to 300 bytes", 160 * mib, [](MemoryTable& m) { fill(m, million); },
         [&](MemoryTable& m, std::uint64_t i) { m.put(numbered("key", i), longer); }, million / 2},
        {"entries are evicted while 10,000 values are pinned", 80 * mib,
         [](MemoryTable& m) { fill(m, million / 2); },
         [&](MemoryTable& m, std::uint64_t i) {
             m.put(numbered("new", i), value);
             if (i % 10 == 0) {
                 pins.push_back(m.pin(numbered("new", i)));
             }
             if (pins.size() > 10'000) {
                 pins.pop_front();
             }
             if (i + 1 == million / 2) {
                 pins.clear();
             }
         },
         million / 2},
    };
    std::printf("us of processor time: 9,999 of 10,000, longest, of how many\n\n"
                "| what | steps of the background | puts | gets |\n|---|---|---|---|\n");
    for (const Row& row : rows) {
        run(row);
    }
}
