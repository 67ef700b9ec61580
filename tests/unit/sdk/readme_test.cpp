// tests/unit/sdk/readme_test.cpp -- the store that sdk/README.md shows is a whole one.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/plugin.h>

#include <dlfcn.h>

#include <string>

TEST_CASE("the store of the README keeps, answers and forgets", "[sdk]") {
    void* library = ::dlopen(README_STORE, RTLD_NOW | RTLD_LOCAL);
    INFO(README_STORE);
    REQUIRE(library != nullptr);
    const auto* plugin = static_cast<const larder_plugin*>(::dlsym(library, LARDER_PLUGIN_SYMBOL));
    REQUIRE(plugin != nullptr);
    CHECK(plugin->magic == LARDER_ABI_MAGIC);
    CHECK(std::string(plugin->id) == "com.example.jar");
    CHECK(std::string(plugin->manifest).find("id = \"com.example.jar\"") != std::string::npos);
    REQUIRE(plugin->component_count == 1);

    larder::test::FakeHost host;
    larder::test::FakeConfig config;
    config.set("most", 2);
    larder::test::FakeInstance jar(host, *plugin->components[0], config);
    INFO(jar.reason());
    REQUIRE(jar.created() == LARDER_OK);
    const auto& t = jar.table<larder_store_v1>();
    larder_call call{};
    call.struct_size = sizeof call;
    larder_put put{};
    put.struct_size = sizeof put;
    put.value = {"plum", 4};
    const larder_key keys[3] = {{"a", 1, 0, 0}, {"b", 1, 0, 0}, {"c", 1, 0, 0}};
    CHECK(t.put(jar.self(), &keys[0], &put, &call) == LARDER_OK);
    CHECK(t.put(jar.self(), &keys[1], &put, &call) == LARDER_OK);
    CHECK(t.put(jar.self(), &keys[2], &put, &call) == LARDER_E_TOO_LARGE);
    larder_value value{};
    REQUIRE(t.get(jar.self(), &keys[0], &call, &value) == LARDER_OK);
    CHECK(std::string(static_cast<const char*>(value.data), value.size) == "plum");
    value.release(&value);
    CHECK(t.remove(jar.self(), &keys[0], 0, &call) == LARDER_OK);
    CHECK(t.get(jar.self(), &keys[0], &call, &value) == LARDER_MISS);
}
