// tests/unit/loader/crash_book_test.cpp -- who ended the process lately, and is not run again.
#include "kernel/loader/crash_book.hpp"

#include "kernel/loader/plugin_guard.hpp"
#include "kernel/loader/plugin_registry.hpp"
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

struct Book {
    TemporaryFolder folder;
    std::string file = (folder.path() / crash_book_name).string();

    void add(std::int64_t at_s, const std::string& plugin, const std::string& instance = "store.l1") {
        std::ofstream(file, std::ios::app)
            << at_s << "\tSIGSEGV\t" << plugin << '\t' << instance << "\tget\n";
    }
    std::string quarantine(const std::string& plugin = "org.a 1.0.0") const {
        return quarantine_of(read_crashes(file), plugin);
    }
};

}  // namespace

TEST_CASE("two crashes within ten minutes are a quarantine, of that plugin and version", "[loader]") {
    Book book;
    CHECK(book.quarantine().empty());
    book.add(1'790'000'000, "org.a 1.0.0");
    CHECK(book.quarantine().empty());
    SECTION("ten minutes apart") {
        book.add(1'790'000'600, "org.a 1.0.0");
        CHECK_THAT(book.quarantine(), contains("is in quarantine: org.a 1.0.0 ended the process twice"));
        CHECK_THAT(book.quarantine(), contains("2026-09-21 14:13:20"));
        CHECK_THAT(book.quarantine(), contains("`larder plugin release org.a`"));
        CHECK(book.quarantine("org.a 1.0.1").empty());
    }
    SECTION("longer apart") {
        book.add(1'790'000'601, "org.a 1.0.0");
        CHECK(book.quarantine().empty());
    }
    SECTION("of two plugins") {
        book.add(1'790'000'001, "org.b 1.0.0");
        CHECK(book.quarantine().empty());
    }
}

TEST_CASE("a crash is noted as it is read, one line whatever its names hold", "[loader]") {
    const Book book;
    const int fd = ::open(book.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    const Crumb plain{"org.a 1.0.0", "store.l1", "get"};
    const Crumb odd{"org.a 1.0.0", "store\n.l1", "get"};
    note_crash(fd, "SIGBUS", plain);
    note_crash(fd, "exit()", odd);
    ::close(fd);
    const auto all = read_crashes(book.file);
    REQUIRE(all.size() == 2);
    CHECK(all[0].how == "SIGBUS");
    CHECK(all[0].plugin == "org.a 1.0.0");
    CHECK(all[0].operation == "get");
    CHECK(all[0].at_s > 1'700'000'000);
    CHECK(all[1].instance == "store?.l1");
}

TEST_CASE("a release forgets one plugin or instance, and damaged lines with it", "[loader]") {
    Book book;
    book.add(1'790'000'000, "org.a 1.0.0");
    std::ofstream(book.file, std::ios::app) << "1790000000\tSIGSEGV\torg.a 1.0.0\nnonsense\n\n";
    book.add(1'790'000'001, "org.a 1.0.0", "store.l2");
    book.add(1'790'000'002, "org.b 1.0.0");
    std::string problem;
    CHECK(release_crashes(book.file, "org.c", problem) == 0);
    CHECK(release_crashes(book.file, "store.l2", problem) == 1);
    CHECK(release_crashes(book.file, "org.a", problem) == 1);
    REQUIRE(read_crashes(book.file).size() == 1);
    CHECK(read_crashes(book.file)[0].plugin == "org.b 1.0.0");
    CHECK(release_crashes("/nonexistent/crashes", "org.a", problem) == 0);
}

TEST_CASE("a plugin in quarantine is not loaded, and its stand-in is closed and down", "[loader]") {
    Book book;
    // A plugin whose constructor would leave a file behind.
    const auto proof = book.folder.path() / "proof";
    ::setenv("LARDER_PLANTED_PROOF", proof.c_str(), 1);
    TestServices services;
    PluginRegistry registry({{planted}, true, {}, book.file});
    std::string problem;
    const auto found = registry.find(Kind::store, "eager", problem);
    REQUIRE(found.has_value());
    const std::string plugin = found->file->manifest.id + " " + found->file->manifest.version;
    book.add(1'790'000'000, plugin);
    book.add(1'790'000'010, plugin);
    auto checked = check_options(*found->component, "l1", {});
    const auto store =
        registry.make(*found, std::move(checked.values), "store.l1", services, problem);
    ::unsetenv("LARDER_PLANTED_PROOF");
    REQUIRE(store != nullptr);
    CHECK_FALSE(std::filesystem::exists(proof));
    REQUIRE(store->start(problem));
    const larder_key key{"k", 1, 0, 0};
    const larder_call call = larder::test::plain_call();
    larder_value value{};
    CHECK(store->table<larder_store_v1>().get(store->self(), &key, &call, &value) == LARDER_E_CLOSED);
    CHECK(store->health().state == LARDER_HEALTH_DOWN);
    CHECK_THAT(store->health().message, contains("is in quarantine"));
    REQUIRE(services.lines.size() == 1);
    CHECK_THAT(services.lines[0], contains("kernel: store.l1: " + planted + "/store_eager.so is in"));
}
