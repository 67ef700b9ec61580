// tests/unit/invalidator_event/options_test.cpp -- what cannot be is refused before anything is connected to.
#include "plugins/invalidator_event/event_source.hpp"

#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <string>
#include <vector>

using namespace larder::test;
using larder::invalidator_event::Options;
using Component = larder::plugin::Invalidator<larder::invalidator_event::EventSource>;

namespace {

FakeConfig on(const char* url) {
    return FakeConfig().set("url", url).set("channels", std::vector<std::string>{"c"});
}

Options read(FakeHost& host, const FakeConfig& config) {
    return Options::read(larder::plugin::Host(host.get()),
                         larder::plugin::Config(host.get(), config.get()));
}

}  // namespace

TEST_CASE("a url says which server, where and who; a secret takes the place of its password") {
    FakeHost host;
    const Options redis = read(host, on("redis://u:p%40@h:7000/2"));
    CHECK(redis.server == Options::Server::redis);
    CHECK(redis.endpoint.text() == "h:7000");
    CHECK(redis.connection.password == "p@");
    CHECK(redis.connection.db == 2);
    host.set_secret("password", "other");
    CHECK(read(host, on("redis://u:p@h")).connection.password == "other");
    const Options postgres = read(host, on("postgresql://me:hidden@db.example:5433/hotel?sslmode=require"));
    CHECK(postgres.server == Options::Server::postgres);
    CHECK(postgres.postgres_password == "other");
    CHECK(postgres.postgres_shown == "postgres db.example:5433/hotel");
}

TEST_CASE("what does not go together is refused with what to write instead") {
    struct Row {
        FakeConfig config;
        const char* part;
    };
    const std::vector<std::string> one{"s"};
    const Row rows[] = {
        {FakeConfig().set("url", "redis://h"), "nothing to listen to"},
        {on("redis://h:x"), "port"},
        {on("redis://u@h"), "USER:PASSWORD"},
        {on("redis://h").set("channels", std::vector<std::string>{"a", "a"}), "named twice"},
        {on("redis://h").set("channels", std::vector<std::string>{""}), "empty name"},
        {on("redis://h").set("group", "g"), "of streams only"},
        {on("redis://h").set("streams", one).set("group", "g").set("position_file", "/p"), "one of the two"},
        {on("redis://h").set("events", one), "NAME=EVENT"},
        {on("redis://h").set("fields", one), "VALUE=PATH"},
        {on("rediss://h").set("tls_ca", "/nowhere.pem"), "tls_ca"},
        {on("redis://h").set("tls_cert", "/c"), "belong together"},
        {on("postgresql://h/d").set("streams", one), "of Redis only"},
        {on("postgresql://h/d").set("channels", std::vector<std::string>{std::string(64, 'x')}), "63"},
    };
    for (const Row& row : rows) {
        FakeHost host;
        const FakeInstance instance(host, Component::value, row.config);
        INFO(row.part);
        CHECK(instance.created() == LARDER_E_CONFIG);
        CHECK_THAT(instance.reason(), contains(row.part));
    }
}
