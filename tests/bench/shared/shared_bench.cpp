// tests/bench/shared/shared_bench.cpp -- what the Redis tier costs through the kernel, beside bare hiredis on the same server.
//
// Rows: a get of one entry, a batch of 256, 256 callers at once; memory of an entry in Redis; a tag that a
// thousand and a million entries carry; and what two of the seed systems promised, measured as they say it.
// The server is one of our own on a loopback port; both sides use it in turn. Values of 100 bytes, entries
// with two tags of their own, policy, validity and metrics on.
//
//     bench_shared [operations, default 20000] [entries of the large tag, default 1000000] [get | batch | callers: that row alone]
#include "tests/bench/shared/node.hpp"
#include "tests/bench/shared/redis_process.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace larder;
using namespace larder::bench;
using Watch = std::chrono::steady_clock;

double us_since(Watch::time_point began) { return std::chrono::duration<double, std::micro>(Watch::now() - began).count(); }

struct Spread {
    double mean, p50, p95, p99;
};
Spread spread(std::vector<double> us) {
    std::sort(us.begin(), us.end());
    double sum = 0;
    for (const double each : us) sum += each;
    const auto at = [&](double q) { return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))]; };
    return {sum / static_cast<double>(us.size()), at(0.5), at(0.95), at(0.99)};
}
Spread timed(std::size_t n, const std::function<void(std::size_t)>& call) {
    std::vector<double> us;
    for (std::size_t i = 0; i < n; ++i) {
        const auto began = Watch::now();
        call(i);
        us.push_back(us_since(began));
    }
    return spread(std::move(us));
}

// So many gets under way at any time, `count` in all; thousands a second.
double at_once(Node& node, std::uint32_t space, std::size_t callers, std::size_t count, std::size_t entries) {
    struct Caller {
        Node* node;
        std::atomic<std::size_t>* left;
        std::atomic<std::size_t>* ended;
        std::condition_variable* ready;
        std::mutex* mutex;
        std::uint32_t space;
        std::size_t entries;
        std::string key;
        larder_cache_get item{};
        std::mt19937_64 random;
        void go() {
            for (;;) {
                if (item.value.release != nullptr) item.value.release(&item.value);
                item = {};
                if (left->fetch_sub(1) - 1 >= (std::size_t{1} << 62)) {
                    const std::lock_guard lock(*mutex);
                    ++*ended;
                    ready->notify_all();
                    return;
                }
                key = "k" + std::to_string(random() % entries);
                item.ns = space;
                item.key = bytes(key);
                larder_call call{};
                call.struct_size = sizeof call;
                call.done_ctx = this;
                call.done = [](void* ctx, larder_status, larder_value*) noexcept { static_cast<Caller*>(ctx)->go(); };
                if (node->cache().get_many(&item, 1, &call) == LARDER_PENDING) return;
            }
        }
    };
    std::atomic<std::size_t> left{count}, ended{0};
    std::condition_variable ready;
    std::mutex mutex;
    std::vector<std::unique_ptr<Caller>> all;
    const auto began = Watch::now();
    for (std::size_t i = 0; i < callers; ++i) {
        all.push_back(std::make_unique<Caller>());
        Caller& c = *all.back();
        c.node = &node;
        c.left = &left;
        c.ended = &ended;
        c.ready = &ready;
        c.mutex = &mutex;
        c.space = space;
        c.entries = entries;
        c.random.seed(i);
        c.go();
    }
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return ended == callers; });
    return static_cast<double>(count) / us_since(began) * 1000;
}

// The same by one connection of hiredis that always has so many replies to come.
double hiredis_at_once(const RedisProcess& redis, std::size_t callers, std::size_t count, std::size_t entries) {
    const Context c = redis.connect();
    std::mt19937_64 random(1);
    const auto ask = [&] {
        const std::string key = "bare:k" + std::to_string(random() % entries);
        redisAppendCommand(c.get(), "GET %b", key.data(), key.size());
    };
    const auto began = Watch::now();
    std::size_t asked = 0, answered = 0;
    for (; asked < callers; ++asked) ask();
    while (answered < count) {
        void* reply = nullptr;
        redisGetReply(c.get(), &reply);
        const Reply free(static_cast<redisReply*>(reply));
        ++answered;
        // All that came with this read, then all their successors in one write.
        while (redisGetReplyFromReader(c.get(), &reply) == REDIS_OK && reply != nullptr) {
            freeReplyObject(reply);
            ++answered;
        }
        for (; asked < answered + callers && asked < count; ++asked) ask();
    }
    return static_cast<double>(count) / us_since(began) * 1000;
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t n = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
    const std::size_t large = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
    const std::string_view only = argc > 3 ? argv[3] : "";
    const auto wanted = [only](std::string_view row) { return only.empty() || only == row; };
    constexpr std::size_t entries = 10'000;
    const RedisProcess redis;
    Node node(redis.port());
    const std::uint32_t far = node.ns("far"), near = node.ns("near");
    const Context bare = redis.connect();
    for (std::size_t i = 0; i < entries; ++i) {
        const std::string key = "bare:k" + std::to_string(i);
        const Reply reply(static_cast<redisReply*>(redisCommand(bare.get(), "SET %b %b PX 3600000", key.data(), key.size(), value.data(), value.size())));
    }
    node.fill(far, entries, "k");
    std::mt19937_64 random(7);
    const auto any = [&] { return "k" + std::to_string(random() % entries); };
    for (std::size_t i = 0; i < entries; ++i) node.get(far, "k" + std::to_string(i));

    std::printf("| what | larder | hiredis | ratio |\n|---|---|---|---|\n");
    double best_ours = 1e9, best_theirs = 1e9;
    for (int round = 0; round < 5 && wanted("get"); ++round) {
        best_ours = std::min(best_ours, timed(n, [&](std::size_t) { node.get(far, any()); }).p50);
        best_theirs = std::min(best_theirs, timed(n, [&](std::size_t) {
            const std::string key = "bare:" + any();
            const Reply reply(static_cast<redisReply*>(redisCommand(bare.get(), "GET %b", key.data(), key.size())));
        }).p50);
    }
    std::printf("| get of one entry, us, median | %.1f | %.1f | %.2f |\n", best_ours, best_theirs, best_ours / best_theirs);

    best_ours = best_theirs = 1e9;
    for (int round = 0; round < 5 && wanted("batch"); ++round) {
        best_ours = std::min(best_ours, timed(n / 100, [&](std::size_t) {
            std::vector<std::string> keys(256);
            std::vector<larder_cache_get> items(256);
            for (std::size_t i = 0; i < 256; ++i) {
                keys[i] = any();
                items[i].ns = far;
                items[i].key = bytes(keys[i]);
            }
            node.cache().get_many(items.data(), items.size(), nullptr);
            for (larder_cache_get& item : items) item.value.release(&item.value);
        }).p50);
        best_theirs = std::min(best_theirs, timed(n / 100, [&](std::size_t) {
            std::vector<std::string> keys(257);
            std::vector<const char*> words(257);
            std::vector<std::size_t> sizes(257);
            for (std::size_t i = 0; i < 257; ++i) {
                keys[i] = i == 0 ? "MGET" : "bare:" + any();
                words[i] = keys[i].data();
                sizes[i] = keys[i].size();
            }
            const Reply reply(static_cast<redisReply*>(redisCommandArgv(bare.get(), 257, words.data(), sizes.data())));
        }).p50);
    }
    std::printf("| batch of 256, us, median | %.0f | %.0f | %.2f |\n", best_ours, best_theirs, best_ours / best_theirs);

    double ours = 0, theirs = 0;
    for (int round = 0; round < 3 && wanted("callers"); ++round) {
        ours = std::max(ours, at_once(node, far, 256, 20 * n, entries));
        theirs = std::max(theirs, hiredis_at_once(redis, 256, 20 * n, entries));
    }
    std::printf("| 256 callers at once, thousands a second | %.0f | %.0f | %.2f |\n", ours, theirs, ours / theirs);

    if (!only.empty()) return 0;
    {
        const double before = redis.info("memory", "used_memory");
        constexpr std::size_t many = 100'000;
        node.fill(node.ns("near"), many, "m");
        const double mine = redis.info("memory", "used_memory") - before;
        const double between = redis.info("memory", "used_memory");
        for (std::size_t i = 0; i < many; ++i) {
            const std::string key = "bare:m:{near:m" + std::to_string(i) + "}";
            redisAppendCommand(bare.get(), "SET %b %b PX 3600000", key.data(), key.size(), value.data(), value.size());
        }
        for (std::size_t i = 0; i < many; ++i) {
            void* reply = nullptr;
            redisGetReply(bare.get(), &reply);
            freeReplyObject(reply);
        }
        const double plain = redis.info("memory", "used_memory") - between;
        std::printf("| bytes of an entry of 100 in Redis, key of the same length | %.0f | %.0f | %.2f |\n", mine / many, plain / many, mine / plain);
    }

    for (const std::size_t carried : {std::size_t{1000}, large}) {
        node.fill(far, carried, "t");
        const double commands = redis.info("stats", "total_commands_processed");
        const auto began = Watch::now();
        node.drop(LARDER_TARGET_TAG, LARDER_NS_NONE, "all");
        const double us = us_since(began);
        std::printf("| drop of a tag that %zu entries carry, us (and commands, those of INFO and the heartbeat included) | %.0f (%.0f) | - | - |\n", carried, us,
                    redis.info("stats", "total_commands_processed") - commands);
    }

    std::printf("\nWhat seeds promised, ms: mean / 95 of 100\n\n| what | larder | promised |\n|---|---|---|\n");
    const auto row = [](const char* what, const Spread& s, const char* promised) {
        std::printf("| %s | %.3f / %.3f | %s |\n", what, s.mean / 1000, s.p95 / 1000, promised);
    };
    node.fill(far, entries, "k");
    for (std::size_t i = 0; i < entries; ++i) node.get(far, "k" + std::to_string(i));
    row("hit", timed(n, [&](std::size_t) { node.get(far, any()); }), "1.2 / 3.5");
    row("miss", timed(n, [&](std::size_t i) { node.get(far, "none" + std::to_string(i % 100)); }), "0.8 / 2.1");
    row("set", timed(n, [&](std::size_t) { node.set(far, any()); }), "1.5 / 4.2");
    row("drop by pattern", timed(n / 20, [&](std::size_t i) { node.post("/shops/" + std::to_string(i)); }), "5.3 / 12.7");
    row("drop by tag", timed(n / 20, [&](std::size_t i) { node.drop(LARDER_TARGET_TAG, LARDER_NS_NONE, "of:k" + std::to_string(i)); }), "3.8 / 9.4");

    // 85 of 100 out of memory, 12 out of Redis, 3 nowhere: hot keys, keys that another node wrote, unknown ones.
    Node other(redis.port());
    node.fill(near, 1000, "hot");
    for (int i = 0; i < 3; ++i)
        for (std::size_t k = 0; k < 1000; ++k) node.get(near, "hot" + std::to_string(k));
    other.fill(other.ns("near"), n, "cold");
    std::size_t cold = 0;
    const auto mixed = timed(n, [&](std::size_t i) {
        const auto dice = random() % 100;
        if (dice < 85) node.get(near, "hot" + std::to_string(random() % 1000));
        else if (dice < 97) node.get(near, "cold" + std::to_string(cold++));
        else node.get(near, "none" + std::to_string(i));
    });
    row("read of which 85 % are in memory, 12 % in Redis, 3 % nowhere", mixed, "0.8 / -");
    row("write through both", timed(n, [&](std::size_t i) { node.set(near, "hot" + std::to_string(i % 1000)); }), "2.1 / -");
    return 0;
}
