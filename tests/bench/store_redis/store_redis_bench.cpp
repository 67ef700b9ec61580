// tests/bench/store_redis/store_redis_bench.cpp -- the plugin beside bare hiredis, on one redis-server of its own.
//
//     bench_store_redis [ROUNDS [LOOKS]]
//
// Each pair is measured in turns of some milliseconds, so that both meet the same machine; the ratio is the
// median of the turns' ratios. What is compared: one GET after the other; 256 under way at once, against
// hiredis' asynchronous interface on one connection; and 256 keys in one call, against one MGET.
#include "tests/unit/store_redis/redis_process.hpp"
#include "tests/unit/store_redis/store_rig.hpp"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

using namespace larder;
using namespace larder::test;

namespace {

constexpr std::size_t keys = 1000, value_size = 100, at_once = 256;

double now_us() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

std::string name_of(std::size_t i) { return "larder:v:{bench:" + std::to_string(i % keys) + "}"; }

double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

// Turns of both, one after the other; each returns microseconds for one operation.
void compare(const char* what, int rounds, const std::function<double()>& ours,
             const std::function<double()>& peer) {
    ours();
    peer();
    std::vector<double> mine, its, ratios;
    for (int i = 0; i < rounds; ++i) {
        const double a = i % 2 == 0 ? ours() : 0, b = peer();
        const double mine_now = i % 2 == 0 ? a : ours();
        mine.push_back(mine_now);
        its.push_back(b);
        ratios.push_back(mine_now / b);
    }
    std::printf("%-44s %8.3f us  %8.3f us  %6.2f\n", what, median(mine), median(its), median(ratios));
    std::fflush(stdout);
}

// ---- one after the other ------------------------------------------------------------------------

double plugin_gets(StoreRig& store, std::size_t n) {
    const double began = now_us();
    larder_call call{};
    call.struct_size = sizeof call;
    for (std::size_t i = 0; i < n; ++i) {
        const std::string name = name_of(i);
        const larder_key key = StoreRig::key(name);
        plugin::Value value;
        if (store.store().get(store.self(), &key, &call, value.out()) != LARDER_OK) {
            std::abort();
        }
    }
    return (now_us() - began) / static_cast<double>(n);
}

double hiredis_gets(redisContext* context, std::size_t n) {
    const double began = now_us();
    for (std::size_t i = 0; i < n; ++i) {
        const std::string name = name_of(i);
        const char* words[] = {"GET", name.c_str()};
        const std::size_t sizes[] = {3, name.size()};
        void* reply = redisCommandArgv(context, 2, words, sizes);
        if (reply == nullptr) {
            std::abort();
        }
        freeReplyObject(reply);
    }
    return (now_us() - began) / static_cast<double>(n);
}

// ---- 256 under way ------------------------------------------------------------------------------

struct Crowd {
    Crowd(StoreRig& s, std::size_t n) : store(s), left(n) {
        call.struct_size = sizeof call;
        call.done_ctx = this;
        call.done = [](void* ctx, larder_status status, larder_value* value) noexcept {
            if (status != LARDER_OK) {
                std::abort();
            }
            value->release(value);
            static_cast<Crowd*>(ctx)->one_ended();
        };
    }
    double run() {
        const std::size_t n = left;
        const double began = now_us();
        under_way = at_once;
        for (std::size_t i = 0; i < at_once; ++i) {
            ask();
        }
        std::unique_lock lock(mutex);
        wakes.wait(lock, [&] { return ended; });
        return (now_us() - began) / static_cast<double>(n + at_once);
    }
    void ask() {
        const std::string& name = names()[next.fetch_add(1, std::memory_order_relaxed) % keys];
        const larder_key key = StoreRig::key(name);
        larder_value unused{};
        if (store.store().get(store.self(), &key, &call, &unused) != LARDER_PENDING) {
            std::abort();
        }
    }
    void one_ended() {
        if (left != 0) {  // on the store's one thread
            --left;
            ask();
        } else if (--under_way == 0) {
            const std::lock_guard lock(mutex);
            ended = true;
            wakes.notify_one();
        }
    }
    static const std::vector<std::string>& names() {
        static const std::vector<std::string> all = [] {
            std::vector<std::string> made;
            for (std::size_t i = 0; i < keys; ++i) {
                made.push_back(name_of(i));
            }
            return made;
        }();
        return all;
    }
    StoreRig& store;
    larder_call call{};
    std::size_t left, under_way = 0;
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::condition_variable wakes;
    bool ended = false;
};

// hiredis' asynchronous interface over poll.
struct Async {
    explicit Async(int port) : context(redisAsyncConnect("127.0.0.1", port)) {
        context->ev.data = this;
        context->ev.addRead = [](void* p) { static_cast<Async*>(p)->events |= POLLIN; };
        context->ev.delRead = [](void* p) { static_cast<Async*>(p)->events &= static_cast<short>(~POLLIN); };
        context->ev.addWrite = [](void* p) { static_cast<Async*>(p)->events |= POLLOUT; };
        context->ev.delWrite = [](void* p) { static_cast<Async*>(p)->events &= static_cast<short>(~POLLOUT); };
        events = POLLIN | POLLOUT;
    }
    ~Async() { redisAsyncFree(context); }
    double run(std::size_t n) {
        left = n;
        under_way = at_once;
        const double began = now_us();
        for (std::size_t i = 0; i < at_once; ++i) {
            ask();
        }
        while (under_way != 0) {
            pollfd ready{context->c.fd, events, 0};
            ::poll(&ready, 1, -1);
            if ((ready.revents & POLLIN) != 0) {
                redisAsyncHandleRead(context);
            }
            if ((ready.revents & POLLOUT) != 0) {
                redisAsyncHandleWrite(context);
            }
        }
        return (now_us() - began) / static_cast<double>(n + at_once);
    }
    void ask() {
        const std::string& name = Crowd::names()[next++ % keys];
        const char* words[] = {"GET", name.c_str()};
        const std::size_t sizes[] = {3, name.size()};
        redisAsyncCommandArgv(
            context,
            [](redisAsyncContext*, void* reply, void* p) {
                Async& me = *static_cast<Async*>(p);
                if (reply == nullptr) {
                    return;  // the end
                }
                if (me.left != 0) {
                    --me.left;
                    me.ask();
                } else {
                    --me.under_way;
                }
            },
            this, 2, words, sizes);
    }
    redisAsyncContext* context;
    short events = 0;
    std::size_t left = 0, under_way = 0, next = 0;
};

// ---- 256 keys in one call -----------------------------------------------------------------------

double plugin_batches(StoreRig& store, std::size_t n) {
    std::vector<larder_get_item> items(at_once);
    larder_call call{};
    call.struct_size = sizeof call;
    const double began = now_us();
    for (std::size_t round = 0; round < n; ++round) {
        for (std::size_t i = 0; i < at_once; ++i) {
            items[i] = larder_get_item{};
            items[i].key = StoreRig::key(Crowd::names()[i]);
        }
        if (store.store().get_many(store.self(), items.data(), items.size(), &call) != LARDER_OK) {
            std::abort();
        }
        for (larder_get_item& item : items) {
            item.value.release(&item.value);
        }
    }
    return (now_us() - began) / static_cast<double>(n);
}

double hiredis_batches(redisContext* context, std::size_t n) {
    std::vector<const char*> words{"MGET"};
    std::vector<std::size_t> sizes{4};
    const double began = now_us();
    for (std::size_t round = 0; round < n; ++round) {
        words.resize(1);
        sizes.resize(1);
        for (std::size_t i = 0; i < at_once; ++i) {
            words.push_back(Crowd::names()[i].c_str());
            sizes.push_back(Crowd::names()[i].size());
        }
        freeReplyObject(redisCommandArgv(context, static_cast<int>(words.size()), words.data(), sizes.data()));
    }
    return (now_us() - began) / static_cast<double>(n);
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 21;
    const int looks = argc > 2 ? std::atoi(argv[2]) : 300;
    RedisProcess redis;
    FakeConfig config = StoreRig::on(redis.port());
    constexpr std::int64_t second = 1'000'000'000;
    config.set("looks", looks).set("heartbeat", second).set("max_staleness", 3 * second);
    StoreRig store(config);
    for (std::size_t i = 0; i < keys; ++i) {
        if (store.put(name_of(i), std::string(value_size, 'x')) != LARDER_OK) {
            std::fprintf(stderr, "redis-server does not answer\n");
            return 1;
        }
    }
    redisContext* const bare = redisConnect("127.0.0.1", redis.port());
    Async async(redis.port());
    std::printf("%-44s %11s  %11s  %6s\n", "", "plugin", "hiredis", "ratio");
    compare("GET, one after the other", rounds, [&] { return plugin_gets(store, 1000); },
            [&] { return hiredis_gets(bare, 1000); });
    compare("GET, 256 under way (hiredis: async)", rounds,
            [&] { return Crowd(store, 100'000).run(); }, [&] { return async.run(100'000); });
    compare("256 keys in a call (hiredis: one MGET)", rounds,
            [&] { return plugin_batches(store, 100); }, [&] { return hiredis_batches(bare, 100); });
    redisFree(bare);
    return 0;
}
