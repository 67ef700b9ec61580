// tests/unit/api/deliveries_test.cpp -- events that wait for an exporter nobody answers, on virtual time.
#include "catch.hpp"
#include "kernel/api/deliveries.hpp"
#include "kernel/loader/plugin_registry.hpp"
#include "support/quiet_services.hpp"
#include "support/temporary_folder.hpp"

#include <fstream>
#include <sstream>

using namespace larder;

TEST_CASE("events beyond what may wait are lost and counted, which the log says once") {
    const test::TemporaryFolder folder;
    test::QuietServices services;
    loader::PluginRegistry registry{{{LARDER_BIN_DIR "/plugins"}, true}};
    std::string problem;
    const auto found = registry.find(loader::Kind::exporter, "webhook", problem);
    INFO(problem);
    REQUIRE(found);
    loader::GivenOption url;
    url.name = "url";
    url.value = {std::string("http://127.0.0.1:1/"), false};
    auto options = loader::check_options(*found->component, "ops", {url});
    REQUIRE(options.ok());
    const auto webhook = registry.make(*found, std::move(options.values), "sink.ops", services, problem);
    INFO(problem);
    REQUIRE(webhook);

    {
        config::LogOptions to;
        to.file = folder.file("log");
        const auto log = config::Log::open(to, problem);
        REQUIRE(log);
        ManualClock clock;
        ManualExecutor executor(clock);
        const auto deliveries = std::make_shared<api::Deliveries>(executor, clock, log);
        for (std::size_t i = 0; i < api::Deliveries::most_waiting + 3; ++i)
            deliveries->send(webhook, {LARDER_LOG_INFO, i + 1, "alert", "", "{}"});
        CHECK(deliveries->counts().lost == 3);
        executor.run();
        CHECK(deliveries->counts().failed == 1);
        executor.advance(Ms(600'000));
        CHECK(deliveries->counts().lost >= 3 + api::Deliveries::most_at_once);  // given up, after eight tries
        CHECK(deliveries->counts().delivered == 0);
        deliveries->close();
        executor.stop();
    }  // the log is written out
    std::stringstream text;
    text << std::ifstream(folder.file("log")).rdbuf();
    const std::string said = text.str();
    CHECK(said.find("the oldest are lost") != std::string::npos);
    CHECK(said.find("the oldest are lost") == said.rfind("the oldest are lost"));
    CHECK(said.find("gave up 16 events after 8 tries") != std::string::npos);
}
