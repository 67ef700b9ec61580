// tests/unit/editor/policy_text_test.cpp -- policy texts in files: found, read, replaced whole.
#include "catch.hpp"
#include "kernel/editor/policy_text.hpp"
#include "support/temporary_folder.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace larder::editor;

TEST_CASE("a folder is all policies below it, in order, and a file is itself") {
    const larder::test::TemporaryFolder folder;
    const std::filesystem::path root = folder.path();
    std::filesystem::create_directories(root / "b/c");
    for (const char* name : {"b/c/z.larder", "b/a.larder", "b/no.txt", "x.larder"}) std::ofstream(root / name) << "larder 1\n";
    std::string why;
    const auto found = policy_paths({(root / "b").string(), (root / "x.larder").string(), "nowhere"}, why);
    REQUIRE(found);
    CHECK(*found == std::vector<std::string>{(root / "b/a.larder").string(), (root / "b/c/z.larder").string(),
                                             (root / "x.larder").string(), "nowhere"});
}

TEST_CASE("a text takes the place of another with its mode, and nothing is left beside it") {
    const larder::test::TemporaryFolder folder;
    const std::string path = (std::filesystem::path(folder.path()) / "p.larder").string();
    std::ofstream(path) << "old";
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    std::string why;
    CHECK(replace_text(path, "new", why));
    CHECK(read_text(path, why) == "new");
    struct stat now {};
    REQUIRE(::stat(path.c_str(), &now) == 0);
    CHECK((now.st_mode & 07777) == 0640);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("what cannot be read or written is said and changes nothing") {
    std::string why;
    CHECK_FALSE(read_text("/nowhere/p.larder", why));
    CHECK(why == "No such file or directory");
    CHECK_FALSE(read_text("/", why));
    CHECK_FALSE(replace_text("/nowhere/p.larder", "x", why));
}
