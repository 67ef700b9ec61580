// tests/unit/loader/shipped_test.cpp -- larder's own plugins are found to be what their manifests
// say.
#include "kernel/loader/plugin_registry.hpp"
#include "tests/catch.hpp"
#include "tests/unit/loader/test_services.hpp"

#include <filesystem>

using namespace larder::loader;
using larder::test::TestServices;

TEST_CASE("each of larder's own plugins loads, agrees with its manifest and documents every option",
          "[loader]") {
    const std::string folder = std::string(LARDER_BIN_DIR) + "/plugins";
    if (!std::filesystem::exists(folder)) {
        LARDER_SKIP("no plugin is built");
    }
    const PluginRegistry registry{{{folder}, true}};
    const auto listed = registry.list();
    CHECK_FALSE(listed.empty());
    for (const ListedPlugin& each : listed) {
        INFO(each.path << " " << each.problem);
        REQUIRE(each.manifest.has_value());
        for (const ComponentManifest& component : each.manifest->components) {
            const auto file = std::string(name_of(component.kind)) + "_" + component.name + ".so";
            CHECK(std::filesystem::path(each.path).filename() == file);
            for (const OptionSpec& option : component.options) {
                INFO(option.name);
                CHECK_FALSE(option.doc.empty());
            }
        }
        TestServices services;
        std::string problem;
        auto file = std::make_shared<const PluginFile>(PluginFile{each.path, *each.manifest});
        const auto module = PluginModule::load(std::move(file), services, problem);
        INFO(problem);
        CHECK(module != nullptr);
    }
}
