// tests/unit/gateway_resp/plugin_test.cpp -- the built plugin through its one symbol, as the kernel
// uses it.
#include "catch.hpp"
#include "resp_client.hpp"

#include <dlfcn.h>
#include <sys/stat.h>

#include <filesystem>

namespace larder::test {
namespace {

const larder_component& component() {
    static void* const module =
        ::dlopen(LARDER_BIN_DIR "/plugins/gateway_resp.so", RTLD_NOW | RTLD_LOCAL);
    REQUIRE(module != nullptr);
    const auto* plugin = static_cast<const larder_plugin*>(::dlsym(module, "larder_plugin_abi1"));
    REQUIRE(plugin != nullptr);
    REQUIRE(plugin->component_count == 1);
    return *plugin->components[0];
}

FakeConfig config() {
    FakeConfig c;
    c.set("listen", std::vector<std::string>{"127.0.0.1:0"})
        .set("unix_mode", "0600")
        .set("namespace", "")
        .set("fence", true)
        .set("role", "invalidate")
        .set("max_connections", 100)
        .set("max_value", 1 << 20)
        .set("input_limit", 4 << 20)
        .set("output_limit", 4 << 20)
        .set("timeout", std::int64_t{30'000'000'000})
        .set("idle_timeout", 0)
        .set("call_timeout", std::int64_t{5'000'000'000})
        .set("threads", 2)
        .set("looks", 4);
    return c;
}

struct Fixture {
    Fixture() {
        host.set_service(LARDER_SVC_CACHE, cache.api());
        host.set_service(LARDER_SVC_EXECUTOR, nullptr);
        cache.declare({"user", ""});
    }
    FakeHost host;
    FakeCache cache;
};

TEST_CASE("the plugin listens from start to stop, on each address, and frees what it bound") {
    Fixture f;
    const std::string folder =
        std::filesystem::temp_directory_path() / ("larder-resp-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    const std::string path = folder + "/s.sock";
    FakeConfig given = config();
    given.set("listen", std::vector<std::string>{"127.0.0.1:0", "unix:" + path})
        .set("unix_mode", "0620");
    std::string tcp;
    {
        FakeInstance instance(f.host, component(), given);
        REQUIRE(instance.created() == LARDER_OK);
        REQUIRE(instance.start() == LARDER_OK);
        const auto& table = instance.table<larder_gateway_v1>();
        char text[200];
        REQUIRE(table.address(instance.self(), 0, text, sizeof text) == LARDER_OK);
        tcp = text;
        REQUIRE(table.address(instance.self(), 1, text, sizeof text) == LARDER_OK);
        CHECK(std::string(text) == "unix:" + path);
        CHECK(table.address(instance.self(), 2, text, sizeof text) == LARDER_MISS);
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0620);
        RespClient a(tcp), b("unix:" + path);
        CHECK(a.ask({"SET", "user:1", "x"}) == "+OK");
        CHECK(b.ask({"GET", "user:1"}) == "$x");
        larder_gateway_stats stats{};
        stats.struct_size = sizeof stats;
        REQUIRE(table.stats(instance.self(), &stats) == LARDER_OK);
        CHECK(stats.connections == 2);
        CHECK(stats.requests == 2);
        // A second gateway cannot take the same socket while somebody answers there.
        FakeConfig same = config();
        same.set("listen", std::vector<std::string>{"unix:" + path});
        FakeInstance second(f.host, component(), same);
        REQUIRE(second.created() == LARDER_OK);
        CHECK(second.start() == LARDER_E_IO);
        CHECK_THAT(second.reason(), contains("cannot listen on unix:"));
        FakeConfig taken = config();
        taken.set("listen", std::vector<std::string>{tcp});
        FakeInstance third(f.host, component(), taken);
        CHECK(third.start() == LARDER_E_IO);
        CHECK_THAT(third.reason(), contains("cannot listen on " + tcp));
        CHECK(instance.stop() == LARDER_OK);
        CHECK(a.reply() == "closed");
        CHECK_FALSE(std::filesystem::exists(path));
    }
    std::filesystem::remove_all(folder);
}

TEST_CASE("an address that others reach needs users") {
    Fixture f;
    for (const char* open : {"0.0.0.0:0", "[::]:0", "192.168.1.2:7380"}) {
        FakeConfig given = config();
        given.set("listen", std::vector<std::string>{open});
        FakeInstance instance(f.host, component(), given);
        CHECK(instance.created() == LARDER_E_CONFIG);
        CHECK_THAT(instance.reason(), contains("configure password or users"));
    }
    f.host.set_secret("password", "secret\n");
    FakeConfig given = config();
    given.set("listen", std::vector<std::string>{"0.0.0.0:0"}).set("role", "write");
    FakeInstance instance(f.host, component(), given);
    REQUIRE(instance.created() == LARDER_OK);
    REQUIRE(instance.start() == LARDER_OK);
    char text[100];
    REQUIRE(instance.table<larder_gateway_v1>().address(instance.self(), 0, text, sizeof text) ==
            LARDER_OK);
    RespClient c(text);
    CHECK(c.ask({"GET", "user:1"}) == "-NOAUTH Authentication required.");
    CHECK(c.ask({"AUTH", "secret"}) == "+OK");
    CHECK(c.ask({"LARDER", "DROP", "user"}).starts_with("-NOPERM"));
}

TEST_CASE("options that make no sense are refused with what to write") {
    Fixture f;
    const auto reason = [&](FakeConfig given) {
        FakeInstance instance(f.host, component(), given);
        CHECK(instance.created() == LARDER_E_CONFIG);
        return instance.reason();
    };
    CHECK_THAT(reason(config().set("listen", std::vector<std::string>{"localhost"})),
               contains("'localhost' is not HOST:PORT"));
    CHECK_THAT(reason(config().set("unix_mode", "999")), contains("octal"));
    CHECK_THAT(reason(config().set("input_limit", 1 << 20)), contains("make it at least 1049600"));
    CHECK_THAT(reason(config().set("output_limit", 1 << 20)), contains("at least twice max_value"));
    f.host.set_secret("users", "alice read pw\nbob\n");
    CHECK_THAT(reason(config()), contains("line 2 is not NAME ROLE PASSWORD"));
}

}  // namespace
}  // namespace larder::test
