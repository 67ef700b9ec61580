// tests/bench/eviction/eviction_bench.cpp -- hit ratios of larder's eviction beside its peers'.
//
//     bench_eviction [-v VARIANT] [-s PERCENT,PERCENT...] [-c] [-r] (FILE.gz | FAMILY)...
//
// Replays each trace, a file or a generated family (all families without any), at capacities of
// some per cent of its distinct objects, or of their bytes where the trace has sizes, from an empty
// cache. Prints hits per hundred requests, and for traces with sizes also hit bytes per hundred;
// the last column is larder less the best of LRU, S3-FIFO, W-TinyLFU and ARC. MIN knows the future.
// -r compares instead what a policy can name (`evict lru`) with what `evict auto` makes of them; the last column is then
// auto less the best of them.
// -v takes other, held-out traces of the generated families; -c prints CSV for plot.py.
#include "tests/bench/eviction/larder_cache.hpp"
#include "tests/bench/eviction/peers.hpp"
#include "tests/bench/eviction/trace.hpp"
#include "tests/bench/eviction/w_tiny_lfu.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace larder::bench;

constexpr std::size_t policies = 6;
using Names = std::array<const char*, policies>;
constexpr Names peers = {"LRU", "S3-FIFO", "W-TinyLFU", "ARC", "larder", "MIN"};
constexpr Names by_name = {"lru", "lfu", "fifo", "s3fifo", "adaptive", "auto"};
// The columns before this one are what it is judged by.
std::size_t judged = 4;
Names names = peers;

struct Ratio {
    double objects = 0, bytes = 0;
};
using Ratios = std::array<double, policies>;

template <class Cache>
Ratio replay(const Trace& trace, std::uint64_t capacity) {
    Cache cache(capacity, trace);
    std::uint64_t hits = 0, hit_bytes = 0, bytes = 0;
    for (const Request& r : trace.requests) {
        const bool hit = cache.access(r);
        hits += hit ? 1 : 0;
        hit_bytes += hit ? r.size : 0;
        bytes += r.size;
    }
    return {100.0 * static_cast<double>(hits) / static_cast<double>(trace.requests.size()),
            100.0 * static_cast<double>(hit_bytes) / static_cast<double>(bytes)};
}

using All = std::array<Ratio, policies>;
All of_peers(const Trace& trace, std::uint64_t capacity) {
    return {replay<Lru>(trace, capacity),         replay<S3Fifo>(trace, capacity),
            replay<WTinyLfu>(trace, capacity),    replay<Arc>(trace, capacity),
            replay<LarderCache>(trace, capacity), replay<Belady>(trace, capacity)};
}
All of_rules(const Trace& trace, std::uint64_t capacity) {
    using larder::store_memory::Rule;
    return {replay<ByRule<Rule::lru>>(trace, capacity),    replay<ByRule<Rule::lfu>>(trace, capacity),
            replay<ByRule<Rule::fifo>>(trace, capacity),   replay<ByRule<Rule::s3fifo>>(trace, capacity),
            replay<LarderCache>(trace, capacity),          replay<ByContest>(trace, capacity)};
}

double ahead_of_peers(const Ratios& r) {
    return r[judged] - *std::max_element(r.begin(), r.begin() + static_cast<std::ptrdiff_t>(judged));
}

class Report {
  public:
    explicit Report(bool csv) : csv_(csv) {
        if (csv_) {
            std::printf("trace,unit,percent,capacity");
            for (const char* name : names) {
                std::printf(",%s", name);
            }
            std::printf("\n");
        }
    }
    void begin(const Trace& trace) const {
        if (!csv_) {
            std::printf("\n%s: %zu requests, %llu objects, %llu bytes\n       %%   capacity      ",
                        trace.name.c_str(), trace.requests.size(),
                        static_cast<unsigned long long>(trace.objects),
                        static_cast<unsigned long long>(trace.sized ? trace.bytes : 0));
            for (const char* name : names) {
                std::printf("%10s", name);
            }
            std::printf("     ahead\n");
        }
    }
    void row(const Trace& trace, double percent, std::uint64_t capacity, const Ratios& ratios,
             bool of_bytes) {
        std::printf(csv_ ? "%s,%s,%g,%llu" : "%.0s%-7s %5g %10llu", trace.name.c_str(),
                    of_bytes ? "bytes" : "objects", percent,
                    static_cast<unsigned long long>(capacity));
        for (const double ratio : ratios) {
            std::printf(csv_ ? ",%.3f" : "%10.2f", ratio);
        }
        std::printf(csv_ ? "\n" : "%+10.2f\n", ahead_of_peers(ratios));
        std::fflush(stdout);
        Sum& sum = sums_[of_bytes ? 1 : 0];
        ++sum.rows;
        sum.below += ahead_of_peers(ratios) < -1 ? 1 : 0;
        sum.least_ahead = std::min(sum.least_ahead, ahead_of_peers(ratios));
        for (std::size_t i = 0; i < policies; ++i) {
            sum.ratios[i] += ratios[i];
        }
    }
    void end() const {
        for (const Sum& sum : sums_) {
            if (csv_ || sum.rows == 0) {
                continue;
            }
            std::printf("\nmean of %4u %-8s", sum.rows, &sum == sums_.data() ? "objects" : "bytes");
            for (const double ratio : sum.ratios) {
                std::printf("%10.2f", ratio / sum.rows);
            }
            std::printf("\nmore than 1 below the best peer: %u rows; least ahead: %+.2f\n",
                        sum.below, sum.least_ahead);
        }
    }

  private:
    struct Sum {
        Ratios ratios{};
        unsigned rows = 0, below = 0;
        double least_ahead = 100;
    };
    bool csv_;
    std::array<Sum, 2> sums_;
};

std::vector<double> numbers(const char* text) {
    std::vector<double> list;
    for (char* end = nullptr; *text != '\0'; text = *end == ',' ? end + 1 : end) {
        list.push_back(std::strtod(text, &end));
        if (end == text || list.back() <= 0) {
            std::fprintf(stderr, "-s wants percentages, such as 1,10\n");
            std::exit(2);
        }
    }
    return list;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<double> percentages = {0.1, 0.5, 1, 2, 5, 10, 20, 50};
    std::uint64_t variant = 0;
    bool csv = false;
    for (int option; (option = getopt(argc, argv, "v:s:cr")) != -1;) {
        switch (option) {
            case 'v':
                variant = std::strtoull(optarg, nullptr, 10);
                break;
            case 's':
                percentages = numbers(optarg);
                break;
            case 'c':
                csv = true;
                break;
            case 'r':
                names = by_name;
                judged = 5;
                break;
            default:
                return 2;
        }
    }
    std::vector<std::string> wanted(argv + optind, argv + argc);
    if (wanted.empty()) {
        wanted = generated_names();
    }
    Report report(csv);
    for (const std::string& name : wanted) {
        const Trace trace =
            name.find('/') == std::string::npos && name.find('.') == std::string::npos
                ? generate(name, variant)
                : read_trace(name);
        report.begin(trace);
        for (const double percent : percentages) {
            const auto capacity =
                static_cast<std::uint64_t>(static_cast<double>(trace.bytes) * percent / 100);
            if (capacity < 2) {
                continue;
            }
            const std::array<Ratio, policies> all =
                names == by_name ? of_rules(trace, capacity) : of_peers(trace, capacity);
            Ratios objects{}, bytes{};
            for (std::size_t i = 0; i < policies; ++i) {
                objects[i] = all[i].objects;
                bytes[i] = all[i].bytes;
            }
            report.row(trace, percent, capacity, objects, false);
            if (trace.sized) {
                report.row(trace, percent, capacity, bytes, true);
            }
        }
    }
    report.end();
}
