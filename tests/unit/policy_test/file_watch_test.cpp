// tests/unit/policy_test/file_watch_test.cpp -- whichever way an editor saves, somebody who waits is told.
#include "tests/catch.hpp"
#include "kernel/policy_test/file_watch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <filesystem>
#include <fstream>

using namespace larder;
using namespace larder::policy_test;
using namespace std::chrono_literals;

namespace {

void save(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace

TEST_CASE("a file that is written, renamed over, moved away or removed is noticed", "[policy_test]") {
    const test::TemporaryFolder folder;
    const std::string file = folder.file("a.larder"), draft = folder.file(".a.swp");
    save(file, "1");
    FileWatch watch;
    REQUIRE(watch.add({file}, {}));
    CHECK_FALSE(watch.wait(0ms, 0ms));
    save(file, "2");
    CHECK(watch.wait(0ms, 0ms));
    CHECK_FALSE(watch.wait(0ms, 0ms));
    save(draft, "3");
    CHECK_FALSE(watch.wait(0ms, 0ms));
    std::filesystem::rename(draft, file);
    CHECK(watch.wait(0ms, 0ms));
    save(draft, "4");
    std::filesystem::rename(draft, file);
    CHECK(watch.wait(0ms, 0ms));
    std::filesystem::remove(file);
    CHECK(watch.wait(0ms, 0ms));
}

TEST_CASE("in a watched folder every policy counts, and nothing else", "[policy_test]") {
    const test::TemporaryFolder folder;
    FileWatch watch;
    REQUIRE(watch.add({}, {folder.path().string()}));
    save(folder.file("notes.txt"), "1");
    CHECK_FALSE(watch.wait(0ms, 0ms));
    save(folder.file("new.larder"), "1");
    CHECK(watch.wait(0ms, 0ms));
}

TEST_CASE("what cannot be watched is said", "[policy_test]") {
    FileWatch watch;
    CHECK_FALSE(watch.add({"/nowhere/at/all/a.larder"}, {"/nowhere/at/all"}));
}
