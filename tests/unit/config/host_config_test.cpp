// tests/unit/config/host_config_test.cpp -- what larder.toml may say, and how it is told when it may not.
#include "catch.hpp"
#include "kernel/config/host_config.hpp"

#include <map>

using namespace larder;
using config::Section;
using test::contains;

namespace {

config::Environment with_env(std::map<std::string, std::string, std::less<>> values) {
    config::Environment out;
    out.env = [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
        const auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
    return out;
}

config::LoadedConfig parse(std::string text, config::Environment environment = {}) {
    return config::parse_host_config("conf/larder.toml", std::move(text), std::move(environment));
}

// Everything said about a file, as `larder check` prints it.
std::string said(const config::LoadedConfig& loaded) {
    return dsl::render_text(*loaded.config.sources, loaded.found, false);
}
std::string told(std::string text, config::Environment environment = {}) {
    return said(parse(std::move(text), std::move(environment)));
}

}  // namespace

TEST_CASE("instances stand in the order of the file, not of their names") {
    const auto loaded = parse("[store.z]\nplugin = \"memory\"\n"
                              "[gateway.resp]\nplugin = \"resp\"\n"
                              "[store.a]\nplugin = \"memory\"\ncapacity = \"1GiB\"\n");
    REQUIRE(said(loaded) == "");
    const auto stores = loaded.config.all(Section::store);
    REQUIRE(stores.size() == 2);
    CHECK(stores[0]->name == "z");
    CHECK(stores[1]->name == "a");
    REQUIRE(stores[1]->options.size() == 1);
    CHECK(stores[1]->options[0].key == "capacity");
}

TEST_CASE("an empty file is a configuration with every default") {
    const auto loaded = parse("");
    REQUIRE(loaded.ok());
    CHECK(loaded.config.limits.deadline == std::chrono::seconds(5));
    CHECK(loaded.config.limits.max_value_bytes == 64u << 20);
    CHECK(loaded.config.admin.enabled);
    CHECK(loaded.config.log.level == 2);
    CHECK_FALSE(loaded.config.trust_path);
}

TEST_CASE("every kernel key takes a value of its own kind") {
    const auto loaded = parse(R"(
policy = ["../policies/hotel.larder"]
profile = "production"
[plugins]
path = ["plugins", "/opt/larder"]
trust_path = true
[log]
level = "debug"
format = "json"
file = "/var/log/larder.log"
[admin]
enabled = false
socket = "/run/x.sock"
[secrets]
binding = { file = "binding.key" }
[limits]
records = 2048
max_value = "1MiB"
deadline = "250ms"
workers = 7
[store.l1]
plugin = "memory"
workers = 9
timeout = "1m30s"
)");
    REQUIRE(said(loaded) == "");
    const auto& config = loaded.config;
    CHECK(config.policy == std::vector<std::string>{"policies/hotel.larder"});
    CHECK(config.profile == "production");
    CHECK(config.plugin_path == std::vector<std::string>{"conf/plugins", "/opt/larder"});
    CHECK(config.trust_path);
    CHECK(config.log.level == 1);
    CHECK(config.log.format == config::LogFormat::json);
    CHECK(config.log.file == "/var/log/larder.log");
    CHECK_FALSE(config.admin.enabled);
    CHECK(config.admin.socket == "/run/x.sock");
    REQUIRE(config.binding);
    CHECK(config.binding->text() == "file:conf/binding.key");
    CHECK(config.limits.records == 2048);
    CHECK(config.limits.max_value_bytes == 1u << 20);
    CHECK(config.limits.deadline == std::chrono::milliseconds(250));
    CHECK(config.limits.workers == 7);
    CHECK(config.instances[0].workers == 9);
    CHECK(config.instances[0].timeout == std::chrono::seconds(90));
    CHECK(config.instances[0].options.empty());
}

TEST_CASE("an unknown key is an error with its place and the key that was meant") {
    const auto text = told("[limits]\nrecords = 2048\nmax_valeu = \"1MiB\"\n");
    CHECK_THAT(text, contains("error[L0502]: unknown key `max_valeu` in [limits]"));
    CHECK_THAT(text, contains("conf/larder.toml:3:1"));
    CHECK_THAT(text, contains("did you mean `max_value`?"));
}

TEST_CASE("an unknown table is an error, and so is a section with no name in it") {
    CHECK_THAT(told("[stores.l1]\nplugin = \"memory\"\n"), contains("did you mean `store`?"));
    CHECK_THAT(told("[store]\nplugin = \"memory\"\n"), contains("[store.NAME]"));
    CHECK_THAT(told("limits = 3\n"), contains("`limits` is a table"));
}

TEST_CASE("all errors of a file come in one run, in its order") {
    const auto loaded = parse("profil = \"x\"\n[log]\nlevel = \"loud\"\n[limits]\ndeadline = 5\n"
                              "max_key = \"64kb\"\n[store.l1]\n");
    REQUIRE(loaded.found.size() == 5);
    CHECK_THAT(loaded.found[0].message, contains("profil"));
    CHECK_THAT(loaded.found[1].message, contains("`loud` is not one of trace, debug, info"));
    CHECK_THAT(loaded.found[2].message, contains("expected a duration"));
    CHECK_THAT(loaded.found[3].message, contains("expected a size"));
    CHECK_THAT(loaded.found[4].message, contains("[store.l1] names no plugin"));
    for (std::size_t i = 1; i < loaded.found.size(); ++i)
        CHECK(loaded.found[i - 1].primary.at.begin < loaded.found[i].primary.at.begin);
}

TEST_CASE("a number without its unit is told which unit it likely wants") {
    CHECK_THAT(told("[limits]\ndeadline = 5\n"), contains("\"5s\""));
    CHECK_THAT(told("[limits]\nmax_value = 1048576\n"), contains("\"1048576B\""));
}

TEST_CASE("values beyond their range are refused with the range") {
    CHECK_THAT(told("[limits]\nworkers = 0\n"), contains("from 1 to 256"));
    CHECK_THAT(told("[limits]\nworkers = -3\n"), contains("from 1 to 256"));
    CHECK_THAT(told("[limits]\nmax_value = \"2GiB\"\n"), contains("out of range"));
    CHECK_THAT(told("[limits]\ndeadline = \"2h\"\n"), contains("out of range"));
    CHECK_THAT(told("[limits]\ndeadline = \"0s\"\n"), contains("out of range"));
}

TEST_CASE("any value may come from the environment, typed by its place") {
    const auto loaded = parse("profile = { env = \"PROFILE\" }\n"
                              "[limits]\nworkers = { env = \"WORKERS\", default = 3 }\n"
                              "deadline = { env = \"DEADLINE\", default = \"2s\" }\n"
                              "[admin]\nenabled = { env = \"ADMIN\" }\n",
                              with_env({{"PROFILE", "production"}, {"WORKERS", "12"}, {"ADMIN", "false"}}));
    REQUIRE(said(loaded) == "");
    CHECK(loaded.config.profile == "production");
    CHECK(loaded.config.limits.workers == 12);
    CHECK(loaded.config.limits.deadline == std::chrono::seconds(2));
    CHECK_FALSE(loaded.config.admin.enabled);
}

TEST_CASE("an environment variable that is not set and has no default is an error that names it") {
    const auto text = told("profile = { env = \"LARDER_PROFILE\" }\n", with_env({}));
    CHECK_THAT(text, contains("`LARDER_PROFILE` is not set"));
    CHECK_THAT(text, contains("L0505"));
}

TEST_CASE("what an environment variable holds is judged like what is written") {
    CHECK_THAT(told("[limits]\nworkers = { env = \"W\" }\n", with_env({{"W", "many"}})),
               contains("expected a whole number"));
    CHECK_THAT(told("[limits]\nworkers = \"12\"\n"), contains("expected a whole number"));
}

TEST_CASE("a secret written into the file is refused and not repeated") {
    const auto loaded = parse("[secrets]\nbinding = \"hunter2-hunter2\"\n");
    REQUIRE(loaded.found.size() == 1);
    CHECK(loaded.found[0].code == "L0504");
    CHECK(loaded.found[0].message.find("hunter2") == std::string::npos);
    CHECK_FALSE(loaded.config.binding);
    CHECK_FALSE(parse("[secrets]\nbinding = { env = \"B\", default = \"x\" }\n").ok());
}

TEST_CASE("no message shows what may be a secret, not even the line it stands in") {
    for (const char* line : {"pasword_1 = \"hunter2\"", "auth = [\"hunter2\"]", "api_key = 'hunter2'",
                             "url = \"redis://me:hunter2@host/0\"",
                             "password = { env = \"P\", default = \"hunter2\", hint = 1 }"}) {
        INFO(line);
        const auto text = told("[limits]\n" + std::string(line) + "\n");
        CHECK_THAT(text, contains("L050"));
        CHECK(text.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("an option of a plugin that is a reference stays one until it is needed") {
    bool asked = false;
    config::Environment environment;
    environment.env = [&](std::string_view) {
        asked = true;
        return std::optional<std::string>("secret");
    };
    const auto loaded = parse("[store.l2]\nplugin = \"redis\"\npassword = { env = \"REDIS_PASSWORD\" }\n",
                              environment);
    REQUIRE(said(loaded) == "");
    const auto& option = loaded.config.instances[0].options.at(0);
    REQUIRE(option.value.get<config::Reference>() != nullptr);
    CHECK(option.value.get<config::Reference>()->text() == "env:REDIS_PASSWORD");
    CHECK_FALSE(asked);
}

TEST_CASE("a reference has only the keys of a reference") {
    CHECK_THAT(told("profile = { env = \"P\", defualt = \"x\" }\n", with_env({{"P", "a"}})),
               contains("`defualt` does not belong into a reference"));
    CHECK_THAT(told("profile = { env = 3 }\n", with_env({})), contains("`env` is followed by a text"));
    CHECK_THAT(told("profile = { env = \"P\", default = { env = \"Q\" } }\n", with_env({{"P", "a"}})),
               contains("not another reference"));
}

TEST_CASE("two instances of one kind have two names; of two kinds they may share one") {
    CHECK_THAT(told("[exporter.ops]\nplugin = \"webhook\"\n[sink.ops]\nplugin = \"webhook\"\n"),
               contains("a second exporter called `ops`"));
    CHECK(parse("[store.main]\nplugin = \"memory\"\n[gateway.main]\nplugin = \"resp\"\n").ok());
    CHECK_THAT(told("[store.\"a b\"]\nplugin = \"memory\"\n"), contains("`a b` is not a name"));
}

TEST_CASE("broken TOML is one finding at its place") {
    const auto loaded = parse("[log]\nlevel = \n");
    REQUIRE(loaded.found.size() == 1);
    CHECK(loaded.found[0].code == "L0501");
    CHECK(loaded.config.sources->place(loaded.found[0].primary.at.begin).line == 2);
}

TEST_CASE("places count characters, so a key behind umlauts is found") {
    const auto text = told("profile = \"\xC3\xBC\xC3\xBC\"\nlog = { l\xC3\xA4ut = 1 }\n");
    CHECK_FALSE(text.empty());
    const auto loaded = parse("a = \"\xC3\xBC\xC3\xBC\"\nlog = { level = \"\xC3\xBC\", formt = 1 }\n");
    REQUIRE(loaded.found.size() == 3);
    const auto& last = loaded.found[2].primary.at;
    CHECK(loaded.config.sources->text(last) == "formt");
}

TEST_CASE("hostile bytes end in a finding") {
    CHECK_FALSE(parse(std::string("a\0b = 1", 7)).ok());
    CHECK_FALSE(parse("\xff\xfe\xff").ok());
    CHECK_FALSE(parse(std::string(100'000, '[')).ok());
    CHECK_FALSE(parse("x = " + std::string(100'000, '[')).ok());
    CHECK_FALSE(parse(std::string((1u << 20) + 1, '#')).ok());
    CHECK_FALSE(parse("x = 1979-05-27").ok());
}

TEST_CASE("a file that is not there is an error that says what to do") {
    const auto loaded = config::load_host_config("/nowhere/larder.toml");
    REQUIRE(loaded.found.size() == 1);
    CHECK_THAT(loaded.found[0].message, contains("/nowhere/larder.toml"));
    CHECK_THAT(loaded.found[0].helps.at(0), contains("--conf"));
}

TEST_CASE("without a file there is a memory store and a RESP gateway on loopback") {
    const auto loaded = config::default_host_config({"/nowhere"});
    REQUIRE(loaded.ok());
    REQUIRE(loaded.config.instances.size() == 2);
    CHECK(loaded.config.all(Section::store)[0]->plugin == "memory");
    CHECK(loaded.config.all(Section::gateway)[0]->plugin == "resp");
    CHECK(loaded.config.file.empty());
}
