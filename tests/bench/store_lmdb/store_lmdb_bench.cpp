// tests/bench/store_lmdb/store_lmdb_bench.cpp -- the store in a file beside bare LMDB, and how soon it is there again.
//
//     bench_store_lmdb [ENTRIES [FOLDER]]
//
// A million entries of 25 + 100 bytes in a folder of its own under FOLDER (the system's temporary one). Bare LMDB
// has the same keys and values in one table of its own, read with a transaction that is renewed for each get and a
// copy of the value, which is what any store above it does. Gets are in random order, in turns of some milliseconds
// of both, by the time of the thread's processor; what is printed is the median of the turns, and of their ratios. A restart is the time from making the
// store to its first hit: with the file in the page cache, as after a deployment, and without, as after a reboot.
#include "plugins/store_lmdb/page_walk.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/store_lmdb/lmdb_rig.hpp"

#include <fcntl.h>
#include <lmdb.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace larder;
using namespace larder::test;

namespace {

constexpr std::size_t value_size = 100;

double us_of(clockid_t clock) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}
double now_us() { return us_of(CLOCK_MONOTONIC); }

double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

void must(bool good, const char* what) {
    if (!good) {
        std::fprintf(stderr, "%s failed\n", what);
        std::exit(1);
    }
}

std::string name_of(std::size_t i) {
    char text[40];
    std::snprintf(text, sizeof text, "larder:v:{bench:%08zu}", i);
    return text;
}

FakeConfig roomy() {
    FakeConfig config;
    config.set("capacity", std::uint64_t{4} << 30);
    return config;
}

// Changes that nobody waits for, at most a thousand at once.
class Filling {
  public:
    explicit Filling(LmdbRig& store) : store_(store) {}
    void put(const std::string& name, const std::string& value) {
        while (under_way_.load() >= 1000) {
            std::this_thread::yield();
        }
        under_way_.fetch_add(1);
        larder_call call = LmdbRig::call();
        call.done_ctx = this;
        call.done = [](void* ctx, larder_status status, larder_value*) noexcept {
            must(status == LARDER_OK, "a put");
            static_cast<Filling*>(ctx)->under_way_.fetch_sub(1);
        };
        const larder_key key = LmdbRig::key(name);
        larder_put put{};
        put.struct_size = sizeof put;
        put.value = plugin::bytes_of(value);
        put.version = 1;
        must(store_.store().put(store_.self(), &key, &put, &call) == LARDER_PENDING, "a put");
    }
    void wait() {
        while (under_way_.load() != 0) {
            std::this_thread::yield();
        }
    }

  private:
    LmdbRig& store_;
    std::atomic<int> under_way_{0};
};

// One table of LMDB, and nothing else.
class Bare {
  public:
    explicit Bare(const std::string& folder) {
        std::filesystem::create_directory(folder);
        must(::mdb_env_create(&env_) == 0 && ::mdb_env_set_mapsize(env_, std::size_t{4} << 30) == 0 &&
                 ::mdb_env_open(env_, folder.c_str(), MDB_NOTLS | MDB_NOSYNC, 0600) == 0,
             "LMDB");
    }
    ~Bare() { ::mdb_env_close(env_); }
    void fill(const std::vector<std::string>& names, const std::string& value) {
        MDB_txn* txn = nullptr;
        must(::mdb_txn_begin(env_, nullptr, 0, &txn) == 0 && ::mdb_dbi_open(txn, nullptr, 0, &table_) == 0, "LMDB");
        for (const std::string& name : names) {
            MDB_val key{name.size(), const_cast<char*>(name.data())}, data{value.size(), const_cast<char*>(value.data())};
            must(::mdb_put(txn, table_, &key, &data, 0) == 0, "LMDB");
        }
        must(::mdb_txn_commit(txn) == 0 && ::mdb_txn_begin(env_, nullptr, MDB_RDONLY, &look_) == 0, "LMDB");
        ::mdb_txn_reset(look_);
    }
    bool get(const std::string& name) {
        MDB_val key{name.size(), const_cast<char*>(name.data())}, data{};
        must(::mdb_txn_renew(look_) == 0, "LMDB");
        const bool there = ::mdb_get(look_, table_, &key, &data) == 0;
        void* const copy = std::malloc(data.mv_size);
        std::memcpy(copy, data.mv_data, data.mv_size);
        const bool good = there && static_cast<char*>(copy)[0] == 'x';
        std::free(copy);
        ::mdb_txn_reset(look_);
        return good;
    }

  private:
    MDB_env* env_ = nullptr;
    MDB_dbi table_ = 0;
    MDB_txn* look_ = nullptr;
};

// Of the machine's clock, or of this thread's processor.
double turn(const std::vector<std::string>& names, std::minstd_rand& random, std::size_t n, const std::function<bool(const std::string&)>& get,
            clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
    std::vector<const std::string*> order;
    for (std::size_t i = 0; i < n; ++i) {
        order.push_back(&names[random() % names.size()]);
    }
    const double began = us_of(clock);
    for (const std::string* name : order) {
        must(get(*name), "a get");
    }
    return (us_of(clock) - began) / static_cast<double>(n);
}

double restart_ms(const std::string& folder, const std::string& name) {
    const double began = now_us();
    LmdbRig store(folder, roomy());
    must(store.get(name) == LARDER_OK, "the first get");
    return (now_us() - began) / 1000;
}

void forget_pages(const std::string& file) {
    const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    must(opened >= 0 && ::fsync(opened) == 0 && ::posix_fadvise(opened, 0, 0, POSIX_FADV_DONTNEED) == 0, "the page cache");
    ::close(opened);
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t entries = argc > 1 ? static_cast<std::size_t>(std::atoll(argv[1])) : 1'000'000;
    if (argc > 2) {
        ::setenv("TMPDIR", argv[2], 1);
    }
    const TemporaryFolder temporary;
    const std::string folder = temporary.file("l2"), value(value_size, 'x');
    std::vector<std::string> names;
    for (std::size_t i = 0; i < entries; ++i) {
        names.push_back(name_of(i));
    }
    std::vector<std::string> shuffled = names;
    std::minstd_rand random(1);
    std::shuffle(shuffled.begin(), shuffled.end(), random);

    auto store = std::make_unique<LmdbRig>(folder, roomy());
    must(store->started(), "the store");
    double began = now_us();
    {
        Filling filling(*store);
        for (const std::string& name : shuffled) {
            filling.put(name, value);
        }
        filling.wait();
    }
    const auto n = static_cast<double>(entries);
    std::printf("%zu entries of %zu + %zu bytes\n", entries, names[0].size(), value_size);
    std::printf("put, many at once           %8.2f us each\n", (now_us() - began) / n);
    std::printf("the file                    %8.0f bytes each, %.0f of them in use\n",
                static_cast<double>(std::filesystem::file_size(folder + "/data.mdb")) / n, static_cast<double>(store->stats().bytes) / n);
    {
        constexpr std::size_t few = 2000;
        const double one = turn(names, random, few, [&](const std::string& name) { return store->put(name, value, 0) == LARDER_OK; }, CLOCK_MONOTONIC);
        std::printf("put, one after the other    %8.2f us\n", one);
    }

    Bare bare(temporary.file("bare"));
    bare.fill(shuffled, value);
    std::vector<double> gets, visits, batches, peers, ratios;
    for (int round = 0; round < 41; ++round) {
        constexpr std::size_t some = 20'000, together = 16;
        const larder_call call = LmdbRig::call();
        gets.push_back(turn(names, random, some, [&](const std::string& name) {
            const larder_key key = LmdbRig::key(name);
            plugin::Value got;
            return store->store().get(store->self(), &key, &call, got.out()) == LARDER_OK;
        }));
        peers.push_back(turn(names, random, some, [&](const std::string& name) { return bare.get(name); }));
        ratios.push_back(gets.back() / peers.back());
        visits.push_back(turn(names, random, some, [&](const std::string& name) {
            const larder_key key = LmdbRig::key(name);
            return store->store().visit(store->self(), &key, &call, [](void*, larder_bytes) noexcept {}, nullptr) == LARDER_OK;
        }));
        std::vector<larder_get_item> items;
        batches.push_back(turn(names, random, some, [&](const std::string& name) {
            items.push_back({LmdbRig::key(name), {}, LARDER_MISS, 0});
            if (items.size() == together) {
                store->store().get_many(store->self(), items.data(), items.size(), &call);
                for (larder_get_item& item : items) {
                    item.value.release(&item.value);
                }
                items.clear();
            }
            return true;
        }));
    }
    std::printf("get, a copy                 %8.2f us   bare LMDB %.2f us, ratio %.2f\n", median(gets), median(peers), median(ratios));
    std::printf("visit, in place             %8.2f us\n", median(visits));
    std::printf("get, 16 in one call         %8.2f us each\n", median(batches));

    store.reset();
    std::vector<double> warm, cold, walk;
    for (int round = 0; round < 5; ++round) {
        warm.push_back(restart_ms(folder, names[entries / 2]));
        began = now_us();
        must(!store_lmdb::damage_in(folder + "/data.mdb").has_value(), "the walk");
        walk.push_back((now_us() - began) / 1000);
        forget_pages(folder + "/data.mdb");
        cold.push_back(restart_ms(folder, names[entries / 2]));
    }
    std::printf("restart to the first hit    %8.1f ms, of which the walk over all pages %.1f ms; %.1f ms without the page cache\n",
                median(warm), median(walk), median(cold));
    {
        FakeConfig machine;
        machine.set("durability", "machine");
        LmdbRig synced(temporary.file("synced"), machine);
        const double one = turn(names, random, 200, [&](const std::string& name) { return synced.put(name, value, 0) == LARDER_OK; }, CLOCK_MONOTONIC);
        std::printf("put, durability machine     %8.2f us\n", one);
    }
    return 0;
}
