// tests/unit/loader/refusals_test.cpp -- each planted plugin is refused, with exactly its line.
#include "kernel/loader/plugin_registry.hpp"
#include "kernel/loader/reason.hpp"
#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/loader/test_services.hpp"

#include <sys/stat.h>

#include <cstdlib>

using namespace larder::loader;
using larder::test::contains;
using larder::test::planted;
using larder::test::TemporaryFolder;
using larder::test::TestServices;

namespace {

struct Attempt {
    TestServices services;
    PluginRegistry registry{{{planted}, true}};
    std::string problem;

    // Finds, loads and creates; the problem of whichever step refused.
    std::shared_ptr<PluginInstance> make(const std::string& plugin, Kind kind = Kind::store) {
        problem.clear();
        const auto found = registry.find(kind, plugin, problem);
        if (!found) {
            return nullptr;
        }
        auto checked = check_options(*found->component, "l1", {});
        REQUIRE(checked.ok());
        return registry.make(*found, std::move(checked.values), "store.l1", services, problem);
    }
};

}  // namespace

TEST_CASE("each planted plugin is refused with exactly its line", "[loader]") {
    const std::string at = planted + "/store_";
    const std::pair<const char*, std::string> refusals[] = {
        {"notelf", at + "notelf.so is not an ELF file"},
        {"empty", at + "empty.so is not an ELF file"},
        {"nomanifest", at + "nomanifest.so has no manifest: it is not a larder plugin"},
        {"otherid",
         at + "otherid.so is refused: its manifest says id org.larder.planted.otherid, its "
              "descriptor org.somebody.else" + ask_the_kit},
        {"otherversion",
         at + "otherversion.so is refused: its manifest says version 1.0.0, its descriptor 2.0.0" + ask_the_kit},
        {"othercaps",
         at + "othercaps.so is refused: store othercaps: its manifest and its descriptor differ in "
              "the capabilities zero_copy" + ask_the_kit},
        {"othername",
         at + "othername.so is refused: its descriptor has a component store another that its "
              "manifest does not have" + ask_the_kit},
        {"othergeneration",
         at + "othergeneration.so was built for plugin ABI 2.0; this larder speaks 1.0"},
        {"liedgeneration",
         at + "liedgeneration.so is refused: its descriptor is of plugin ABI generation 2" + ask_the_kit},
        {"demanding", at + "demanding.so needs plugin ABI 1.9; this larder speaks 1.0"},
        {"wrongkind", at + "wrongkind.so has no store wrongkind; it offers gateway wrongkind"},
        {"missingslot",
         "store.l1: store missingslot of " + at +
             "missingslot.so has no touch, which a store with its capabilities needs" + ask_the_kit},
        {"missingscan",
         "store.l1: store missingscan of " + at +
             "missingscan.so has no scan, which a store with its capabilities needs" + ask_the_kit},
        {"nosymbol", at + "nosymbol.so exports no larder_plugin_abi1" + ask_the_kit},
    };
    for (const auto& [plugin, line] : refusals) {
        Attempt attempt;
        INFO(plugin);
        CHECK(attempt.make(plugin) == nullptr);
        CHECK(attempt.problem == line);
        CHECK(attempt.services.lines.empty());
    }
}

TEST_CASE("a missing symbol is found when loading, and named", "[loader]") {
    Attempt attempt;
    CHECK(attempt.make("undefined") == nullptr);
    CHECK_THAT(attempt.problem, contains("store_undefined.so cannot be loaded: "));
    CHECK_THAT(attempt.problem, contains("undefined symbol: planted_is_not_there"));
    CHECK(attempt.problem.find('\n') == std::string::npos);
}

TEST_CASE("a plugin that is not there is looked for aloud", "[loader]") {
    Attempt attempt;
    CHECK(attempt.make("shelv") == nullptr);
    CHECK(attempt.problem == "there is no store_shelv.so on the plugin path (" + planted +
                                 "); did you mean \"shelf\"?");
    CHECK(attempt.make("../store_shelf") == nullptr);
    CHECK(attempt.problem ==
          "a plugin is a name like \"memory\" or an absolute path, found \"../store_shelf\"");
    CHECK(attempt.make("/nonexistent/x.so") == nullptr);
    CHECK(attempt.problem == "/nonexistent/x.so cannot be read: No such file or directory");
}

TEST_CASE("two plugins of one name are refused, one file under two names is not", "[loader]") {
    const TemporaryFolder folder;
    const auto copy = folder.path() / "store_shelf.so";
    TestServices services;
    std::string problem;
    SECTION("in two folders of the path") {
        std::filesystem::copy_file(planted + "/store_shelf.so", copy);
        PluginRegistry registry{{{planted, folder.path().string()}, true}};
        CHECK_FALSE(registry.find(Kind::store, "shelf", problem).has_value());
        CHECK(problem ==
              "two plugins are store shelf: " + planted + "/store_shelf.so and " + copy.string());
    }
    SECTION("one by name and one by path") {
        std::filesystem::copy_file(planted + "/store_shelf.so", copy);
        PluginRegistry registry{{{planted}, true}};
        CHECK(registry.find(Kind::store, "shelf", problem).has_value());
        CHECK_FALSE(registry.find(Kind::store, copy.string(), problem).has_value());
        CHECK(problem == "two plugins have the id org.larder.shelf: " + planted +
                             "/store_shelf.so and " + copy.string());
    }
    SECTION("a link to it") {
        std::filesystem::create_symlink(planted + "/store_shelf.so", copy);
        PluginRegistry registry{{{planted, folder.path().string()}, true}};
        CHECK(registry.find(Kind::store, "shelf", problem).has_value());
        CHECK(registry.find(Kind::store, copy.string(), problem).has_value());
    }
}

TEST_CASE("an untrusted plugin is refused, and with trust_path taken with a warning", "[loader]") {
    const TemporaryFolder folder;
    const auto copy = (folder.path() / "store_shelf.so").string();
    std::filesystem::copy_file(planted + "/store_shelf.so", copy);
    ::chmod(folder.path().c_str(), 0777);
    std::string problem;
    PluginRegistry strict{{{folder.path().string()}, false}};
    CHECK_FALSE(strict.find(Kind::store, "shelf", problem).has_value());
    CHECK(problem == copy + " is not trusted: " + folder.path().string() +
                         " can be written by others; install it elsewhere, or set trust_path = "
                         "true for development");
    PluginRegistry lax{{{folder.path().string()}, true}};
    CHECK(lax.find(Kind::store, "shelf", problem).has_value());
    CHECK(lax.warnings() ==
          std::vector<std::string>{copy + " is not trusted: " + folder.path().string() +
                                   " can be written by others, but trust_path is set"});
}

TEST_CASE("finding and listing run nothing, making does", "[loader]") {
    const TemporaryFolder folder;
    const auto proof = folder.path() / "proof";
    ::setenv("LARDER_PLANTED_PROOF", proof.c_str(), 1);
    Attempt attempt;
    CHECK(attempt.registry.find(Kind::store, "eager", attempt.problem).has_value());
    const auto listed = attempt.registry.list();
    CHECK_FALSE(std::filesystem::exists(proof));
    CHECK(attempt.make("eager") != nullptr);
    CHECK(std::filesystem::exists(proof));
    ::unsetenv("LARDER_PLANTED_PROOF");

    REQUIRE(listed.size() == 20);
    for (const ListedPlugin& each : listed) {
        INFO(each.path << " " << each.problem);
        CHECK(each.manifest.has_value() == each.problem.empty());
        if (each.path == planted + "/store_shelf.so") {
            CHECK(each.manifest->version == "1.2.3");
        }
    }
}

TEST_CASE("a plugin of an older and one of a later 1.x both load", "[loader]") {
    Attempt attempt;
    for (const char* plugin : {"four", "newer"}) {
        INFO(plugin);
        const auto store = attempt.make(plugin);
        INFO(attempt.problem);
        REQUIRE(store != nullptr);
        CHECK(store->caps() == LARDER_STORE_CAP_SYNC);
        const auto& table = store->table<larder_store_v1>();
        const larder_key key{"k", 1, 0, 0};
        const larder_call call = larder::test::plain_call();
        larder_value value{};
        CHECK(table.get(store->self(), &key, &call, &value) == LARDER_MISS);
        CHECK(table.clear_ns(store->self(), 0, &call) == LARDER_E_UNSUPPORTED);
        table.cancel(store->self(), nullptr);
    }
}

TEST_CASE("a component is chosen by kind, or by name behind the path", "[loader]") {
    Attempt attempt;
    CHECK(attempt.make(planted + "/store_shelf.so") != nullptr);
    CHECK(attempt.make(planted + "/store_shelf.so#shelf") != nullptr);
    CHECK(attempt.make(planted + "/store_shelf.so", Kind::warmer) != nullptr);
    CHECK(attempt.make(planted + "/store_shelf.so#board") == nullptr);
    CHECK(attempt.problem ==
          planted + "/store_shelf.so has no store board; it offers store shelf, warmer reader");
    CHECK(attempt.make(planted + "/store_shelf.so", Kind::session) == nullptr);
    CHECK(attempt.problem == planted +
                                 "/store_shelf.so has no component of kind session; it offers "
                                 "store shelf, warmer reader");
}
