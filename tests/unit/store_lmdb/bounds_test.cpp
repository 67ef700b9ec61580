// tests/unit/store_lmdb/bounds_test.cpp -- bytes, entries and the disk end somewhere, and nothing else does then.
#include "lmdb_rig.hpp"

#include "tests/catch.hpp"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

using namespace larder;
using namespace larder::test;

namespace {

std::string name_of(int i) { return "larder:v:{n:" + std::to_string(i) + "}"; }

FakeConfig bounded(std::uint64_t capacity, int entries = 0) {
    FakeConfig config;
    config.set("capacity", capacity).set("entries", entries);
    return config;
}

constexpr std::uint64_t mib = 1 << 20;

// What happens to a store that has 3 MiB for its file, or 4 with what else is on that disk; 0: what should.
int on_a_full_disk(LmdbRig& store, const std::function<bool()>& make_room) {
    const std::string value(1000, 'x');
    int kept = 0;
    for (int i = 0; i < 6000; ++i) {
        const larder_status status = store.put(name_of(i), value);
        if (status != LARDER_OK && status != LARDER_E_NOMEM) {
            return 2;
        }
        kept += status == LARDER_OK;
    }
    // What is there is served, and what is new takes the place of what is old.
    int there = 0;
    for (int i = 0; i < 6000; ++i) {
        const larder_status status = store.get(name_of(i));
        if (status < 0) {
            return 3;
        }
        there += status == LARDER_OK;
    }
    if (there < 500 || there > 4000 || kept < 3000) {
        return 4;
    }
    if (store.health().state != LARDER_HEALTH_DEGRADED) {
        return 5;
    }
    // Removing needs no room that was not there, and neither does a drop.
    const std::string tag = "larder:g:00000000000000aa";
    larder_record record = record_of(tag, 1, 2), drop = record_of(tag, 3, 4);
    if (store.make(record) != LARDER_OK || store.change(drop) != LARDER_OK || store.record(tag).drop != 3) {
        return 6;
    }
    for (const std::string& key : store.keys()) {
        if (store.remove(key) != LARDER_OK) {
            return 7;
        }
    }
    if (!make_room()) {
        return 8;
    }
    store.pass(std::chrono::seconds(31));
    for (int i = 6000; i < 12'000; ++i) {
        if (store.put(name_of(i), value) != LARDER_OK) {
            return 9;
        }
    }
    return store.stats().entries == 6000 && store.health().state == LARDER_HEALTH_OK ? 0 : 10;
}

int with_a_limit_of_the_process(const std::string& folder) {
    ::signal(SIGXFSZ, SIG_IGN);
    LmdbRig store(folder, bounded(64 * mib));
    rlimit limit{3 * mib, RLIM_INFINITY};
    if (!store.started() || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 1;
    }
    return on_a_full_disk(store, [&] {
        limit.rlim_cur = RLIM_INFINITY;
        return ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
    });
}

}  // namespace

TEST_CASE("there are never more entries than entries says, and the newest are among them") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"), bounded(64 * mib, 1000));
    for (int i = 0; i < 5000; ++i) {
        REQUIRE(store.put(name_of(i), "x") == LARDER_OK);
        REQUIRE(store.stats().entries <= 1000);
    }
    CHECK(store.stats().entries == 1000);
    CHECK(store.stats().evictions == 4000);
    CHECK(store.value(name_of(4999)) == "x");
    CHECK(store.value(name_of(0)) == "-");
}

TEST_CASE("what was used since the hand passed is spared, what was not goes first") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"), bounded(64 * mib, 100));
    for (int i = 0; i < 100; ++i) {
        store.put(name_of(i), "x");
    }
    for (int i = 0; i < 10; ++i) {
        store.get(name_of(i));
    }
    for (int i = 100; i < 180; ++i) {
        store.put(name_of(i), "x");
    }
    for (int i = 0; i < 10; ++i) {
        CHECK(store.value(name_of(i)) == "x");
    }
    CHECK(store.value(name_of(10)) == "-");
    CHECK(store.value(name_of(179)) == "x");
}

TEST_CASE("entries take no more bytes than the capacity, and most of it is used, whatever their sizes") {
    for (const std::size_t size : {20, 1000, 3000, 100'000, 1 << 20}) {
        const TemporaryFolder folder;
        LmdbRig store(folder.file("l2"), bounded(8 * mib));
        const int puts = static_cast<int>(std::min<std::size_t>(60'000, 40 * mib / size));
        for (int i = 0; i < puts; ++i) {
            REQUIRE(store.put(name_of(i * 7919 % 1'000'003), std::string(size, 'x')) == LARDER_OK);
            if (i % 64 == 0) {
                REQUIRE(store.stats().bytes <= 8 * mib);
            }
        }
        INFO("values of " << size);
        CHECK(store.stats().bytes > 4 * mib);
        CHECK(store.stats().evictions > 0);
        CHECK(std::filesystem::file_size(folder.file("l2/data.mdb")) <= 26 * mib);
        CHECK(store.value(name_of((puts - 1) * 7919 % 1'000'003)).size() == size);
    }
}

TEST_CASE("a capacity that is lowered is reached in the background, and one that is raised holds at once") {
    const TemporaryFolder folder;
    LmdbRig store(folder.file("l2"), bounded(16 * mib));
    const std::string value(20'000, 'x');
    for (int i = 0; i < 600; ++i) {
        store.put(name_of(i), value);
    }
    REQUIRE(store.stats().bytes > 10 * mib);
    REQUIRE(store.reconfigure(bounded(4 * mib)) == LARDER_OK);
    store.pass(std::chrono::seconds(120));
    CHECK(store.stats().bytes <= 4 * mib + 64 * 1024);
    REQUIRE(store.reconfigure(bounded(64 * mib)) == LARDER_OK);
    for (int i = 1000; i < 3000; ++i) {
        REQUIRE(store.put(name_of(i), value) == LARDER_OK);
    }
    CHECK(store.stats().bytes > 36 * mib);
    CHECK(store.value(name_of(1000)) == value);
}

TEST_CASE("a file that is longer than a capacity lowered at the restart is opened, and shrinks to it in entries") {
    const TemporaryFolder folder;
    const std::string value(20'000, 'x');
    {
        LmdbRig store(folder.file("l2"), bounded(64 * mib));
        for (int i = 0; i < 2000; ++i) {
            store.put(name_of(i), value);
        }
    }
    LmdbRig store(folder.file("l2"), bounded(8 * mib));
    CHECK(store.value(name_of(1999)) == value);
    store.pass(std::chrono::seconds(150));
    CHECK(store.stats().bytes <= 8 * mib + 64 * 1024);
}

TEST_CASE("a full disk is a refused write and nothing more: what is there is served, drops are kept, and it goes on when there is room") {
    const TemporaryFolder folder;
    if (::mount("larder", folder.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
        LARDER_SKIP("this user may not mount a disk of 4 MiB");
    }
    int ended = 0;
    {
        LmdbRig store(folder.file("l2"), bounded(64 * mib));
        ended = on_a_full_disk(store, [&] { return ::mount("larder", folder.path().c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0; });
        CHECK_FALSE(store.host().logged("set aside"));
    }
    CHECK(ended == 0);
    CHECK(::umount(folder.path().c_str()) == 0);
}

TEST_CASE("a limit of the process for its files is a full disk") {
    const TemporaryFolder folder;
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::_exit(with_a_limit_of_the_process(folder.file("l2")));
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    LmdbRig store(folder.file("l2"), bounded(64 * mib));
    CHECK(store.started());
    CHECK_FALSE(store.host().logged("set aside"));
}
