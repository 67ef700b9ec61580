// tests/bench/peers/measure.hpp -- the loop. Included by load.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include <time.h>

namespace larder::bench {

namespace detail {

// Nanoseconds, in steps of about 3 %.
class Histogram {
  public:
    void add(std::uint64_t ns) noexcept { ++counts_[cell(ns)]; }
    void add(const Histogram& o) noexcept {
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += o.counts_[i];
    }
    double at(double share) const noexcept {
        std::uint64_t all = 0, passed = 0;
        for (const auto n : counts_) all += n;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            passed += counts_[i];
            if (static_cast<double>(passed) >= share * static_cast<double>(all)) return value(i);
        }
        return 0;
    }

  private:
    static std::size_t cell(std::uint64_t ns) noexcept {
        if (ns < 32) return ns;
        const auto top = static_cast<unsigned>(63 - __builtin_clzll(ns));
        return std::min<std::size_t>(1023, 32 * (top - 4) + ((ns >> (top - 5)) & 31));
    }
    static double value(std::size_t i) noexcept {
        return i < 32 ? static_cast<double>(i) : static_cast<double>((32 + i % 32) << (i / 32 - 1));
    }
    std::array<std::uint64_t, 1024> counts_{};
};

inline std::uint64_t now_ns() noexcept {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

// Of this thread: what others on the machine do is not ours.
inline std::uint64_t cpu_ns() noexcept {
    timespec at{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(at.tv_nsec);
}

}  // namespace detail

template <class S, class Get>
Measured measure(const Row& row, std::size_t operations, const std::function<std::unique_ptr<S>(unsigned)>& make, Get get) {
    const auto draws = draws_of(row, operations);
    Measured out;
    const std::uint64_t before_all = resident_bytes();
    std::unique_ptr<S> subject = make(row.capacity);
    // What a kernel is without any entry is no memory of entries; a table made for them is.
    const std::uint64_t before = S::apart ? resident_bytes() : before_all;
    if (row.capacity == 100)
        for (std::uint64_t n = 0; n < key_count; ++n) subject->put(Key(n, row.key_size).view(), value_of(row, n));
    out.bytes_per_entry = row.capacity == 100 ? static_cast<double>(resident_bytes() - before) / key_count : 0;

    std::atomic<bool> over{false};
    std::thread dropper;
    if (row.drops)
        dropper = std::thread([&] {
            auto next = std::chrono::steady_clock::now();
            for (std::uint64_t n = 0; !over.load(); ++n) {
                subject->drop_tag_of(n * 7'919 % key_count);
                std::this_thread::sleep_until(next += std::chrono::milliseconds(1));
            }
        });

    std::atomic<std::uint64_t> hits{0}, gets{0}, kept_sum{0};
    detail::Histogram latency;
    std::mutex latency_mutex;
    const auto round = [&](bool timed) {
        std::atomic<unsigned> ready{0};
        std::vector<std::thread> workers;
        std::vector<double> seconds(row.threads);
        hits = gets = 0;
        for (unsigned t = 0; t < row.threads; ++t)
            workers.emplace_back([&, t] {
                std::uint64_t sum = 0, hit = 0, asked = 0, dice = t + 1;
                detail::Histogram own;
                ++ready;
                while (ready.load() < row.threads) {}
                const std::uint64_t began = detail::cpu_ns();
                for (const std::uint32_t n : draws[t]) {
                    const std::uint64_t from = timed ? detail::now_ns() : 0;
                    const Key key(n, row.key_size);
                    dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
                    if (row.writes != 0 && (dice >> 33) % 100 < row.writes) {
                        subject->put(key.view(), value_of(row, n));
                    } else {
                        ++asked;
                        if (get(*subject, key.view(), sum)) ++hit;
                        else subject->put(key.view(), value_of(row, n));
                    }
                    if (timed) own.add(detail::now_ns() - from);
                }
                seconds[t] = static_cast<double>(detail::cpu_ns() - began) * 1e-9;
                hits += hit;
                gets += asked;
                kept_sum += sum;
                if (timed) {
                    const std::lock_guard lock(latency_mutex);
                    latency.add(own);
                }
            });
        for (auto& worker : workers) worker.join();
        return static_cast<double>(operations * row.threads) / *std::max_element(seconds.begin(), seconds.end()) * 1e-6;
    };
    round(false);  // warm
    subject->rest();
    std::vector<double> rates;
    for (int i = 0; i < 3; ++i) rates.push_back(round(false));
    std::sort(rates.begin(), rates.end());
    out.mops = rates[1];
    out.hit = gets == 0 ? 0 : 100.0 * static_cast<double>(hits.load()) / static_cast<double>(gets.load());
    round(true);
    out.p50 = latency.at(0.5);
    out.p99 = latency.at(0.99);
    out.p999 = latency.at(0.999);
    over = true;
    if (dropper.joinable()) dropper.join();
    static_cast<void>(kept_sum.load());
    return out;
}

}  // namespace larder::bench
