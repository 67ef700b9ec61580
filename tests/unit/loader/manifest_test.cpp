// tests/unit/loader/manifest_test.cpp -- what a manifest may say, and what is said of one that is
// wrong.
#include "kernel/loader/manifest.hpp"

#include "tests/catch.hpp"

using namespace larder::loader;

namespace {

const std::string head =
    "id = \"org.larder.x\"\nversion = \"1.0.0\"\nabi = \"1.0\"\nlicense = \"MIT\"\nvendor = "
    "\"v\"\n";
const std::string component = "[[component]]\nkind = \"store\"\nname = \"x\"\n";

// The problem of a manifest that must be refused.
std::string problem_of(const std::string& text) {
    std::string problem;
    CHECK_FALSE(parse_manifest(text, problem).has_value());
    return problem;
}
std::string problem_of_option(const std::string& lines) {
    return problem_of(head + component + "[[component.option]]\n" + lines);
}

}  // namespace

TEST_CASE("a manifest with one of everything is read as it stands", "[loader]") {
    std::string problem;
    const auto manifest = parse_manifest(head + R"(requires_abi = "1.0"
[[component]]
kind = "store"
name = "redis"
doc = "Values in a server."
caps = ["shared", "ttl"]
[[component.option]]
name = "url"
type = "url"
required = true
schemes = ["redis", "unix"]
[[component.option]]
name = "timeout"
type = "duration"
default = "2s"
min = "1ms"
max = "1m"
[[component.option]]
name = "room"
type = "size"
default = 4096
max = "1GiB"
[[component.option]]
name = "mode"
type = "enum"
values = ["a", "b"]
default = "b"
deprecated = "use room"
[[component.option]]
name = "waits"
type = "list<duration>"
default = ["1s", "2s"]
[[component.option]]
name = "inner"
type = "ref"
ref = "store"
[[component.rule]]
require_one_of = ["url", "inner"]
[[component.hint]]
names = ["servers", "hosts"]
help = "write url"
[[component.metric]]
name = "reconnects_total"
kind = "counter"
doc = "Times."
)",
                                         problem);
    INFO(problem);
    REQUIRE(manifest.has_value());
    CHECK(manifest->id == "org.larder.x");
    CHECK(manifest->abi == LARDER_ABI_VERSION);
    const ComponentManifest* redis = manifest->component(Kind::store, "redis");
    REQUIRE(redis != nullptr);
    CHECK(redis->caps == (LARDER_STORE_CAP_SHARED | LARDER_STORE_CAP_TTL));
    REQUIRE(redis->options.size() == 6);
    CHECK(redis->option("url")->required);
    CHECK(redis->option("url")->schemes == std::vector<std::string>{"redis", "unix"});
    CHECK(std::get<std::int64_t>(*redis->option("timeout")->fallback) == 2'000'000'000);
    CHECK(redis->option("timeout")->min == 1e6);
    CHECK(redis->option("room")->max == 1073741824.0);
    CHECK(std::get<std::string>(*redis->option("mode")->fallback) == "b");
    CHECK(redis->option("mode")->deprecated == "use room");
    CHECK(redis->option("waits")->type == OptionType::list);
    CHECK(redis->option("waits")->element == OptionType::duration);
    CHECK(std::get<std::string>(redis->option("waits")->fallback_list->at(1)) == "2000000000");
    CHECK(redis->rules.at(0).require_one_of.size() == 2);
    CHECK(redis->hints.at(0).names == std::vector<std::string>{"servers", "hosts"});
    CHECK(redis->hints.at(0).help == "write url");
    CHECK(redis->metrics.at(0).name == "reconnects_total");
}

TEST_CASE("a manifest that lacks something is refused with its line", "[loader]") {
    CHECK(problem_of("id = ") ==
          "manifest line 1: Error while parsing key-value pair: encountered end-of-file");
    CHECK_THAT(problem_of(component), larder::test::contains("expected abi = \"...\""));
    CHECK_THAT(problem_of("abi = \"1.0\"\n" + component),
               larder::test::contains("expected id = \"...\""));
    CHECK(problem_of(head) == "manifest line 1: expected at least one [[component]]");
    CHECK(problem_of("abi = \"one\"\n") ==
          "manifest line 1: abi is \"1.0\" or the like, found \"one\"");
    CHECK(problem_of("abi = 1.0\n") == "manifest line 1: abi is a text");
    CHECK(problem_of("abi=\"1.0\"\nid=\"Org X\"\n" + component) ==
          "manifest line 2: id is a reversed domain of [a-z0-9.-], found \"Org X\"");
    CHECK(problem_of(head + "colour = \"red\"\n" + component) ==
          "manifest line 6: there is no key \"colour\" here");
    CHECK(problem_of(head + "component = 5\n") == "manifest line 6: write [[component]]");
}

TEST_CASE("a component that is none is refused with its line", "[loader]") {
    CHECK(problem_of(head + "[[component]]\nkind = \"bus\"\nname = \"x\"\n") ==
          "manifest line 7: there is no kind \"bus\"");
    CHECK(problem_of(head + "[[component]]\nkind = \"store\"\nname = \"X-1\"\n") ==
          "manifest line 8: a name is [a-z][a-z0-9_]*, found \"X-1\"");
    CHECK(problem_of(head + component + component) ==
          "manifest line 9: two components are store x");
    CHECK(problem_of(head + component + "caps = [\"sync\", \"fast\"]\n") ==
          "manifest line 9: a store has no capability \"fast\"");
    CHECK(problem_of(head + component + "[[component.hint]]\nnames = [\"a\"]\n") ==
          "manifest line 9: expected help = \"...\"");
    CHECK(problem_of(head + component + "[[component.rule]]\nrequire_one_of = [\"url\"]\n") ==
          "manifest line 9: a rule names the option \"url\", which is not there");
}

TEST_CASE("an option that is none is refused with its line", "[loader]") {
    CHECK(problem_of_option("name = \"a\"\ntype = \"number\"\n") ==
          "manifest line 11: there is no option type \"number\"");
    CHECK(problem_of_option("name = \"a\"\ntype = \"list<secret>\"\n") ==
          "manifest line 11: there is no option type \"list<secret>\"");
    CHECK(problem_of_option("name = \"a\"\ntype = \"enum\"\n") ==
          "manifest line 9: a is an enum and needs values = [...]");
    CHECK(problem_of_option("name = \"a\"\ntype = \"ref\"\n") ==
          "manifest line 9: a is a ref and needs ref = \"store\" or \"compressor\"");
    CHECK(problem_of_option("name = \"a\"\ntype = \"int\"\nmax = \"5s\"\n") ==
          "manifest line 12: a: max is not a value of its type");
    CHECK(problem_of_option("name = \"a\"\ntype = \"int\"\nrequird = true\n") ==
          "manifest line 12: there is no key \"requird\" here");
    CHECK(problem_of_option("name = \"a\"\ntype = \"int\"\nrequired = true\ndefault = 5\n") ==
          "manifest line 13: a is required: it has no default");
    CHECK(problem_of_option("name = \"a\"\ntype = \"string\"\n[[component.option]]\nname = "
                            "\"a\"\ntype = \"string\"\n") ==
          "manifest line 12: two options are named \"a\"");
}

TEST_CASE("a default is judged like a written value", "[loader]") {
    CHECK(problem_of_option("name = \"a\"\ntype = \"int\"\nmax = 4\ndefault = 5\n") ==
          "manifest line 13: the default of a: 5 is above the most, 4");
    CHECK(problem_of_option("name = \"a\"\ntype = \"duration\"\ndefault = \"5sec\"\n") ==
          "manifest line 12: the default of a: expected a duration, found \"5sec\"");
    CHECK(problem_of_option("name = \"a\"\ntype = \"secret\"\ndefault = \"x\"\n") ==
          "manifest line 12: the default of a: a secret does not stand in a configuration file");
}

TEST_CASE("words of a later 1.x are passed over, those of this version are mistakes", "[loader]") {
    const std::string text =
        "colour = \"red\"\n[[component]]\nkind = \"store\"\nname = \"x\"\ncaps = [\"sync\", "
        "\"warp\"]\n"
        "[[component]]\nkind = \"oracle\"\nname = \"delphi\"\n";
    std::string later = head + text;
    later.replace(later.find("abi = \"1.0\""), 11, "abi = \"1.4\"");
    std::string problem;
    const auto manifest = parse_manifest(later, problem);
    INFO(problem);
    REQUIRE(manifest.has_value());
    CHECK(manifest->components.size() == 1);
    CHECK(manifest->components[0].caps == LARDER_STORE_CAP_SYNC);
    CHECK_FALSE(parse_manifest(head + text, problem).has_value());
}

TEST_CASE("of another generation only the number is read", "[loader]") {
    std::string problem;
    const auto manifest = parse_manifest("abi = \"2.3\"\nname = 5\n", problem);
    REQUIRE(manifest.has_value());
    CHECK(manifest->abi == (2u << 16 | 3u));
}
