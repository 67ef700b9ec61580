// tests/unit/store_lmdb/threads_test.cpp -- many at once: nobody waits for a reader, and nobody reads half a change.
#include "lmdb_rig.hpp"

#include "tests/catch.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <thread>

using namespace larder;
using namespace larder::test;

namespace {

const std::string apple = "larder:v:{fruit:apple}";

std::string name_of(std::uint64_t i) { return "larder:v:{n:" + std::to_string(i) + "}"; }

FakeConfig sized(std::uint64_t capacity) {
    FakeConfig config;
    config.set("capacity", capacity);
    return config;
}

}  // namespace

TEST_CASE("a reader that looks at a value keeps no writer waiting, and sees it as it was") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red");
    struct Slow {
        LmdbRig& store;
        std::string before, after;
    } slow{store, {}, {}};
    const larder_key key = LmdbRig::key(apple);
    const larder_call call = LmdbRig::call();
    REQUIRE(store.store().visit(
                store.self(), &key, &call,
                [](void* ctx, larder_bytes bytes) noexcept {
                    Slow& me = *static_cast<Slow*>(ctx);
                    me.before = plugin::text_of(bytes);
                    std::thread([&] {
                        me.store.put(apple, "green");
                        me.store.put("larder:v:{fruit:pear}", std::string(50'000, 'x'));
                    }).join();
                    me.after = plugin::text_of(bytes);
                },
                &slow) == LARDER_OK);
    CHECK(slow.before == "red");
    CHECK(slow.after == "red");
    CHECK(store.value(apple) == "green");
}

TEST_CASE("a look that lasts costs writes when the room runs out, and nothing once it has ended") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"), sized(4 << 20));
    store.put(apple, "red");
    struct Long {
        std::mutex mutex;
        std::condition_variable turns;
        bool looking = false, over = false;
    } look;
    std::thread reader([&] {
        const larder_key key = LmdbRig::key(apple);
        const larder_call call = LmdbRig::call();
        store.store().visit(
            store.self(), &key, &call,
            [](void* ctx, larder_bytes) noexcept {
                Long& me = *static_cast<Long*>(ctx);
                std::unique_lock lock(me.mutex);
                me.looking = true;
                me.turns.notify_all();
                me.turns.wait(lock, [&] { return me.over; });
            },
            &look);
    });
    {
        std::unique_lock lock(look.mutex);
        look.turns.wait(lock, [&] { return look.looking; });
    }
    const std::string value(100'000, 'x');
    int kept = 0;
    larder_status status = LARDER_OK;
    for (std::uint64_t i = 0; i < 1000 && status == LARDER_OK; ++i) {
        status = store.put(name_of(i % 20), value);
        kept += status == LARDER_OK;
    }
    CHECK(status == LARDER_E_NOMEM);
    CHECK(kept > 100);
    {
        const std::lock_guard lock(look.mutex);
        look.over = true;
        look.turns.notify_all();
    }
    reader.join();
    for (std::uint64_t i = 0; i < 500; ++i) {
        REQUIRE(store.put(name_of(i % 20), value) == LARDER_OK);
    }
}

TEST_CASE("readers, writers, scans, upkeep and a growing file at once: every value is its key's, and the last one") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"), sized(8 << 20));
    constexpr std::uint64_t names = 400, writers = 3;
    std::atomic<bool> stop{false};
    std::atomic<int> hits{0};
    std::mutex mutex;
    std::set<std::string> wrong;
    const auto must = [&](bool good, const std::string& what) {
        if (!good) {
            const std::lock_guard lock(mutex);
            wrong.insert(what);
        }
    };
    std::vector<std::thread> threads;
    for (std::uint64_t w = 0; w < writers; ++w) {
        threads.emplace_back([&, w] {
            std::minstd_rand random(w + 1);
            for (int n = 0; n < 1500; ++n) {
                const std::uint64_t i = random() % (names / writers) * writers + w;  // of this writer alone
                const std::string name = name_of(i), value = name + std::string(random() % 20'000, 'x');
                if (random() % 10 == 0) {
                    store.remove(name);
                    must(store.value(name) == "-", "what was removed is there");
                } else {
                    const larder_status status = store.put(name, value);
                    must(status == LARDER_OK, "a put answers " + std::to_string(status));
                    const std::string now = store.value(name);
                    must(now == value || now == "-", "another value than was put");
                }
            }
        });
    }
    for (int r = 0; r < 2; ++r) {
        threads.emplace_back([&, r] {
            std::minstd_rand random(static_cast<std::minstd_rand::result_type>(r + 100));
            while (!stop.load()) {
                const std::string name = name_of(random() % names), value = store.value(name);
                must(value == "-" || value.starts_with(name + "x") || value == name, "a value of another key");
                hits += value != "-";
            }
        });
    }
    threads.emplace_back([&] {
        for (std::uint64_t grown = 8; !stop.load(); grown = std::min<std::uint64_t>(grown + 1, 64)) {
            store.keys(0, 50);
            must(store.reconfigure(sized(grown << 20)) == LARDER_OK, "the file cannot grow");
            store.pass(std::chrono::milliseconds(1000));
        }
    });
    for (std::uint64_t w = 0; w < writers; ++w) {
        threads[w].join();
    }
    stop = true;
    for (std::size_t i = writers; i < threads.size(); ++i) {
        threads[i].join();
    }
    for (const FakeHost::Line& line : store.host().lines()) {
        must(line.level < LARDER_LOG_WARN, line.text);
    }
    CHECK(wrong == std::set<std::string>());
    CHECK(hits > 0);
}

TEST_CASE("what many ask for at once is committed together, each with its own answer") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"));
    constexpr int many = 2000;
    std::vector<Later> laters(many);
    std::vector<std::string> names;
    for (int i = 0; i < many; ++i) {
        names.push_back(name_of(static_cast<std::uint64_t>(i % 1000)));
    }
    for (int i = 0; i < many; ++i) {
        const larder_call call = laters[static_cast<std::size_t>(i)].call();
        const larder_key key = LmdbRig::key(names[static_cast<std::size_t>(i)]);
        larder_put put{};
        put.struct_size = sizeof put;
        put.flags = LARDER_PUT_IF_ABSENT;
        put.value = plugin::bytes_of(names[static_cast<std::size_t>(i)]);
        put.version = 1;
        REQUIRE(store.store().put(store.self(), &key, &put, &call) == LARDER_PENDING);
    }
    for (int i = 0; i < many; ++i) {
        REQUIRE(laters[static_cast<std::size_t>(i)].wait() == (i < 1000 ? LARDER_OK : LARDER_EXISTS));
    }
    store.pass(std::chrono::seconds(2));
    CHECK(store.host().metric("commits_total") < many / 4);
}

TEST_CASE("more changes in line than queue are refused, and counted") {
    const TemporaryFolder folder;
    FakeConfig config;
    config.set("queue", 100);
    LmdbRig store(folder.file("l2"), config);
    int refused = 0;
    std::vector<Later> laters(20'000);
    const larder_key key = LmdbRig::key(apple);
    for (Later& later : laters) {
        const larder_call call = later.call();
        if (store.store().remove(store.self(), &key, 0, &call) == LARDER_E_BUSY) {
            ++refused;
            call.done(call.done_ctx, LARDER_E_BUSY, nullptr);
        }
    }
    for (Later& later : laters) {
        later.wait();
    }
    store.pass(std::chrono::seconds(2));
    CHECK(store.host().metric("refused_total") >= refused);
}
