// tests/unit/exporter_cdn/cdn_test.cpp -- what the component refuses, and what it says of what is lost.
#include "catch.hpp"
#include "plugins/exporter_cdn/cdn.hpp"
#include "support/fake_host.hpp"

using namespace larder;

namespace {

const larder_component& component = plugin::Exporter<exporter_cdn::Cdn>::value;

test::FakeConfig config() {
    test::FakeConfig out;
    out.set("shape", "fastly").set("id", "S1").set("api", "http://127.0.0.1:1");
    return out;
}

larder_status tell(test::FakeInstance& cdn, const std::string& json) {
    larder_event event{};
    event.struct_size = sizeof event;
    const std::string type = "invalidate";
    event.type = {type.data(), type.size()};
    event.json = {json.data(), json.size()};
    const larder_event* const events[] = {&event};
    const larder_call call{};
    return cdn.table<larder_exporter_v1>().events(cdn.self(), events, 1, &call);
}

}  // namespace

TEST_CASE("a wrong id, address, mapping or token is refused, and the token is not repeated") {
    test::FakeHost host;
    host.set_secret("token", "t0ken");
    CHECK(test::FakeInstance(host, component, config()).created() == LARDER_OK);
    CHECK(test::FakeInstance(host, component, config().set("id", "../x")).created() == LARDER_E_CONFIG);
    CHECK(test::FakeInstance(host, component, config().set("api", "api.example")).created() == LARDER_E_CONFIG);
    CHECK(test::FakeInstance(host, component, config().set("api", "http://a/?b")).created() == LARDER_E_CONFIG);
    CHECK(test::FakeInstance(host, component, config().set("namespaces", std::vector<std::string>{"menu"})).created() == LARDER_E_CONFIG);
    host.set_secret("token", "t0ken\r\nX: y");
    const test::FakeInstance split(host, component, config());
    CHECK(split.created() == LARDER_E_CONFIG);
    CHECK(split.reason().find("t0ken") == std::string::npos);
}

TEST_CASE("what waits when the deadline of stop has come is counted and said") {
    test::FakeHost host;  // whose clock stands still, so nothing becomes due
    host.set_secret("token", "t0ken");
    test::FakeInstance cdn(host, component, config());
    REQUIRE(cdn.start() == LARDER_OK);
    CHECK(tell(cdn, R"({"changes":[{"action":"drop","target":"tag","text":"a"},{"action":"drop","target":"tag","text":"b"}]})") == LARDER_OK);
    CHECK(cdn.stop() == LARDER_OK);
    CHECK(host.metric("lost_total") == 2);
    CHECK(host.logged("2 purges are lost"));
    CHECK(tell(cdn, R"({"changes":[{"action":"drop","target":"tag","text":"c"}]})") == LARDER_OK);
    CHECK(host.metric("lost_total") == 3);
}

TEST_CASE("a tag that a CDN does not take, and one too many, are counted and said") {
    test::FakeHost host;
    host.set_secret("token", "t0ken");
    test::FakeInstance cdn(host, component, config().set("most_waiting", 1));
    REQUIRE(cdn.start() == LARDER_OK);
    tell(cdn, R"({"changes":[{"action":"drop","target":"tag","text":"a b"}]})");
    CHECK(host.metric("lost_total") == 1);
    CHECK(host.logged("spaces, commas"));
    tell(cdn, R"({"changes":[{"action":"drop","target":"tag","text":"a"},{"action":"drop","target":"tag","text":"b"}]})");
    CHECK(host.metric("lost_total") == 2);
    CHECK(host.logged("too many purges wait"));
    tell(cdn, "what is this");
    CHECK(host.logged("cannot be read"));
}
