// tests/support/shared_nodes.hpp -- caches above one shared store, each with a memory tier of its own.
#pragma once

#include "tests/support/test_cache.hpp"
#include "tests/support/virtual_redis.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace larder::test {

using namespace std::chrono_literals;

// Two nodes on one store, each with a memory tier; pushes are told when a test says so, or at once.
struct SharedNodes {
    ManualClock clock;
    ManualExecutor executor{clock};
    VirtualRedis redis{clock};
    std::vector<std::unique_ptr<TestCache>> all;

    explicit SharedNodes(const char* text, std::size_t count = 2, bool immediate = true, const TestCacheOptions& common = {}) {
        redis.immediate(immediate);
        for (std::size_t i = 0; i < count; ++i) {
            TestCacheOptions o = common;
            o.seed = i + 1;
            o.clock = &clock;
            o.executor = &executor;
            o.below = {redis.connect().handle("l2")};
            all.push_back(std::make_unique<TestCache>(text, std::move(o)));
            redis.node(i).trust(true);
        }
    }
    ~SharedNodes() { executor.stop(); }
    TestCache& operator[](std::size_t i) { return *all[i]; }
    VirtualNode& node(std::size_t i) { return redis.node(i); }
    std::size_t in_memory(std::size_t i) { return all[i]->stores[0]->size(); }
    // Until nothing is told or done any more.
    void settle() {
        for (int i = 0; i < 8; ++i) {
            redis.deliver();
            executor.advance(0ms);
        }
    }
};

}  // namespace larder::test
