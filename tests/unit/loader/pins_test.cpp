// tests/unit/loader/pins_test.cpp -- a plugin is loaded as it was locked, or not at all.
#include "kernel/loader/lock_file.hpp"
#include "kernel/loader/plugin_registry.hpp"
#include "kernel/loader/sealed_file.hpp"
#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/loader/test_services.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

using namespace larder::loader;
using larder::test::contains;
using larder::test::planted;
using larder::test::TemporaryFolder;
using larder::test::TestServices;

namespace {

// SHA-256 of "abc", FIPS 180-4.
const std::string of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

void put(const std::filesystem::path& file, std::string_view text) {
    std::ofstream(file, std::ios::trunc) << text;
}

struct Locked {
    TemporaryFolder folder;
    std::string plugin = (folder.path() / "store_shelf.so").string();
    std::string list = (folder.path() / "plugins.lock").string();
    TestServices services;
    std::string problem;

    Locked() {
        std::filesystem::copy_file(planted + "/store_shelf.so", plugin);
        std::string why;
        REQUIRE(write_lock_file(list, {{plugin, SealedFile::read(plugin, why)->sha256()}}, why));
    }
    std::optional<FoundPlugin> find(PluginRegistry& registry) {
        problem.clear();
        return registry.find(Kind::store, plugin, problem);
    }
    PluginRegistry registry() const { return PluginRegistry({{}, true, list, {}}); }
};

}  // namespace

TEST_CASE("a sealed file keeps the bytes it was read with, and nobody can write them", "[loader]") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "x";
    put(file, "abc");
    std::string problem;
    const auto sealed = SealedFile::read(file.string(), problem);
    INFO(problem);
    REQUIRE(sealed != nullptr);
    CHECK(sealed->sha256() == of_abc);
    put(file, "something else");
    std::ifstream now(sealed->path());
    std::string text;
    now >> text;
    CHECK(text == "abc");
    const int fd = ::open(sealed->path().c_str(), O_RDWR);
    CHECK((fd < 0 || ::write(fd, "x", 1) < 0));
    if (fd >= 0) {
        ::close(fd);
    }
    put(file, "abc");
    CHECK(SealedFile::read(file.string(), problem) == sealed);
}

TEST_CASE("what is no file is not sealed", "[loader]") {
    const TemporaryFolder folder;
    std::string problem;
    CHECK(SealedFile::read(folder.path().string(), problem) == nullptr);
    CHECK(problem == "is not a file of at most 1 GiB");
    CHECK(SealedFile::read((folder.path() / "nowhere").string(), problem) == nullptr);
    CHECK(problem == "cannot be read: No such file or directory");
}

TEST_CASE("a lock file is read as it was written, and a line that is none is named", "[loader]") {
    const TemporaryFolder folder;
    const std::string list = (folder.path() / "plugins.lock").string();
    const LockedPlugins all{{"/a b/x.so", of_abc}, {"/y.so", std::string(64, '0')}};
    std::string problem;
    REQUIRE(write_lock_file(list, all, problem));
    CHECK(read_lock_file(list, problem) == all);
    put(list, "# looked at\n" + of_abc + "  /y.so\n" + of_abc + " /y.so\n");
    CHECK_FALSE(read_lock_file(list, problem).has_value());
    CHECK_THAT(problem, contains(list + ":3: expected a SHA-256"));
}

TEST_CASE("a locked plugin is loaded, from the bytes that were compared", "[loader]") {
    Locked locked;
    auto registry = locked.registry();
    const auto found = locked.find(registry);
    INFO(locked.problem);
    REQUIRE(found.has_value());
    // Between the check and the load: what the dynamic linker would have been given by the path.
    put(locked.plugin, "not a library");
    auto checked = check_options(*found->component, "l1", {});
    const auto store = registry.make(*found, std::move(checked.values), "store.l1",
                                     locked.services, locked.problem);
    INFO(locked.problem);
    REQUIRE(store != nullptr);
    CHECK(store->component() == "shelf");
}

TEST_CASE("a plugin that differs from its lock, or has none, is refused with what to do", "[loader]") {
    Locked locked;
    SECTION("differs") {
        std::ofstream(locked.plugin, std::ios::app) << "x";
        auto registry = locked.registry();
        CHECK_FALSE(locked.find(registry).has_value());
        CHECK_THAT(locked.problem, contains(locked.plugin + " is not what was locked: " +
                                            locked.list + " has sha256 "));
        CHECK_THAT(locked.problem, contains("`larder plugin lock --write`"));
    }
    SECTION("is not there") {
        put(locked.list, "");
        auto registry = locked.registry();
        CHECK_FALSE(locked.find(registry).has_value());
        CHECK_THAT(locked.problem, contains("is not in " + locked.list));
    }
    SECTION("the list is not there") {
        std::filesystem::remove(locked.list);
        auto registry = locked.registry();
        CHECK_FALSE(locked.find(registry).has_value());
        CHECK_THAT(locked.problem, contains("plugins.lock cannot be read"));
    }
    SECTION("others may write the list") {
        std::filesystem::permissions(locked.list, std::filesystem::perms(0666));
        PluginRegistry registry({{}, false, locked.list, {}});
        CHECK_FALSE(locked.find(registry).has_value());
        CHECK_THAT(locked.problem, contains(locked.list + " is not trusted: it can be written by"));
    }
}
