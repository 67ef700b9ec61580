// tests/unit/loader/manifest_scan_test.cpp -- a manifest is found wherever it lies in the file, and
// only there.
#include "kernel/loader/manifest.hpp"
#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/loader/test_services.hpp"

#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace larder::loader;
using larder::test::planted;
using larder::test::TemporaryFolder;

namespace {

const std::string good =
    "id = \"org.larder.x\"\nversion = \"1.0.0\"\nabi = \"1.0\"\nlicense = \"MIT\"\nvendor = \"v\"\n"
    "[[component]]\nkind = \"store\"\nname = \"x\"\n";

// The first bytes of a shared library of this machine, as the compiler of this test knows it.
std::string elf_header() {
    std::ifstream self(planted + "/store_shelf.so", std::ios::binary);
    std::string head(sizeof(Elf64_Ehdr), '\0');
    self.read(head.data(), static_cast<std::streamsize>(head.size()));
    return head;
}
std::string marked(const std::string& body) {
    return std::string(LARDER_MANIFEST_BEGIN) + body + LARDER_MANIFEST_END;
}
std::string read(const std::string& bytes, std::string& problem) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "x.so", std::ios::binary) << bytes;
    const auto manifest = read_manifest((folder.path() / "x.so").string(), problem);
    return manifest ? manifest->id : "";
}

}  // namespace

TEST_CASE("a manifest is found at every place near the border of two pieces", "[loader]") {
    const std::size_t mark = std::strlen(LARDER_MANIFEST_BEGIN);
    for (std::size_t before = 0; before <= mark + 1; ++before) {
        std::string bytes = elf_header();
        bytes.resize((std::size_t{1} << 20) - before, '\0');
        std::string problem;
        INFO(before);
        CHECK(read(bytes + marked(good) + std::string(5, '\0'), problem) == "org.larder.x");
    }
}

TEST_CASE("marks around a NUL byte, as in a program that reads manifests, are no manifest",
          "[loader]") {
    std::string problem;
    const std::string constants =
        LARDER_MANIFEST_BEGIN + std::string(1, '\0') + LARDER_MANIFEST_END;
    CHECK(read(elf_header() + constants, problem).empty());
    CHECK(problem == "has no manifest: it is not a larder plugin");
    CHECK(read(elf_header() + constants + marked(good), problem) == "org.larder.x");
}

TEST_CASE("a manifest without an end, or beyond its bound, is none", "[loader]") {
    std::string problem;
    CHECK(read(elf_header() + LARDER_MANIFEST_BEGIN + good, problem).empty());
    CHECK(problem == "has no manifest: it is not a larder plugin");
    CHECK(read(elf_header() + marked(good + std::string(std::size_t{256} << 10, '#')), problem)
              .empty());
    CHECK(problem == "has no manifest: it is not a larder plugin");
}

TEST_CASE("what is not a shared library of this machine is said to be none", "[loader]") {
    std::string problem;
    CHECK(read("", problem).empty());
    CHECK(problem == "is not an ELF file");
    std::string head = elf_header();
    head[EI_CLASS] = ELFCLASS32;
    CHECK(read(head + marked(good), problem).empty());
    CHECK(problem == "is an ELF file for another word size");
    head = elf_header();
    head[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
    CHECK(read(head + marked(good), problem).empty());
    CHECK(problem == "is an ELF file, but not a shared library");
    head = elf_header();
    head[offsetof(Elf64_Ehdr, e_machine)] = EM_S390;
    CHECK(read(head + marked(good), problem).empty());
    CHECK(problem == "is an ELF file for another machine");
}

TEST_CASE("what is no file at all is an answer, not a wait", "[loader]") {
    std::string problem;
    CHECK_FALSE(read_manifest("/nonexistent/x.so", problem).has_value());
    CHECK(problem == "cannot be read: No such file or directory");
    CHECK_FALSE(read_manifest("/dev/zero", problem).has_value());
    CHECK(problem == "is not a file");
    CHECK_FALSE(read_manifest(planted, problem).has_value());
    CHECK(problem == "is not a file");
}

TEST_CASE("reading a manifest runs nothing of the plugin, not even its constructors", "[loader]") {
    const TemporaryFolder folder;
    const auto proof = folder.path() / "proof";
    ::setenv("LARDER_PLANTED_PROOF", proof.c_str(), 1);
    std::string problem;
    const auto manifest = read_manifest(planted + "/store_eager.so", problem);
    ::unsetenv("LARDER_PLANTED_PROOF");
    INFO(problem);
    REQUIRE(manifest.has_value());
    CHECK(manifest->id == "org.larder.planted.eager");
    CHECK_FALSE(std::filesystem::exists(proof));
}

TEST_CASE("what larder_add_plugin embeds is what its manifest file says", "[loader]") {
    std::string problem;
    const auto manifest = read_manifest(planted + "/store_shelf.so", problem);
    INFO(problem);
    REQUIRE(manifest.has_value());
    std::ifstream file(std::string(LARDER_SOURCE_DIR) +
                       "/tests/plugins_planted/store_shelf.larder.toml");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    CHECK(manifest->text == text);
    CHECK(manifest->components.size() == 2);
}
