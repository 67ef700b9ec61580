// tests/unit/store_lmdb/file_test.cpp -- whose the file is, and what becomes of one that cannot be believed.
#include "lmdb_rig.hpp"

#include "plugins/store_lmdb/folder.hpp"
#include "plugins/store_lmdb/page_walk.hpp"
#include "tests/catch.hpp"

#include <lmdb.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

using namespace larder;
using namespace larder::test;

namespace {

const std::string apple = "larder:v:{fruit:apple}";

std::string name_of(int i) { return "larder:v:{n:" + std::to_string(i) + "}"; }

// Entries of all sizes, some removed again, so that there are free pages.
void fill(const std::string& folder, int entries = 1500) {
    LmdbRig store(folder);
    for (int i = 0; i < entries; ++i) {
        store.put(name_of(i), std::string(static_cast<std::size_t>(i % 11 == 0 ? 9000 : i % 300), 'x'), 0);
    }
    for (int i = 0; i < entries; i += 5) {
        store.remove(name_of(i));
    }
    larder_record record = record_of("larder:g:00000000000000aa", 1, 2);
    store.make(record);
}

std::string content(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void overwrite(const std::string& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

void begins_anew(const std::string& folder) {
    LmdbRig store(folder);
    REQUIRE(store.started());
    CHECK(store.host().logged("is set aside as " + folder + "/data.mdb.set-aside"));
    CHECK(store.stats().entries == 0);
    CHECK(store.put(apple, "red") == LARDER_OK);
    CHECK(store.value(apple) == "red");
    CHECK(std::filesystem::exists(folder + "/data.mdb.set-aside"));
}

}  // namespace

TEST_CASE("a file that a store has written is whole, whatever was put and removed") {
    const TemporaryFolder folder;
    fill(folder.file("l2"));
    CHECK_FALSE(store_lmdb::damage_in(folder.file("l2/data.mdb")).has_value());
    CHECK_FALSE(store_lmdb::damage_in(folder.file("not-there")).has_value());
}

TEST_CASE("a file that is none of ours is set aside with a line in the log, and the node goes on without it") {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder.path() / "l2");
    overwrite(folder.file("l2/data.mdb"), std::string(100'000, 'z'));
    begins_anew(folder.file("l2"));
}

TEST_CASE("a file that was cut off is set aside") {
    const TemporaryFolder folder;
    fill(folder.file("l2"));
    const std::string file = folder.file("l2/data.mdb"), whole = content(file);
    overwrite(file, whole.substr(0, whole.size() / 2));
    begins_anew(folder.file("l2"));
}

TEST_CASE("a page of zeros in the middle is found before anything reads it") {
    const TemporaryFolder folder;
    fill(folder.file("l2"));
    const std::string file = folder.file("l2/data.mdb"), whole = content(file);
    int found = 0, pages = 0;
    const auto write_page = [&](std::size_t at, const std::string& page) {
        std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(static_cast<std::streamoff>(at)).write(page.data(), 4096);
    };
    for (std::size_t at = 2 * 4096; at + 4096 <= whole.size(); at += 3 * 4096) {
        write_page(at, std::string(4096, '\0'));
        ++pages;
        found += store_lmdb::damage_in(file).has_value();
        write_page(at, whole.substr(at, 4096));
    }
    // The rest are free, or the inside of a long value.
    CHECK(found > pages / 4);
    CHECK_FALSE(store_lmdb::damage_in(file).has_value());
}

TEST_CASE("of a file with poisoned bytes anywhere a store serves what it has, or begins anew, and never falls") {
    const TemporaryFolder folder;
    fill(folder.file("l2"), 600);
    const std::string file = folder.file("l2/data.mdb"), whole = content(file);
    std::minstd_rand random(4711);
    int anew = 0;
    for (int turn = 0; turn < 150; ++turn) {
        std::string poisoned = whole;
        const std::size_t at = random() % poisoned.size(), many = 1 + random() % (turn % 3 == 0 ? 2000 : 8);
        for (std::size_t i = at; i < std::min(at + many, poisoned.size()); ++i) {
            poisoned[i] = static_cast<char>(random());
        }
        overwrite(file, poisoned);
        LmdbRig store(folder.file("l2"));
        REQUIRE(store.started());
        anew += store.host().logged("set aside");
        for (int i = 0; i < 600; i += 7) {
            REQUIRE(store.get(name_of(i)) >= LARDER_E_CORRUPT);
            const larder_status status = store.put(name_of(i), "new");
            REQUIRE((status == LARDER_OK || status == LARDER_E_CORRUPT || status == LARDER_E_CLOSED));
        }
        store.pass(std::chrono::seconds(2));
        store.keys(LARDER_SCAN_LAPSED);
        REQUIRE(LmdbRig::until([&] { return store.put(apple, "red") == LARDER_OK; }));
    }
    // Most of the file is what values hold, or free.
    CHECK(anew > 3);
}

TEST_CASE("a file that was open and not synced when the machine went down is not believed") {
    const TemporaryFolder folder;
    fill(folder.file("l2"));
    CHECK_FALSE(std::filesystem::exists(folder.file("l2/unsynced")));
    overwrite(folder.file("l2/unsynced"), "another boot\n");
    begins_anew(folder.file("l2"));
}

TEST_CASE("one that waits for the disk at each write is believed after the machine went down") {
    const TemporaryFolder folder;
    FakeConfig config;
    config.set("durability", "machine");
    {
        LmdbRig store(folder.file("l2"), config);
        store.put(apple, "red", 0);
        CHECK_FALSE(std::filesystem::exists(folder.file("l2/unsynced")));
    }
    LmdbRig store(folder.file("l2"), config);
    CHECK(store.value(apple) == "red");
}

// Of a kill between the making of the mark and its text a whole file was set aside.
TEST_CASE("who is killed while it marks a file leaves no half a mark, and the file is believed") {
    if (store_lmdb::this_boot().empty()) {
        LARDER_SKIP("nobody says which boot this is");
    }
    const TemporaryFolder folder;
    const store_lmdb::Folder of(folder.path().string());
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit nothing{0, 0};
        ::setrlimit(RLIMIT_CORE, &nothing);
        ::setrlimit(RLIMIT_FSIZE, &nothing);
        std::signal(SIGXFSZ, SIG_DFL);  // the first byte that is written kills
        of.mark();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGXFSZ);
    CHECK_FALSE(of.torn());
    of.mark();  // over what the dead left behind
    CHECK(of.marked());
    CHECK_FALSE(of.torn());
}

TEST_CASE("what was left unsynced is synced before one that waits for the disk goes on with it") {
    const TemporaryFolder folder;
    fill(folder.file("l2"));
    store_lmdb::Folder(folder.file("l2")).mark();
    FakeConfig config;
    config.set("durability", "machine");
    LmdbRig store(folder.file("l2"), config);
    CHECK_FALSE(std::filesystem::exists(folder.file("l2/unsynced")));
    CHECK(store.stats().entries == 1200);
}

TEST_CASE("where the boot is not known a file that was left open is not believed") {
    if (store_lmdb::this_boot().empty()) {
        LARDER_SKIP("nobody says which boot this is");
    }
    const TemporaryFolder folder;
    store_lmdb::Folder of(folder.path().string());
    CHECK_FALSE(of.torn());
    of.mark();
    CHECK_FALSE(of.torn());
    overwrite(folder.file("unsynced"), "");
    CHECK(of.torn());
    of.unmark();
    CHECK_FALSE(of.torn());
}

TEST_CASE("a second process waits for the folder, says whose it is, and takes it over with all that is in it") {
    const TemporaryFolder folder;
    LmdbRig first(folder.file("l2"));
    first.put(apple, "red", 0);
    LmdbRig second(folder.file("l2"));
    REQUIRE(second.started());
    CHECK(second.get(apple) == LARDER_E_CLOSED);
    CHECK(second.put(apple, "green") == LARDER_E_CLOSED);
    CHECK(second.health().state == LARDER_HEALTH_DOWN);
    CHECK_THAT(second.health().message, contains("in use by process " + std::to_string(::getpid())));
    first.stop();
    second.pass(std::chrono::seconds(1));
    REQUIRE(LmdbRig::until([&] { return second.get(apple) == LARDER_OK; }));
    CHECK(second.value(apple) == "red");
    CHECK(second.health().state == LARDER_HEALTH_OK);
}

TEST_CASE("the place of a reader whose process was killed is free again soon") {
    const TemporaryFolder folder;
    int go[2], ready[2];
    REQUIRE(::pipe(go) == 0);
    REQUIRE(::pipe(ready) == 0);
    // Before the store has threads: what they hold while one forks stays held in the child.
    const ::pid_t tool = ::fork();
    REQUIRE(tool >= 0);
    if (tool == 0) {
        // As mdb_copy and mdb_stat do.
        MDB_env* env = nullptr;
        MDB_txn* txn = nullptr;
        char begin = 0;
        const bool open = ::read(go[0], &begin, 1) == 1 && ::mdb_env_create(&env) == 0 &&
                          ::mdb_env_open(env, folder.file("l2").c_str(), MDB_RDONLY, 0600) == 0 &&
                          ::mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) == 0;
        static_cast<void>(::write(ready[1], open ? "y" : "n", 1) == 1);
        ::pause();
        ::_exit(0);
    }
    LmdbRig store(folder.file("l2"));
    store.put(apple, "red", 0);
    char answer = 0;
    REQUIRE(::write(go[1], "g", 1) == 1);
    REQUIRE(::read(ready[0], &answer, 1) == 1);
    REQUIRE(answer == 'y');
    ::kill(tool, SIGKILL);
    ::waitpid(tool, nullptr, 0);
    for (const int end : {go[0], go[1], ready[0], ready[1]}) {
        ::close(end);
    }
    store.pass(std::chrono::seconds(15));
    CHECK(LmdbRig::until([&] { return store.host().logged("a reader's process ended"); }));
    CHECK(store.value(apple) == "red");
}
