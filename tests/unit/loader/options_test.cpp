// tests/unit/loader/options_test.cpp -- options against a manifest: typed values, or findings that
// name the remedy.
#include "kernel/loader/options.hpp"

#include "tests/catch.hpp"

using namespace larder::loader;

namespace {

const ComponentManifest& component() {
    static const ComponentManifest parsed = [] {
        std::string problem;
        auto manifest = parse_manifest(R"(id = "org.larder.x"
version = "1.0.0"
abi = "1.0"
license = "MIT"
vendor = "v"
[[component]]
kind = "store"
name = "x"
option = [
  { name = "capacity", type = "size", default = "64MiB", min = "1KiB" },
  { name = "ttl", type = "duration", max = "1h" },
  { name = "shards", type = "int", default = 4, min = 1, max = 64 },
  { name = "ratio", type = "float", default = 1 },
  { name = "eager", type = "bool", default = false },
  { name = "mode", type = "enum", values = ["lru", "fifo"] },
  { name = "url", type = "url", schemes = ["redis", "unix"] },
  { name = "hosts", type = "list<string>", default = ["a"] },
  { name = "steps", type = "list<duration>" },
  { name = "password", type = "secret" },
  { name = "file", type = "path" },
  { name = "inner", type = "ref", ref = "store" },
  { name = "old", type = "int", deprecated = "use shards" },
]
hint = [ { names = ["max_size", "max-size"], help = "write capacity" } ]
)",
                                       problem);
        INFO(problem);
        REQUIRE(manifest.has_value());
        return manifest->components.at(0);
    }();
    return parsed;
}

GivenOption given(const std::string& name, GivenValue value) {
    return {name, std::move(value), "larder.toml:3:1"};
}
GivenValue text(const char* value) { return {std::string(value), false}; }
GivenValue from_env(const char* value) { return {std::string(value), true}; }
GivenValue number(std::int64_t value) { return {value, false}; }

// The one finding that this option must give.
OptionFinding finding_of(const std::string& name, GivenValue value) {
    const auto checked = check_options(component(), "l1", {given(name, std::move(value))});
    REQUIRE(checked.found.size() == 1);
    CHECK(checked.found[0].option == 0);
    return checked.found[0];
}
template <class V>
V value_of(const std::string& name, GivenValue value) {
    const auto checked = check_options(component(), "l1", {given(name, std::move(value))});
    for (const auto& finding : checked.found) {
        INFO(finding.message);
        CHECK_FALSE(finding.error);
    }
    REQUIRE(checked.values.find(name) != nullptr);
    return std::get<V>(checked.values.find(name)->is);
}

}  // namespace

TEST_CASE("values come typed, in bytes and nanoseconds", "[loader]") {
    CHECK(value_of<std::int64_t>("capacity", text("1GiB")) == 1073741824);
    CHECK(value_of<std::int64_t>("capacity", number(4096)) == 4096);
    CHECK(value_of<std::int64_t>("ttl", text("1m30s")) == 90'000'000'000);
    CHECK(value_of<std::int64_t>("shards", number(8)) == 8);
    CHECK(value_of<double>("ratio", number(2)) == 2.0);
    CHECK(value_of<double>("ratio", {0.25, false}) == 0.25);
    CHECK(value_of<bool>("eager", {true, false}));
    CHECK(value_of<std::string>("mode", text("fifo")) == "fifo");
    CHECK(value_of<std::string>("url", text("redis://host:6379")) == "redis://host:6379");
    CHECK(value_of<SecretRef>("password", {SecretRef{"env:PW"}, false}).text == "env:PW");
    CHECK(value_of<std::vector<std::string>>("hosts",
                                             {GivenValue::List{text("b"), text("c")}, false}) ==
          std::vector<std::string>{"b", "c"});
    CHECK(value_of<std::vector<std::string>>("steps", {GivenValue::List{text("1s")}, false}) ==
          std::vector<std::string>{"1000000000"});
}

TEST_CASE("one value stands for a list of it", "[loader]") {
    CHECK(value_of<std::vector<std::string>>("hosts", text("b")) == std::vector<std::string>{"b"});
    CHECK(value_of<std::vector<std::string>>("steps", text("2s")) ==
          std::vector<std::string>{"2000000000"});
}

TEST_CASE("what comes from the environment is text and still typed", "[loader]") {
    CHECK(value_of<std::int64_t>("shards", from_env("8")) == 8);
    CHECK(value_of<std::int64_t>("capacity", from_env("4096")) == 4096);
    CHECK(value_of<bool>("eager", from_env("true")));
    CHECK(value_of<double>("ratio", from_env("0.5")) == 0.5);
    CHECK(finding_of("shards", from_env("many")).message ==
          "shards: expected a whole number, found \"many\"");
    CHECK(finding_of("shards", text("8")).message ==
          "shards: expected a whole number, found \"8\"");
}

TEST_CASE("defaults fill what is not given, and only they have no place", "[loader]") {
    const auto checked = check_options(component(), "l1", {given("shards", number(2))});
    REQUIRE(checked.ok());
    CHECK(checked.values.instance() == "l1");
    CHECK(checked.values.find("shards")->where == "larder.toml:3:1");
    CHECK(std::get<std::int64_t>(checked.values.find("capacity")->is) == 67108864);
    CHECK(checked.values.find("capacity")->where.empty());
    CHECK(std::get<double>(checked.values.find("ratio")->is) == 1.0);
    CHECK(std::get<std::vector<std::string>>(checked.values.find("hosts")->is) ==
          std::vector<std::string>{"a"});
    CHECK(checked.values.find("ttl") == nullptr);
}

TEST_CASE("a wrong value is refused with what was expected", "[loader]") {
    CHECK(finding_of("capacity", text("64MB ")).message ==
          "capacity: expected a size, found \"64MB \"");
    CHECK(finding_of("capacity", text("64mb")).help ==
          "write \"512B\", \"64KiB\", \"256MiB\" or \"1GB\"");
    CHECK(finding_of("capacity", number(-5)).message == "capacity: expected a size, found -5");
    CHECK(finding_of("capacity", text("512B")).message ==
          "capacity: 512 bytes is below the least, 1024 bytes");
    CHECK(finding_of("ttl", text("2h")).message == "ttl: 7200s is above the most, 3600s");
    CHECK(finding_of("shards", number(65)).message == "shards: 65 is above the most, 64");
    CHECK(finding_of("shards", {8.0, false}).message == "shards: expected a whole number, found 8");
    CHECK(finding_of("eager", number(1)).message == "eager: expected true or false, found 1");
    CHECK(finding_of("file", text("")).message == "file: expected a path as text, found \"\"");
    CHECK(finding_of("hosts", number(5)).message == "hosts: expected a list, found 5");
    CHECK(finding_of("steps", text("soon")).message == "steps: expected a list, found \"soon\"");
    CHECK(finding_of("hosts", {GivenValue::List{number(5)}, false}).message ==
          "hosts: expected a text, found 5");
    CHECK(finding_of("url", text("localhost")).message ==
          "url: expected a URL, found \"localhost\"");
    CHECK(finding_of("url", text("http://x")).message ==
          "url: a URL begins with redis, unix, found \"http\"");
}

TEST_CASE("a duration without its unit is told the likely fixes", "[loader]") {
    const auto finding = finding_of("ttl", number(5));
    CHECK(finding.message == "ttl: a duration needs its unit, found 5");
    CHECK(finding.help == "write \"5s\" or \"5ms\"");
}

TEST_CASE("a secret in the file itself is an error that does not repeat it", "[loader]") {
    const auto finding = finding_of("password", text("hunter2"));
    CHECK(finding.message == "password: a secret does not stand in a configuration file");
    CHECK(finding.help == "write { env = \"NAME\" } or { file = \"/path\" }");
}

TEST_CASE("an unknown option or word is answered with the nearest one", "[loader]") {
    CHECK(finding_of("capasity", number(1)).message == "store x has no option \"capasity\"");
    CHECK(finding_of("capasity", number(1)).help == "did you mean \"capacity\"?");
    CHECK(finding_of("zzzzzzzzz", number(1)).help.find("its options are capacity, ttl") == 0);
    CHECK(finding_of("max-size", number(1)).message == "store x has no option \"max-size\"");
    CHECK(finding_of("max-size", number(1)).help == "write capacity");
    CHECK(finding_of("mode", text("lruu")).message ==
          "mode: expected one of lru, fifo, found \"lruu\"");
    CHECK(finding_of("mode", text("lruu")).help == "did you mean \"lru\"?");
}

TEST_CASE("a deprecated option is a warning and is taken", "[loader]") {
    const auto checked = check_options(component(), "l1", {given("old", number(1))});
    REQUIRE(checked.found.size() == 1);
    CHECK(checked.ok());
    CHECK(checked.found[0].help == "use shards");
    CHECK(checked.values.find("old") != nullptr);
}

TEST_CASE("all findings come in one go, those about the whole instance too", "[loader]") {
    ComponentManifest strict = component();
    strict.options[1].required = true;
    strict.rules.push_back({{"url", "inner"}});
    const auto checked =
        check_options(strict, "l1", {given("shards", number(0)), given("modes", text("x"))});
    REQUIRE(checked.found.size() == 4);
    CHECK(checked.found[0].option == 0);
    CHECK(checked.found[1].option == 1);
    CHECK(checked.found[2].option == OptionFinding::instance);
    CHECK(checked.found[2].message == "store x needs the option \"ttl\"");
    CHECK(checked.found[3].message == "store x needs one of the options url, inner");
}

TEST_CASE("the configuration service answers by type", "[loader]") {
    const auto checked = check_options(component(), "l1",
                                       {given("mode", text("lru")), given("ttl", text("1s")),
                                        given("password", {SecretRef{"env:PW"}, false})});
    REQUIRE(checked.ok());
    const larder_config* config = checked.values.as_config();
    const larder_config_api& api = OptionValues::api();
    std::int64_t whole = 0;
    larder_bytes bytes{};
    CHECK(api.get_int(config, "ttl", &whole) == LARDER_OK);
    CHECK(whole == 1'000'000'000);
    CHECK(api.get_str(config, "mode", &bytes) == LARDER_OK);
    CHECK(std::string(static_cast<const char*>(bytes.data), bytes.size) == "lru");
    CHECK(api.get_int(config, "mode", &whole) == LARDER_E_INVALID);
    CHECK(api.get_str(config, "password", &bytes) == LARDER_E_INVALID);
    CHECK(api.get_str(config, "file", &bytes) == LARDER_MISS);
    CHECK(api.get_list(config, "hosts", 0, &bytes) == LARDER_OK);
    CHECK(api.get_list(config, "hosts", 1, &bytes) == LARDER_MISS);
    CHECK(api.where(config, "mode", &bytes) == LARDER_OK);
    CHECK(api.where(config, "capacity", &bytes) == LARDER_MISS);
    CHECK(std::string(api.instance_name(config)) == "l1");
}

TEST_CASE("what changed between two sets of options is what differs", "[loader]") {
    const auto before =
        check_options(component(), "l1", {given("shards", number(2)), given("ttl", text("1s"))});
    const auto after =
        check_options(component(), "l1", {given("shards", number(3)), given("mode", text("lru"))});
    CHECK(changed_options(before.values, before.values).empty());
    CHECK(changed_options(before.values, after.values) ==
          std::vector<std::string>{"mode", "shards", "ttl"});
}
