// kernel/cli/bench_kernel.cpp -- see bench_kernel.hpp.
//
// A rate comes from loops that no clock interrupts, latencies from single operations between them: a
// look at the clock costs about as much as a fifth of a hit.
#include "kernel/cli/bench_kernel.hpp"

#include "kernel/cli/bench_keys.hpp"
#include "kernel/cli/latencies.hpp"

#include <fstream>
#include <unistd.h>

namespace larder::cli {
namespace {

using Steady = std::chrono::steady_clock;

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

std::uint64_t ns_since(Steady::time_point began) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Steady::now() - began).count());
}

// What of the process is in memory.
std::uint64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t all = 0, resident = 0;
    statm >> all >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// One number after the other without a pattern that a prefetcher would know (splitmix64).
class Dice {
  public:
    std::uint64_t below(std::uint64_t n) noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return (z ^ (z >> 31)) % n;
    }

  private:
    std::uint64_t state_ = 1;
};

// operation() does `steps` things at once. [hot]
template <class Operation>
BenchRow measure(std::string what, const BenchPlan& plan, std::uint64_t steps, Operation&& operation) {
    plan.progress(what);
    const auto limit = static_cast<std::uint64_t>(std::chrono::nanoseconds(plan.each).count());
    Latencies latencies;
    std::uint64_t done = 0, spent = 0;
    std::uint64_t loop = 1;
    while (spent < limit) {
        const auto began = Steady::now();
        for (std::uint64_t i = 0; i < loop; ++i) operation();
        const std::uint64_t took = ns_since(began);
        done += loop * steps;
        spent += took;
        constexpr std::uint64_t enough = 200'000;  // ns: a loop so long hides the clock
        if (took < enough) loop = std::min<std::uint64_t>(loop * 2, 4096);
        for (int i = 0; i < 16; ++i) {
            const auto one = Steady::now();
            operation();
            latencies.add(ns_since(one));
        }
    }
    BenchRow row;
    row.what = std::move(what);
    row.per_second = static_cast<double>(done) * 1e9 / static_cast<double>(spent);
    row.p50_ns = latencies.within(0.5);
    row.p99_ns = latencies.within(0.99);
    return row;
}

const dsl::Namespace* chosen(const dsl::Policy& policy, const std::string& wanted, std::string& problem) {
    const dsl::Namespace* first = nullptr;
    for (const dsl::Namespace& ns : policy.namespaces) {
        if (!wanted.empty()) {
            if (ns.name != wanted) continue;
            if (ns.key) return &ns;
            problem = "namespace " + wanted + " has no key: it keeps no entries itself";
            return nullptr;
        }
        if (!ns.key) continue;
        if (!ns.tags.empty()) return &ns;
        if (first == nullptr) first = &ns;
    }
    if (first == nullptr)
        problem = wanted.empty() ? "the policy has no namespace that keeps entries"
                                 : "the policy has no namespace " + wanted;
    return first;
}

struct Subject {
    Cache& cache;
    std::uint32_t ns;
    std::vector<std::string> keys;
    std::string value;

    larder_status put(std::uint64_t n) {
        larder_cache_set item{};
        item.ns = ns;
        item.key = bytes(keys[n]);
        item.value = bytes(value);
        cache.set_many(&item, 1, nullptr);
        return item.status;
    }
    larder_status visit(std::string_view key) {
        std::size_t seen = 0;
        return cache.visit(
            ns, key, nullptr,
            [](void* ctx, larder_bytes found) noexcept {
                *static_cast<std::size_t*>(ctx) += found.size;
            },
            &seen);
    }
    void get(larder_cache_get* items, std::size_t n) {
        cache.get_many(items, n, nullptr);
        for (std::size_t i = 0; i < n; ++i)
            if (items[i].value.release != nullptr) items[i].value.release(&items[i].value);
    }
    void drop(std::uint32_t kind, std::string_view what) {
        const larder_target target{kind, ns, bytes(what)};
        cache.change(LARDER_DROP, &target, 1, nullptr, nullptr);
    }
};

void measure_reads(Subject& s, const BenchPlan& plan, BenchReport& out) {
    Dice dice;
    const std::uint64_t n = s.keys.size();
    out.rows.push_back(measure("get, a hit", plan, 1, [&] { s.visit(s.keys[dice.below(n)]); }));
    out.rows.push_back(measure("get, a hit, value held", plan, 1, [&] {
        larder_cache_get item{};
        item.ns = s.ns;
        item.key = bytes(s.keys[dice.below(n)]);
        s.get(&item, 1);
    }));
    constexpr std::size_t batch = 16;
    out.rows.push_back(measure("get, 16 hits at a time", plan, batch, [&] {
        larder_cache_get items[batch] = {};
        for (larder_cache_get& item : items) {
            item.ns = s.ns;
            item.key = bytes(s.keys[dice.below(n)]);
        }
        s.get(items, batch);
    }));
    out.rows.back().remark = "times are those of a batch";
}

}  // namespace

bool bench_kernel(Kernel& kernel, const BenchPlan& plan, BenchReport& out, std::string& problem) {
    Cache& cache = kernel.cache();
    const std::shared_ptr<const dsl::Policy> policy = cache.policy();
    const dsl::Namespace* space = chosen(*policy, plan.space, problem);
    if (space == nullptr) return false;
    Subject s{cache, 0, {}, std::string(plan.value_bytes, 'v')};
    if (cache.ns_find(space->name, &s.ns) != LARDER_OK) return false;
    out.space = space->name;
    out.key_template = space->key->pattern().source;

    plan.progress("putting " + std::to_string(plan.entries) + " entries");
    s.keys.reserve(plan.entries);
    for (std::uint64_t n = 0; n < plan.entries; ++n) s.keys.push_back(bench_key(*space, n));
    const std::uint64_t before = resident_bytes();
    for (std::uint64_t n = 0; n < plan.entries; ++n) {
        if (const larder_status status = s.put(n); status != LARDER_OK) {
            problem = "a value of " + std::to_string(plan.value_bytes) + " bytes cannot be put into " +
                      space->name + " (status " + std::to_string(status) + ")";
            return false;
        }
    }
    std::uint64_t kept = 0;
    cache.count(s.ns, &kept, nullptr);
    constexpr std::uint64_t enough_to_say = 50'000;
    if (kept >= enough_to_say && resident_bytes() > before)
        out.bytes_per_entry = static_cast<double>(resident_bytes() - before) / static_cast<double>(kept);

    measure_reads(s, plan, out);
    if (kept < plan.entries) {
        std::string& remark = out.rows.front().remark;
        remark = "only " + std::to_string(kept) + " entries fit: some were misses";
    }
    Dice dice;
    out.rows.push_back(measure("get, no such entry", plan, 1, [&, n = plan.entries]() mutable {
        s.visit(bench_key(*space, ++n));
    }));
    out.rows.back().remark = "with the making of a key";
    out.rows.push_back(measure("put", plan, 1, [&] { s.put(dice.below(plan.entries)); }));
    if (!space->tags.empty()) {
        out.rows.push_back(measure("drop by tag", plan, 1, [&] {
            s.drop(LARDER_TARGET_TAG, bench_tag(*space, dice.below(plan.entries)));
        }));
    } else {
        out.rows.push_back(measure("drop by key", plan, 1, [&] {
            s.drop(LARDER_TARGET_KEY, s.keys[dice.below(plan.entries)]);
        }));
        out.rows.back().remark = "the namespace has no tag";
    }
    return true;
}

}  // namespace larder::cli
