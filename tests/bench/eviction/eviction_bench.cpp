// tests/bench/eviction/eviction_bench.cpp -- hit ratios of larder's eviction beside its peers'.
#include "tests/bench/eviction/peers.hpp"
#include "tests/bench/eviction/trace.hpp"
#include "tests/bench/eviction/w_tiny_lfu.hpp"
#include "tests/bench/eviction/larder_cache.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {
using namespace larder::bench;

struct Ratio { double objects, bytes; };

template <class Cache>
Ratio replay(const Trace& trace, std::uint64_t capacity) {
    Cache cache(capacity, trace);
    std::uint64_t hits = 0, hit_bytes = 0, bytes = 0;
    for (const Request& r : trace.requests) {
        const bool hit = cache.access(r);
        hits += hit;
        hit_bytes += hit ? r.size : 0;
        bytes += r.size;
    }
    return {100.0 * double(hits) / double(trace.requests.size()), 100.0 * double(hit_bytes) / double(bytes)};
}
}
int main(int argc, char** argv) {
    std::vector<double> pct = {0.1, 0.5, 1, 2, 5, 10, 20, 50};
    std::uint64_t variant = 0;
    bool only = false;
    double sum_all[5] = {}; double worst_all = 100; int n_all = 0, bad = 0;
    const char* cachefile = getenv("PEERS");
    (void)cachefile;
    for (int i = 1; i < argc; ++i) {
        if (!strncmp(argv[i], "-v", 2)) { variant = strtoull(argv[i] + 2, nullptr, 10); continue; }
        if (!strcmp(argv[i], "-l")) { only = true; continue; }
        if (!strncmp(argv[i], "-p", 2)) { pct = {atof(argv[i] + 2)}; continue; }
        Trace t = strchr(argv[i], '/') ? read_trace(argv[i]) : generate(argv[i], variant);
        printf("%s: %zu requests, %lu objects, %lu bytes\n", t.name.c_str(), t.requests.size(), t.objects, t.bytes);
        for (double p : pct) {
            auto c = std::uint64_t(double(t.bytes) * p / 100);
            if (c < 2) continue;
            Ratio r[6];
            if (!only) {
            r[0] = replay<Lru>(t, c); r[1] = replay<S3Fifo>(t, c); r[2] = replay<WTinyLfu>(t, c);
            r[3] = replay<Arc>(t, c); r[5] = replay<Belady>(t, c); }
            r[4] = replay<LarderCache>(t, c);
            for (int k = 0; k < (t.sized ? 2 : 1); ++k) {
                auto v = [&](int j) { return k ? r[j].bytes : r[j].objects; };
                double best = std::max({v(0), v(1), v(2), v(3)});
                printf("%5.1f%% %10lu %s", p, c, k ? "B" : " ");
                for (int j : {0, 1, 2, 3, 5}) printf(" %6.2f", v(j));
                printf(" | %6.2f  %+6.2f%s\n", v(4), v(4) - best, v(4) - best < -1 ? " ***" : "");
                if (!k) { for (int j = 0; j < 5; ++j) sum_all[j] += v(j); ++n_all; bad += v(4) - best < -1; worst_all = std::min(worst_all, v(4) - best); }
            }
            fflush(stdout);
        }
    }
    printf("mean");
    for (double s : sum_all) printf(" %.3f", s / n_all);
    printf(" worst %.2f, bad %d of %d\n", worst_all, bad, n_all);
}
