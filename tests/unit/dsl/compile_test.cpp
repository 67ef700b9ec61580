// tests/unit/dsl/compile_test.cpp -- what a policy becomes: inheritance, values, scopes, items.
#include "catch.hpp"
#include "unit/dsl/compiling.hpp"

#include <array>

using namespace larder::dsl;
using namespace larder::dsl::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const Policy> policy(std::string text,
                                     const CompileOptions& options = plain_options()) {
    const Compiled c = compiled(std::move(text), options);
    INFO(rendered(c));
    REQUIRE(c.ok());
    return c.policy;
}

const Namespace& ns(const Policy& p, std::string_view name) {
    return p.namespaces[p.find(name).value()];
}

std::string filled(const Template& t, std::vector<std::string_view> values) {
    return t.fill(values);
}

}  // namespace

TEST_CASE("a nested namespace inherits everything; tag and with add, all else replaces") {
    const auto p = policy(
        "defaults { ttl 5m; tag \"all\" }\n"
        "namespace menu {\n  with tenant\n  ttl 1h jitter 10%\n  tag \"menu\"\n  static\n"
        "  namespace item { key \"{id}\"; tag \"item:{id}\", \"t:{tenant}\" }\n"
        "  namespace list { key \"all\"; ttl 1m }\n}\n"
        "namespace other { key \"{x}\"; static }\n");
    const Namespace& item = ns(*p, "menu.item");
    CHECK(item.ttl->ttl == 1h);
    CHECK(item.ttl->jitter == Approx(0.1));
    CHECK(item.is_static);
    REQUIRE(item.tags.size() == 3);
    REQUIRE(item.late_tags.size() == 1);
    CHECK(filled(item.late_tags[0], {"7", "a:b"}) == "t:a%3Ab");
    CHECK(item.parameters == std::vector<std::string>{"id", "tenant"});
    CHECK(item.fields == 1);
    CHECK(ns(*p, "menu.list").ttl->ttl == 1min);
    CHECK(ns(*p, "other").ttl->ttl == 5min);
    CHECK(item.chain.size() == 2);
    CHECK(p->under(*p->find("menu")).size() == 3);
}

TEST_CASE("a namespace with dots belongs to the one it names, wherever that stands") {
    const auto p =
        policy("namespace a.b { key \"{id}\"; static }\nnamespace a { ttl 1h; static }\n");
    CHECK(ns(*p, "a.b").parent == p->find("a"));
    CHECK(ns(*p, "a.b").ttl->ttl == 1h);
}

TEST_CASE("values are read by their place") {
    const auto p = policy(
        "let short = 90s\nlet alias = short\n"
        "namespace a { key \"{x}\"; static; ttl alias }\n"
        "namespace b { key \"{x}\"; static; ttl env TTL_SECONDS or 5m }\n"
        "namespace c { key \"{x}\"; static; ttl env TTL_SECONDS minutes or 5m }\n"
        "namespace d { key \"{x}\"; static; ttl env TTL_TEXT }\n"
        "namespace e { key \"{x}\"; static; ttl env UNSET or 5m; refuse above env TTL_SECONDS or "
        "1KiB }\n"
        "namespace f { key \"{x}\"; static; ttl 1h; tiers l1 if env NO or true -> l2; compress "
        "brotli if env NO or true }\n");
    CHECK(ns(*p, "a").ttl->ttl == 90s);
    CHECK(ns(*p, "b").ttl->ttl == 90s);
    CHECK(ns(*p, "c").ttl->ttl == 90min);
    CHECK(ns(*p, "d").ttl->ttl == 90min);
    CHECK(ns(*p, "e").ttl->ttl == 5min);
    CHECK(ns(*p, "e").refuse_above == 90u);
    CHECK_FALSE(ns(*p, "f").tiers[0].enabled);
    CHECK(ns(*p, "f").compress->codec.empty());
}

TEST_CASE("a profile changes only what it names, and only when it is chosen") {
    const std::string text =
        "let short = 1m\nnamespace menu { key \"{x}\"; ttl short; static\n  namespace item { key "
        "\"{y}\" }\n}\n"
        "profile production { let short = 10m; namespace menu { limit 10 entries } }\n";
    CompileOptions o = plain_options();
    const auto plain = policy(text, o);
    o.profile = "production";
    const auto production = policy(text, o);
    CHECK(ns(*plain, "menu").ttl->ttl == 1min);
    CHECK(ns(*production, "menu").ttl->ttl == 10min);
    CHECK(ns(*production, "menu.item").ttl->ttl == 10min);
    CHECK(ns(*plain, "menu").limits.empty());
    CHECK(ns(*production, "menu").limits.at(0).entries == 10);
    CHECK(plain->fingerprint != production->fingerprint);
    o.profile = "nobody";
    CHECK(codes(compiled(text, o)) == std::set<std::string>{"L0219"});
}

TEST_CASE("a rule's key is stored in the form of the namespace's keys") {
    const auto p = policy(
        "namespace one { key \"{id}\" }\nnamespace two { key \"{a}:t{b}\" }\nnamespace rest { key "
        "\"f:{path...}\" }\n"
        "on write \"/x/{v}/{path...}\" {\n  drop one \"u:{v}\"\n  drop two \"{v}:t7\"\n  drop rest "
        "\"f:{path}\"\n}\n");
    const Rule& r = p->rules.at(0);
    CHECK(filled(r.changes[0].text, {"9", ""}) == "u%3A9");
    CHECK(filled(r.changes[1].text, {"a:b", ""}) == "a%3Ab:t7");
    CHECK(filled(r.changes[2].text, {"", "a/b:c"}) == "f:a/b:c");
}

TEST_CASE("patterns of one shape are declared once, and children begin with their parent's") {
    const auto p = policy(
        "namespace top {\n  static\n  namespace leaf { key \"{a}:{b}\" }\n}\n"
        "on event \"one\" (x) { drop top matching \"{x}:*\" }\n"
        "on event \"two\" (y, z) { drop top matching \"{z}:*\" }\n"
        "on event \"three\" (x) { drop top.leaf matching \"*:{x}\" }\n");
    REQUIRE(ns(*p, "top").patterns.size() == 1);
    REQUIRE(ns(*p, "top.leaf").patterns.size() == 2);
    CHECK(p->rules[0].changes[0].pattern == 0);
    CHECK(p->rules[1].changes[0].pattern == 0);
    CHECK(p->rules[2].changes[0].pattern == 1);
    CHECK(ns(*p, "top.leaf").patterns[0].shape() == ns(*p, "top").patterns[0].shape());
}

TEST_CASE("a dependency is unfolded into scopes, through what it depends on itself") {
    const auto p = policy(
        "namespace profile { key \"{user}\"; tag \"user:{user}\"; with firm; tag \"firm:{firm}\" "
        "}\n"
        "namespace groups { key \"{group}:{user}\"; with firm; depends on profile \"{user}\" }\n"
        "namespace page { key \"{who}\"; with firm; depends on groups \"all:{who}\" }\n"
        "on write \"/u/{user}\" { drop profile \"{user}\" }\n");
    CHECK(ns(*p, "profile").has_dependents);
    CHECK(ns(*p, "groups").has_dependents);
    const auto& depends = ns(*p, "page").depends;
    REQUIRE(depends.size() == 2);
    CHECK(filled(*depends[0].key, {"9"}) == "all:9");
    CHECK(depends[1].on == p->find("profile"));
    CHECK(filled(*depends[1].key, {"9"}) == "9");
    REQUIRE(depends[1].tags.size() == 1);
    CHECK(filled(depends[1].tags[0], {"9"}) == "user:9");
    REQUIRE(depends[1].late_tags.size() == 1);
    CHECK(filled(depends[1].late_tags[0], {"9", "f1"}) == "firm:f1");
}

TEST_CASE("depending on a whole namespace is depending on everything below it") {
    const auto p = policy(
        "namespace menu {\n  static\n  namespace item { key \"{id}\" }\n}\n"
        "namespace page { key \"all\"; depends on menu; static }\n");
    CHECK(ns(*p, "page").depends.size() == 2);
    CHECK(ns(*p, "menu.item").has_any_dependents);
}

TEST_CASE("a warm item is the product of its lists, and what only the warmer knows stays open") {
    const auto p = policy(
        "namespace stats { key \"{scope}:{day}\"; ttl 1h; static }\n"
        "warm stats \"{scope}:{day}\" {\n  at startup\n  from http "
        "\"http://x/?s={scope}&d={day}\"\n"
        "  for scope in \"all\", \"active\"\n  for day in \"mon\", \"tue\", \"wed\"\n}\n"
        "warm stats { every 30m; from http \"http://x/{scope}\" }\n");
    REQUIRE(p->warms.at(0).items.size() == 6);
    CHECK(p->warms[0].items[1].key == "active:mon");
    CHECK(p->warms[0].items[1].address == "http://x/?s=active&d=mon");
    REQUIRE(p->warms.at(1).items.size() == 1);
    CHECK(p->warms[1].items[0].key.empty());
    CHECK(p->warms[1].items[0].address == "http://x/{scope}");
}

TEST_CASE("a ttl by date keeps its order and its fallback") {
    const auto p = policy(
        "namespace r { key \"{start}:{end}\"; static\n  ttl 24h when {end} before today - 7d\n  "
        "ttl 1h when {end} before today\n  ttl 5m\n}\n");
    const Ttl& t = *ns(*p, "r").ttl;
    CHECK(t.ttl == 5min);
    REQUIRE(t.dated.size() == 2);
    CHECK(t.dated[0].slot == 1);
    CHECK(t.dated[0].days == -7);
    CHECK(t.dated[0].ttl == 24h);
    CHECK(t.dated[1].days == 0);
}

TEST_CASE("rules fire on 2xx and 3xx unless they list others") {
    const auto p = policy(
        "namespace a { key \"all\" }\non POST \"/x\" { drop a }\non POST \"/y\" status 201, 4xx { "
        "drop a }\n");
    CHECK(p->rules[0].fires_on(204));
    CHECK(p->rules[0].fires_on(302));
    CHECK_FALSE(p->rules[0].fires_on(422));
    CHECK(p->rules[1].fires_on(404));
    CHECK_FALSE(p->rules[1].fires_on(200));
}

TEST_CASE("a full key belongs to the longest namespace, with dots or colons") {
    const auto p = policy(
        "namespace menu { key \"{x}\"; static\n  namespace item { key \"{id}\" }\n}\nnamespace "
        "keyless.x { key \"{y}\"; static }\n");
    CHECK(p->resolve("menu:7")->ns == p->find("menu"));
    CHECK(p->resolve("menu:item:7")->ns == p->find("menu.item"));
    CHECK(p->resolve("menu.item:7")->ns == p->find("menu.item"));
    CHECK(p->resolve("menu:item:7:8")->prefix == 10);
    CHECK(p->resolve("menu:items:7")->ns == p->find("menu"));
    CHECK_FALSE(p->resolve("menus:7"));
    CHECK_FALSE(p->resolve("menu"));
    CHECK_FALSE(p->resolve(""));
    CHECK(p->find("menu:item") == std::nullopt);
}

TEST_CASE("files are used once, relative to the file that names them, and never in a circle") {
    CompileOptions o = plain_options();
    std::size_t reads = 0;
    o.read = [&reads](const std::string& path) -> std::optional<std::string> {
        ++reads;
        if (path == "dir/main.larder")
            return "use \"sub/a.larder\"\nuse \"sub/b.larder\"\nnamespace m { key \"all\"; ttl t; "
                   "static }\n";
        if (path == "dir/sub/a.larder") return "use \"../common.larder\"\n";
        if (path == "dir/sub/b.larder") return "use \"../common.larder\"\n";
        if (path == "dir/common.larder") return "let t = 7m\n";
        return std::nullopt;
    };
    const std::array<std::string, 1> main{"dir/main.larder"};
    const Compiled c = compile(main, o);
    REQUIRE(c.ok());
    CHECK(reads == 4);
    CHECK(c.policy->files.size() == 4);
    CHECK(ns(*c.policy, "m").ttl->ttl == 7min);
    const std::array<std::string, 1> absent{"nowhere.larder"};
    const Compiled missing = compile(absent, o);
    CHECK_FALSE(missing.ok());
    CHECK_THAT(rendered(missing), larder::test::contains("nowhere.larder"));
}

TEST_CASE("the fingerprint knows texts, profile and environment, and nothing else") {
    const std::string text = "namespace a { key \"all\"; static; ttl env TTL_SECONDS or 5m }\n";
    CompileOptions other = plain_options();
    other.env = [](std::string_view) -> std::optional<std::string> { return "91"; };
    CHECK(policy(text)->fingerprint == policy(text)->fingerprint);
    CHECK(policy(text)->fingerprint != policy(text, other)->fingerprint);
    CHECK(policy(text)->fingerprint != policy(text + "\n")->fingerprint);
    CHECK(ns(*policy(text), "a").schema == ns(*policy(text, other), "a").schema);
    CHECK(ns(*policy(text), "a").schema !=
          ns(*policy("namespace a { key \"{id}\"; static }\n"), "a").schema);
}

TEST_CASE("sessions, alerts and breakers arrive with their numbers") {
    const auto p = policy(
        "namespace menu { key \"all\"; static }\n"
        "session login { ttl 30m sliding; store l2; encrypt; limit 5 per user then refuse; limit "
        "64KiB; cookie \"sid\" secure httponly }\n"
        "alert low when hit_rate(menu) < 80% and requests(menu) > 10 or error_rate(l2) > 5% for 5m "
        "-> webhook ops, log\n"
        "breaker l2 { open after 3 failures; retry after 30s; probe 2; ramp 8 every 50ms }\n");
    const Session& s = p->sessions.at(0);
    CHECK(s.ttl->sliding);
    CHECK(s.per_user == 5u);
    CHECK(s.refuse_more);
    CHECK(s.limit_bytes == 65536u);
    CHECK(s.cookie_flags.size() == 2);
    const Alert& a = p->alerts.at(0);
    REQUIRE(a.when.size() == 2);
    CHECK(a.when[0][0].value == Approx(0.8));
    CHECK(a.when[0][1].value == Approx(10));
    CHECK(a.hold == 5min);
    CHECK(a.to.size() == 2);
    CHECK(p->breakers.at(0).failures == 3);
    CHECK(p->breakers[0].retry_after == 30s);
    CHECK(p->breakers[0].ramp == 8);
    CHECK(p->breakers[0].ramp_step == 50ms);
}

TEST_CASE("a hostile policy ends in findings, not in a crash") {
    for (const std::string& text :
         {std::string("namespace a { key \"") + std::string(5000, 'x') + "\" }\n",
          std::string("on write \"/") + std::string(2000, '*') + "\" { drop everything }\n",
          std::string("on write \"\" { drop tag \"\" }\nnamespace a { key \"\" }\n"),
          std::string("let a = b\nlet b = a\nnamespace n { key \"all\"; static; ttl a }\n"),
          std::string("use \"\"\nuse \"p.larder\"\n")}) {
        const Compiled c = compiled(text);
        CHECK_FALSE(c.ok());
        CHECK_FALSE(c.found.empty());
        rendered(c);
    }
}

TEST_CASE("chains as long as a file allows neither overflow a stack nor take long") {
    std::string depends, drops;
    for (int i = 0; i < 20000; ++i) {
        const std::string n = std::to_string(i), next = std::to_string(i + 1);
        depends += "namespace n" + n + " { key \"{x}\"; depends on n" + next + " \"{x}\" }\n";
        drops += "namespace n" + n + " { key \"{x}\"; static }\non drop of n" + n + " { drop n" +
                 next + " }\n";
    }
    const std::string last = "namespace n20000 { key \"{x}\"; static }\n";
    CHECK(codes(compiled(depends + last)).count("L0229") == 1);
    CHECK(compiled(drops + last).ok());
    CHECK(codes(compiled(drops + last + "on drop of n20000 { drop n0 }\n")) ==
          std::set<std::string>{"L0220"});
}

TEST_CASE("a thousand mistakes are counted, not listed") {
    std::string text;
    for (int i = 0; i < 2000; ++i)
        text += "on write \"/x\" { drop unknown" + std::to_string(i) + " }\n";
    const Compiled c = compiled(text);
    CHECK_FALSE(c.ok());
    CHECK(c.found.size() == 501);
    CHECK(c.found.back().code == "L0112");
}

TEST_CASE("a rule whose head did not parse is left alone by whatever asks for its route") {
    CHECK(codes(compiled("namespace item { key \"{id}\" }\non @ { drop item }\n"
                         "on @ { expire item \"7\"; serve item \"7\" }\n"
                         "on write \"/x\" { refresh item }\n")) == std::set<std::string>{"L0101"});
    CHECK(codes(compiled("namespace item { key \"{id}\"; static }\non @ { serve item \"7\" }\n")) ==
          std::set<std::string>{"L0101"});
}

TEST_CASE("rules that disagree under a head that did not parse are left alone") {
    const Compiled c = compiled(
        "namespace list { key \"all\"; ttl 5m }\n"
        "on write \"/a\" { drop list }\n"
        "on write 7 { expire list }\n");
    CHECK(codes(c) == std::set<std::string>{"L0101"});
}
