// tests/unit/packing/threads_test.cpp -- writers and readers while dictionaries are learnt and policies change.
#include "kernel/core/figures.hpp"
#include "tests/support/corpora.hpp"
#include "tests/support/test_cache.hpp"
#include "tests/unit/packing/real_codecs.hpp"

#include <atomic>
#include <thread>

using namespace larder;
using namespace larder::test;

TEST_CASE("three threads write and read while dictionaries are learnt, ways are tried and the policy changes: every value is its own") {
    TestCacheOptions o;
    o.codecs = real_codecs();
    const auto policy = [](const char* compress) { return std::string("larder 1\nnamespace menu { key \"{id}\"; ttl 10m; compress ") + compress + " }\n"; };
    TestCache cache(policy("auto"), std::move(o));
    const std::uint32_t ns = cache.ns("menu");
    const Corpus values = json_objects(500, 400, 1);
    std::atomic<int> wrong{0}, running{3};
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
            for (std::size_t round = 0; round < 6; ++round)
                for (std::size_t i = 0; i < values.values.size(); ++i) {
                    const std::string key = std::to_string(t) + "." + std::to_string(i);
                    const std::string& value = values.values[(i + round) % values.values.size()];
                    larder_cache_set put{};
                    put.ns = ns;
                    put.key = b(key);
                    put.value = b(value);
                    cache.cache->set_many(&put, 1, nullptr);
                    larder_cache_get get{};
                    get.ns = ns;
                    get.key = b(key);
                    cache.cache->get_many(&get, 1, nullptr);
                    const bool right = put.status == LARDER_OK && get.status == LARDER_OK &&
                                       std::string_view(static_cast<const char*>(get.value.data), get.value.size) == value;
                    wrong += !right;
                    if (get.value.release != nullptr) get.value.release(&get.value);
                }
            --running;
        });
    const char* const ways[] = {"zstd above 100B", "auto", "brotli { quality 1 }", "none", "auto above 200B"};
    for (std::size_t turn = 0; running.load() > 0; ++turn) {
        cache.executor.run();
        cache.install(policy(ways[turn % 5]));
        static_cast<void>(cache.cache->figures());
        std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(cache.counts("menu").damaged == 0);
    CHECK(cache.counts("menu").misses == 0);
}
