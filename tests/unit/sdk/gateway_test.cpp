// tests/unit/sdk/gateway_test.cpp -- a gateway that pretends to listen, called through its C table.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/gateway.hpp>

using namespace larder::plugin;

namespace {

class Door {
  public:
    static constexpr const char* name = "door";
    static constexpr std::uint64_t caps = 0;
    Door(Host, const Config&) {}
    void start() { open_ = true; }
    void stop(std::uint64_t) { open_ = false; }
    std::string address(std::uint32_t index) const {
        return open_ && index == 0 ? "127.0.0.1:7380" : "";
    }
    larder_status stats(larder_gateway_stats& out) const {
        out.connections = 3;
        return LARDER_OK;
    }

  private:
    bool open_ = false;
};

}  // namespace

TEST_CASE("a gateway tells what it has bound, in the room it is given", "[sdk]") {
    larder::test::FakeHost host;
    larder::test::FakeInstance door(host, Gateway<Door>::value, larder::test::FakeConfig());
    REQUIRE(door.created() == LARDER_OK);
    const auto& t = door.table<larder_gateway_v1>();
    char text[15];
    CHECK(t.address(door.self(), 0, text, sizeof text) == LARDER_MISS);
    REQUIRE(door.start() == LARDER_OK);
    CHECK(t.address(door.self(), 0, text, sizeof text) == LARDER_OK);
    CHECK(std::string(text) == "127.0.0.1:7380");
    CHECK(t.address(door.self(), 0, text, sizeof text - 1) == LARDER_E_TOO_LARGE);
    CHECK(t.address(door.self(), 1, text, sizeof text) == LARDER_MISS);
    larder_gateway_stats stats{};
    stats.struct_size = sizeof stats;
    CHECK(t.stats(door.self(), &stats) == LARDER_OK);
    CHECK(stats.connections == 3);
    CHECK(door.stop() == LARDER_OK);
}
