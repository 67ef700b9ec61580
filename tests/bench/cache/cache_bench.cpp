// tests/bench/cache/cache_bench.cpp -- hits, puts and drops through the kernel with store_memory.
//
//   bench_cache            everything with up to a million entries
//   bench_cache quick      up to 10^5
//
// Each number is the median of its rounds. A drop is measured with 10^4 and with 10^6 entries in the
// cache: the ratio is the claim, which is about 1. Allocations of a hit are counted by replacing the
// global operator new.
#include "kernel/api/kernel.hpp"
#include "kernel/core/access_samples.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace {
std::atomic<std::uint64_t> allocations{0};
}

void* operator new(std::size_t n) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* p = std::malloc(n == 0 ? 1 : n)) return p;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

using namespace larder;
using Steady = std::chrono::steady_clock;

const char* const policy = R"(larder 1
namespace user { key "{id}"; ttl 1h; tag "group:{id}" }
namespace plain { key "{id}"; ttl 1h }
namespace log  { key "{day}:{n}"; ttl 1h }
on write "/log/{day}" { drop log matching "{day}:*" }
on write "/user/{id}" { drop user "{id}" }
)";

larder_bytes bytes(std::string_view t) { return {t.data(), t.size()}; }

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

template <class Fn>
double ns_each(std::size_t rounds, std::size_t n, Fn&& fn) {
    std::vector<double> times;
    for (std::size_t r = 0; r < rounds; ++r) {
        const auto began = Steady::now();
        for (std::size_t i = 0; i < n; ++i) fn(r * n + i);
        times.push_back(std::chrono::duration<double, std::nano>(Steady::now() - began).count() / static_cast<double>(n));
    }
    return median(std::move(times));
}

// learns: somebody is told who asks for what.
std::unique_ptr<Kernel> open_kernel(const std::string& folder, bool learns = false) {
    const std::string file = folder + "/bench.larder";
    FILE* out = std::fopen(file.c_str(), "w");
    std::fputs(policy, out);
    if (learns) std::fputs("warm plain { learn 7d at least 10 hits priority 5; from api \"/{id}\"; every 30m }\n", out);
    std::fclose(out);
    config::LoadedConfig conf = config::parse_host_config("bench.toml",
        "policy = [\"" + file + "\"]\n[plugins]\npath = [\"" LARDER_BIN_DIR "/plugins\"]\ntrust_path = true\n"
        "[store.l1]\nplugin = \"memory\"\ncapacity = \"2GiB\"\n[admin]\nenabled = false\n[log]\nlevel = \"error\"\n" +
        std::string(learns ? "[source.learned]\nplugin = \"predictive\"\n[source.api]\nplugin = \"http\"\nurl = \"http://127.0.0.1:9\"\n" : ""));
    KernelOptions options;
    options.config = std::move(conf.config);
    std::string problem;
    auto kernel = Kernel::open(std::move(options), problem);
    if (kernel == nullptr || !kernel->start(problem)) {
        std::fprintf(stderr, "%s\n", problem.c_str());
        std::exit(1);
    }
    return kernel;
}

struct Bench {
    Kernel& kernel;
    Cache& cache = kernel.cache();
    std::uint32_t user = 0, plain = 0, log = 0;
    std::string value = std::string(100, 'v');

    explicit Bench(Kernel& k) : kernel(k) {
        cache.ns_find("user", &user);
        cache.ns_find("plain", &plain);
        cache.ns_find("log", &log);
    }
    void put(std::uint32_t ns, std::string_view key) {
        larder_cache_set item{};
        item.ns = ns;
        item.key = bytes(key);
        item.value = bytes(value);
        cache.set_many(&item, 1, nullptr);
    }
    bool get(std::uint32_t ns, std::string_view key) {
        larder_cache_get item{};
        item.ns = ns;
        item.key = bytes(key);
        cache.get_many(&item, 1, nullptr);
        if (item.value.release != nullptr) item.value.release(&item.value);
        return item.status == LARDER_OK;
    }
    void drop(std::uint32_t kind, std::uint32_t ns, std::string_view what) {
        const larder_target target{kind, ns, bytes(what)};
        cache.change(LARDER_DROP, &target, 1, nullptr, nullptr);
    }
    void request(std::string_view path) {
        larder_request rq{};
        rq.struct_size = sizeof rq;
        rq.method = bytes("POST");
        rq.path = bytes(path);
        rq.status = 200;
        cache.request(rq, nullptr, nullptr);
    }
};

void hits(Bench& b, std::size_t entries) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < entries; ++i) keys.push_back("key" + std::to_string(i));
    const double put = ns_each(1, entries, [&](std::size_t i) { b.put(b.plain, keys[i]); });
    std::uint64_t mix = 88172645463325252ULL;
    std::size_t found = 0;
    const auto next = [&] {
        mix ^= mix << 13;
        mix ^= mix >> 7;
        mix ^= mix << 17;
        return mix % entries;
    };
    for (std::size_t i = 0; i < entries; ++i) found += b.get(b.plain, keys[i]);
    const std::uint64_t before = allocations.load();
    const std::size_t n = 200'000;
    const double get = ns_each(7, n, [&](std::size_t) { found += b.get(b.plain, keys[next()]); });
    const std::uint64_t after = allocations.load();
    std::size_t seen = 0;
    const double visit = ns_each(7, n, [&](std::size_t) {
        b.cache.visit(b.plain, keys[next()], nullptr, [](void* ctx, larder_bytes v) noexcept { *static_cast<std::size_t*>(ctx) += v.size; }, &seen);
    });
    std::printf("%9zu entries   put %7.0f ns   get hit (pinned) %6.0f ns   visit %6.0f ns   allocations per hit %.6f\n", entries, put, get, visit,
                static_cast<double>(after - before) / static_cast<double>(7 * n));
    if (found == 0 || seen == 0) std::exit(1);
}

// The price of being watched: hits of one kernel beside hits of another, a block each in turn.
void watched(Bench& plain, Bench& learning, std::size_t entries) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < entries; ++i) keys.push_back("key" + std::to_string(i));
    for (const std::string& key : keys) {
        plain.put(plain.plain, key);
        learning.put(learning.plain, key);
    }
    std::uint64_t mix = 88172645463325252ULL, seen = 0;
    const auto block = [&](Bench& b) {
        constexpr std::size_t n = 100'000;
        const auto began = Steady::now();
        for (std::size_t i = 0; i < n; ++i) {
            mix ^= mix << 13;
            mix ^= mix >> 7;
            mix ^= mix << 17;
            b.cache.visit(b.plain, keys[mix % entries], nullptr, [](void* ctx, larder_bytes v) noexcept { *static_cast<std::uint64_t*>(ctx) += v.size; }, &seen);
        }
        return std::chrono::duration<double, std::nano>(Steady::now() - began).count() / static_cast<double>(n);
    };
    block(plain);
    block(learning);
    std::vector<double> ratios, without, with;
    for (int turn = 0; turn < 51; ++turn) {
        const bool first = turn % 2 == 0;
        const double a = block(first ? plain : learning), b = block(first ? learning : plain);
        without.push_back(first ? a : b);
        with.push_back(first ? b : a);
        ratios.push_back(with.back() / without.back());
    }
    std::printf("%9zu entries   visit %6.1f ns   with `learn` %6.1f ns   ratio %.3f   told %llu lost %llu\n", entries, median(without), median(with), median(ratios),
                static_cast<unsigned long long>(learning.cache.accesses().take().accesses.size()),
                static_cast<unsigned long long>(learning.cache.accesses().lost()));
    if (seen == 0) std::exit(1);
}

void drops(Bench& b, std::size_t entries, double (&out)[4]) {
    for (std::size_t i = 0; i < entries; ++i) {
        b.put(b.user, std::to_string(i));
        if (i % 2 == 0) b.put(b.log, "2024-01-" + std::to_string(10 + i % 20) + ":" + std::to_string(i));
    }
    out[0] = ns_each(21, 500, [&](std::size_t i) { b.drop(LARDER_TARGET_TAG, LARDER_NS_NONE, "group:" + std::to_string(i)); });
    out[1] = ns_each(21, 500, [&](std::size_t i) { b.request("/log/2024-02-" + std::to_string(10 + i % 20)); });
    out[2] = ns_each(21, 500, [&](std::size_t i) { b.drop(LARDER_TARGET_KEY, b.user, std::to_string(i)); });
    // The namespace last: it empties what the others worked on. Refilled in between by one entry.
    out[3] = ns_each(21, 20, [&](std::size_t) {
        b.drop(LARDER_TARGET_NAMESPACE, b.log, "");
        b.put(b.log, "2024-01-01:1");
    });
    b.drop(LARDER_TARGET_EVERYTHING, LARDER_NS_NONE, "");
    std::this_thread::sleep_for(std::chrono::seconds(2));  // the shelves are cleared behind us
}

}  // namespace

int main(int argc, char** argv) {
    const bool quick = argc > 1 && std::strcmp(argv[1], "quick") == 0;
    char folder[] = "/tmp/larder-bench-XXXXXX";
    if (mkdtemp(folder) == nullptr) return 1;
    auto kernel = open_kernel(folder);
    Bench b(*kernel);
    for (const std::size_t entries : {std::size_t{1000}, std::size_t{100'000}, std::size_t{1'000'000}})
        if (!quick || entries <= 100'000) hits(b, entries);
    b.drop(LARDER_TARGET_EVERYTHING, LARDER_NS_NONE, "");
    std::this_thread::sleep_for(std::chrono::seconds(2));
    {
        auto other = open_kernel(folder, true);
        Bench learning(*other);
        watched(b, learning, 1000);
        watched(b, learning, 100'000);
        other->stop();
    }
    b.drop(LARDER_TARGET_EVERYTHING, LARDER_NS_NONE, "");
    std::this_thread::sleep_for(std::chrono::seconds(2));

    const std::size_t few = 10'000, many = quick ? 100'000 : 1'000'000;
    double small[4], large[4];
    drops(b, few, small);
    drops(b, many, large);
    const char* names[] = {"tag", "declared pattern, by route", "key", "namespace"};
    for (int i = 0; i < 4; ++i)
        std::printf("drop %-28s %8.0f ns with %zu entries   %8.0f ns with %zu   ratio %.2f\n", names[i], small[i], few, large[i], many, large[i] / small[i]);
    kernel->stop();
    kernel.reset();
    std::remove((std::string(folder) + "/bench.larder").c_str());
    std::remove(folder);
    return 0;
}
