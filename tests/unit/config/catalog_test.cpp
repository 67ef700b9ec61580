// tests/unit/config/catalog_test.cpp -- instances against the manifests of their plugins.
#include "catch.hpp"
#include "kernel/config/catalog.hpp"

using namespace larder;

namespace {

std::string path_of_l2(const std::string& file, const std::string& path) {
    const auto loaded = config::parse_host_config(file, "[store.l2]\nplugin = \"lmdb\"\npath = \"" + path + "\"\n", {});
    loader::PluginRegistry registry{{{LARDER_BIN_DIR "/plugins"}, true}};
    const config::Plan plan = config::plan(loaded.config, registry);
    REQUIRE(plan.instances.size() == 1);
    return std::get<std::string>(plan.instances[0].options.find("path")->is);
}

}  // namespace

TEST_CASE("a plugin's path is relative to the folder of the file it stands in, as every path is") {
    CHECK(path_of_l2("/etc/larder/larder.toml", "entries") == "/etc/larder/entries");
    CHECK(path_of_l2("/etc/larder/larder.toml", "../cache/entries") == "/etc/cache/entries");
    CHECK(path_of_l2("conf/larder.toml", "entries") == "conf/entries");
    CHECK(path_of_l2("/etc/larder/larder.toml", "/var/entries") == "/var/entries");
    CHECK(path_of_l2("larder.toml", "entries") == "entries");
}
