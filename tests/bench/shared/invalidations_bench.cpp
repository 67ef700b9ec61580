// tests/bench/shared/invalidations_bench.cpp -- a million invalidations under concurrent fills on two nodes of one Redis:
// nothing stale at the end, and how long a push takes.
//
// Two whole kernels, memory above a redis-server of our own. The truth is a counter for each key. On each node one thread
// invalidates (counts a key up, then drops its tag; sixteen tags in a call), one gets or loads. A read that
// began after an invalidation of its own node had returned brings nothing older. When all have ended and the pushes
// have been told, every key is read on both nodes: what is not the truth is stale. A prober measures all the while
// how long it takes from a drop on one node, returned, until the memory of the other does not answer any more.
//
// As fast as can be, pushes wait behind thousands of others for a processor; at a pace they show their own time.
//
//     bench_invalidations [invalidations, default 1000000] [keys, default 10000] [a second, default 0: as fast as can be]
// Ends with 1 when anything was stale.
#include "tests/bench/shared/node.hpp"
#include "tests/bench/shared/redis_process.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <random>

namespace {

using namespace larder;
using namespace larder::bench;
using Watch = std::chrono::steady_clock;

constexpr std::size_t tags_in_a_call = 16;

struct World {
    explicit World(std::size_t n) : truth(n), seen{std::vector<std::atomic<std::uint64_t>>(n), std::vector<std::atomic<std::uint64_t>>(n)} {}
    std::vector<std::atomic<std::uint64_t>> truth;
    // What an invalidation that has returned on this node said.
    std::array<std::vector<std::atomic<std::uint64_t>>, 2> seen;
    std::int64_t all = 0, per_second = 0;
    Watch::time_point began = Watch::now();
    std::atomic<std::int64_t> left{0};
    std::atomic<std::uint64_t> reads{0}, loads{0}, old{0}, errors{0};
};

std::string key_of(std::size_t k) { return "k" + std::to_string(k); }

void invalidate(Node& node, World& world, std::size_t which) {
    std::mt19937_64 random(which);
    while (world.left.fetch_sub(tags_in_a_call) > 0) {
        if (world.per_second > 0)
            std::this_thread::sleep_until(world.began + std::chrono::microseconds((world.all - world.left.load()) * 1'000'000 / world.per_second));
        std::array<std::string, tags_in_a_call> tags;
        std::array<larder_target, tags_in_a_call> targets;
        std::array<std::pair<std::size_t, std::uint64_t>, tags_in_a_call> said;
        for (std::size_t i = 0; i < tags_in_a_call; ++i) {
            const std::size_t k = random() % world.truth.size();
            said[i] = {k, world.truth[k].fetch_add(1) + 1};
            tags[i] = "of:" + key_of(k);
            targets[i] = {LARDER_TARGET_TAG, LARDER_NS_NONE, bytes(tags[i])};
        }
        if (node.cache().change(LARDER_DROP, targets.data(), targets.size(), nullptr, nullptr) < 0) ++world.errors;
        for (const auto& [k, version] : said) {
            std::uint64_t before = world.seen[which][k].load();
            while (before < version && !world.seen[which][k].compare_exchange_weak(before, version)) {
            }
        }
    }
}

std::uint64_t read(Node& node, std::uint32_t ns, World& world, std::size_t k) {
    const std::string key = key_of(k);
    larder_cache_get item{};
    item.ns = ns;
    item.key = bytes(key);
    node.cache().get_or_load(
        item,
        [&] {
            ++world.loads;
            Loaded loaded;
            loaded.value = std::to_string(world.truth[k].load());
            return loaded;
        },
        nullptr);
    std::uint64_t version = UINT64_MAX;
    if (item.status == LARDER_OK) version = std::strtoull(std::string(static_cast<const char*>(item.value.data), item.value.size).c_str(), nullptr, 10);
    else ++world.errors;
    if (item.value.release != nullptr) item.value.release(&item.value);
    return version;
}

void fill(Node& node, std::uint32_t ns, World& world, std::size_t which) {
    std::mt19937_64 random(100 + which);
    while (world.left.load() > 0) {
        const std::size_t k = random() % world.truth.size();
        const std::uint64_t least = world.seen[which][k].load();
        if (read(node, ns, world, k) < least) ++world.old;
        ++world.reads;
    }
}

// From a drop on `from` until `to` does not have it in memory any more, us.
std::vector<double> probe(Node& from, Node& to, std::uint32_t ns, World& world) {
    std::vector<double> us;
    const auto in_memory = [&](const std::string& key) {
        bool there = false;
        to.cache().visit(ns, key, nullptr, [](void* ctx, larder_bytes) noexcept { *static_cast<bool*>(ctx) = true; }, &there);
        return there;
    };
    for (std::size_t i = 0; world.left.load() > 0; ++i) {
        const std::string key = "probe" + std::to_string(i % 100), stale = "old";
        larder_cache_set item{};
        item.ns = ns;
        item.key = bytes(key);
        item.value = bytes(stale);
        from.cache().set_many(&item, 1, nullptr);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        to.get(ns, key);
        to.get(ns, key);
        if (!in_memory(key)) continue;
        from.drop(LARDER_TARGET_TAG, LARDER_NS_NONE, "of:" + key);
        const auto began = Watch::now();
        while (in_memory(key) && Watch::now() - began < std::chrono::seconds(5)) std::this_thread::yield();
        us.push_back(std::chrono::duration<double, std::micro>(Watch::now() - began).count());
    }
    std::sort(us.begin(), us.end());
    return us;
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t invalidations = argc > 1 ? std::strtoll(argv[1], nullptr, 10) : 1'000'000;
    const std::size_t keys = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000;
    const RedisProcess redis;
    std::array<Node, 2> nodes{Node(redis.port()), Node(redis.port())};
    const std::array<std::uint32_t, 2> ns{nodes[0].ns("twin"), nodes[1].ns("twin")};
    World world(keys);
    world.left = world.all = invalidations;
    world.per_second = argc > 3 ? std::strtoll(argv[3], nullptr, 10) : 0;
    std::vector<double> us;
    const auto began = Watch::now();
    std::vector<std::thread> threads;
    for (std::size_t n = 0; n < 2; ++n) {
        threads.emplace_back([&, n] { invalidate(nodes[n], world, n); });
        threads.emplace_back([&, n] { fill(nodes[n], ns[n], world, n); });
    }
    threads.emplace_back([&] { us = probe(nodes[0], nodes[1], ns[1], world); });
    for (std::thread& thread : threads) thread.join();
    const double seconds = std::chrono::duration<double>(Watch::now() - began).count();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));  // the last pushes
    std::uint64_t stale = 0;
    for (std::size_t k = 0; k < keys; ++k)
        for (std::size_t n = 0; n < 2; ++n)
            for (int again = 0; again < 2; ++again) stale += read(nodes[n], ns[n], world, k) != world.truth[k].load();
    const auto at = [&](double q) { return us.empty() ? 0.0 : us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))]; };
    std::printf("%lld invalidations of %zu keys by two nodes in %.1f s, %llu reads meanwhile, %llu of them loaded\n", static_cast<long long>(invalidations), keys, seconds,
                static_cast<unsigned long long>(world.reads.load()), static_cast<unsigned long long>(world.loads.load()));
    std::printf("stale at quiescence: %llu of %zu reads; older than what the node itself had dropped: %llu; errors: %llu\n", static_cast<unsigned long long>(stale), keys * 4,
                static_cast<unsigned long long>(world.old.load()), static_cast<unsigned long long>(world.errors.load()));
    std::printf("from a drop that returned until the other node's memory was silent, us: median %.0f, p99 %.0f, longest %.0f, of %zu\n", at(0.5), at(0.99), at(1.0), us.size());
    return stale == 0 && world.old == 0 && world.errors == 0 ? 0 : 1;
}
