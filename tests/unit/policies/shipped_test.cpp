// tests/unit/policies/shipped_test.cpp -- every shipped policy is clean, in every profile it has.
#include "tests/catch.hpp"

#include "dsl/compile.hpp"

#include <filesystem>
#include <string>

using namespace larder;

TEST_CASE("the shipped policies have no finding", "[policies]") {
    std::size_t files = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(LARDER_SOURCE_DIR "/policies")) {
        if (file.path().extension() != ".larder") continue;
        ++files;
        const std::string path = file.path().string();
        dsl::CompileOptions options;
        options.env = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
        const dsl::Compiled made = dsl::compile({&path, 1}, options);
        INFO(dsl::render_text(*made.sources, made.found, false));
        CHECK(made.ok());
        CHECK(made.found.empty());
    }
    CHECK(files == 6);
}
