// tests/unit/loader/trust_test.cpp -- who could have put a plugin there.
#include "kernel/loader/trust.hpp"

#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using larder::loader::is_trusted;
using larder::test::contains;
using larder::test::TemporaryFolder;

namespace {

struct Tree {
    TemporaryFolder root;
    std::filesystem::path folder = root.path() / "plugins";
    std::filesystem::path file = folder / "x.so";
    Tree() {
        std::filesystem::create_directory(folder);
        std::ofstream(file) << "x";
        ::chmod(folder.c_str(), 0755);
        ::chmod(file.c_str(), 0644);
    }
    bool trusted(std::string& problem) const { return is_trusted(file.string(), problem); }
};

}  // namespace

TEST_CASE(
    "a file that only its user and root can change is trusted, also below a sticky folder of root",
    "[loader]") {
    const Tree tree;
    std::string problem;
    INFO(problem);
    CHECK(tree.trusted(problem));
}

TEST_CASE("a file or folder that others can write is not trusted", "[loader]") {
    const Tree tree;
    std::string problem;
    ::chmod(tree.file.c_str(), 0646);
    CHECK_FALSE(tree.trusted(problem));
    CHECK(problem ==
          "is not trusted: it can be written by others; install it elsewhere, or set trust_path = "
          "true for development");
    ::chmod(tree.file.c_str(), 0644);
    for (const mode_t mode : {mode_t{0757}, mode_t{0775}, mode_t{0777}}) {
        ::chmod(tree.folder.c_str(), mode);
        CHECK_FALSE(tree.trusted(problem));
        CHECK_THAT(problem, contains(tree.folder.string() + " can be written by others"));
    }
    ::chmod(tree.folder.c_str(), 0755);
    ::chmod(tree.root.path().c_str(), 0777);
    CHECK_FALSE(tree.trusted(problem));
}

TEST_CASE("a link is as trusted as what it leads to", "[loader]") {
    const Tree tree;
    const TemporaryFolder elsewhere;
    const auto link = elsewhere.path() / "link.so";
    std::filesystem::create_symlink(tree.file, link);
    std::string problem;
    CHECK(is_trusted(link.string(), problem));
    ::chmod(tree.folder.c_str(), 0777);
    CHECK_FALSE(is_trusted(link.string(), problem));
}

TEST_CASE("a file of another user is not trusted", "[loader]") {
    if (::geteuid() != 0) {
        LARDER_SKIP("only root can give a file away");
    }
    const Tree tree;
    REQUIRE(::chown(tree.file.c_str(), 65534, 65534) == 0);
    std::string problem;
    CHECK_FALSE(tree.trusted(problem));
    CHECK_THAT(problem,
               contains("it belongs to user 65534, neither root nor the user larder runs as"));
}
