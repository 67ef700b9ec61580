// tests/bench/core/core_bench.cpp -- what each part of a hit and of a drop costs, in nanoseconds.
//
//   bench_core [records]        one line each: name, one thread, two threads at once
//
// Each number is the median of nine rounds over `records` scopes (100,000 unless told) in random
// order, so a find() costs the cache misses it has in a cache of that size. Two threads show what
// is shared: where nothing is, both columns are equal.
#include "kernel/core/clock.hpp"
#include "kernel/core/counters.hpp"
#include "kernel/core/envelope.hpp"
#include "kernel/core/executor.hpp"
#include "kernel/core/pending.hpp"
#include "kernel/core/random.hpp"
#include "kernel/core/records.hpp"
#include "kernel/core/snapshot.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace larder;

constexpr std::size_t rounds = 9;

volatile std::uint64_t sink = 0;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

std::uint64_t thread_ns() {
    timespec at{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(at.tv_nsec);
}

template <class Fn>
double ns_each(std::size_t n, std::size_t offset, Fn& fn) {
    std::vector<double> times;
    for (std::size_t round = 0; round < rounds; ++round) {
        std::uint64_t sum = 0;
        const std::uint64_t began = thread_ns();
        for (std::size_t i = 0; i < n; ++i) sum += fn(offset + round * n + i);
        times.push_back(static_cast<double>(thread_ns() - began) / static_cast<double>(n));
        sink = sink + sum;
    }
    return median(times);
}

template <class Fn>
void measure(const char* name, std::size_t n, Fn fn) {
    const double alone = ns_each(n, 0, fn);
    std::vector<double> both(2);
    std::latch go(2);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 2; ++t)
        threads.emplace_back([&, t] {
            go.arrive_and_wait();
            both[t] = ns_each(n, t * n * rounds, fn);
        });
    for (auto& thread : threads) thread.join();
    std::printf("%-44s %9.1f %9.1f\n", name, alone, std::max(both[0], both[1]));
}

void records(std::size_t count) {
    SystemRandom random;
    RecordTable table(count * 2, random);
    std::vector<ScopeId> order;
    for (std::size_t i = 0; i < count; ++i) {
        order.push_back(random.next());
        table.stamp(order.back());
    }
    const std::size_t n = 200'000;
    measure("RecordTable::epoch", n * 10, [&](std::size_t) { return table.epoch(); });
    measure("RecordTable::find, one hot scope", n, [&](std::size_t) {
        Record record;
        table.find(order[0], record);
        return record.drop;
    });
    measure("RecordTable::find", n, [&](std::size_t i) {
        Record record;
        table.find(order[i * 7'919 % count], record);
        return record.drop;
    });
    measure("RecordTable::find, no record", n, [&](std::size_t i) {
        Record record;
        return table.find(order[i * 7'919 % count] + 1, record) ? 1U : 0U;
    });
    measure("RecordTable::stamp, there", n,
            [&](std::size_t i) { return table.stamp(order[i * 7'919 % count]).drop; });
    measure("RecordTable::stamp, new, others evicted", n,
            [&](std::size_t i) { return table.stamp(i + 1).drop; });
    measure("RecordTable::drop", n, [&](std::size_t i) {
        table.drop(order[i * 7'919 % count]);
        return std::uint64_t{0};
    });
}

void envelopes() {
    const std::vector<std::uint64_t> scopes(6, 1);
    Envelope envelope;
    envelope.head.id = 1;
    envelope.scopes = scopes;
    for (const std::size_t size : {100U, 10'000U}) {
        const std::string payload(size, 'x');
        std::string encoded;
        encode_envelope(envelope, payload, encoded);
        const std::size_t n = 200'000;
        auto name = [size](const char* what) {
            return std::string(what) + ", " + std::to_string(size) + " bytes";
        };
        auto opens = [&](bool check, bool checksum) {
            return [&encoded, check, checksum](std::size_t) {
                EnvelopeView view;
                EnvelopeView::open({encoded.data(), encoded.size()}, check, checksum, view);
                return view.head().id;
            };
        };
        measure(name("envelope open, no check").c_str(), n, opens(false, false));
        measure(name("envelope open, check").c_str(), n, opens(true, false));
        measure(name("envelope open, checksum").c_str(), n, opens(true, true));
        measure(name("envelope encode").c_str(), n, [&](std::size_t) {
            thread_local std::string out;
            encode_envelope(envelope, payload, out);
            return out.size();
        });
    }
}

void parts() {
    const std::size_t n = 1'000'000;
    SystemClock clock;
    Counters counters;
    Snapshot<std::uint64_t> snapshot;
    snapshot.replace(std::make_unique<std::uint64_t>(1));
    SystemRandom random;
    measure("SystemClock::mono_ns", n, [&](std::size_t) { return clock.mono_ns(); });
    measure("SystemRandom::next", n, [&](std::size_t) { return random.next(); });
    measure("Counters::add", n, [&](std::size_t) {
        counters.add(3);
        return std::uint64_t{0};
    });
    measure("ReadGuard and Snapshot::get", n, [&](std::size_t) {
        const ReadGuard guard;
        return *snapshot.get();
    });
    ManualClock manual;
    ManualExecutor executor(manual);
    PendingPool pool(executor);
    measure("PendingPool take and done, no timeout", n / 10, [&](std::size_t) {
        std::uint64_t ended = 0;
        const auto ticket =
            pool.take(std::chrono::nanoseconds{0}, [&](larder_status, larder_value) { ++ended; });
        ticket.done(ticket.ctx, LARDER_OK, nullptr);
        return ended;
    });
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
    if (count == 0) {
        std::fprintf(stderr, "usage: bench_core [records]\n");
        return 2;
    }
    std::printf("%-44s %9s %9s   (ns, %zu records)\n", "", "1 thread", "2 threads", count);
    parts();
    records(count);
    envelopes();
    return 0;
}
