// tests/unit/dsl/revision_test.cpp -- a policy text changed in one place, and nowhere else.
#include "dsl/compile.hpp"
#include "dsl/revision.hpp"
#include "tests/catch.hpp"

#include <string>

using namespace larder::dsl;

namespace {

constexpr const char* text = R"(larder 1

let short = 1m

# a comment
namespace list  { ttl env LIST_TTL or 30s; key "{page}" }   # behind
namespace menu {
  ttl short jitter 10%
  namespace item {
    key "{id}"     # its key
  }
}
namespace order { key "{a}:{b}"; ttl 5m }

on write "/orders/{a}" { drop list, order }
)";

std::string changed(const std::string& from, const std::string& to) {
    std::string out(text);
    const std::size_t at = out.find(from);
    REQUIRE(at != std::string::npos);
    return out.replace(at, from.size(), to);
}

bool compiles(const std::string& made) { return compile_text("test.larder", made, {}).ok(); }

}  // namespace

TEST_CASE("a ttl becomes another one and nothing else changes") {
    const Revision revision("test.larder", text);
    CHECK(revision.with_ttl("order", "10m") == changed("ttl 5m", "ttl 10m"));
    CHECK(revision.with_ttl("menu", "4m") == changed("ttl short", "ttl 4m"));
    CHECK(compiles(*revision.with_ttl("order", "10m")));
}

TEST_CASE("of a ttl from the environment the default alone changes") {
    const Revision revision("test.larder", text);
    CHECK(revision.with_ttl("list", "2m") == changed("or 30s", "or 2m"));
}

TEST_CASE("a namespace that inherits its ttl gets a clause of its own, indented as its neighbours") {
    const Revision revision("test.larder", text);
    const auto made = revision.with_ttl("menu.item", "2m");
    CHECK(made == changed("    key \"{id}\"", "    ttl 2m\n    key \"{id}\""));
    CHECK(compiles(*made));
}

TEST_CASE("a clause is added on one line behind a sign where the block is on one line") {
    const Revision revision("test.larder", text);
    const auto made = revision.with_clause("order", "limit 10MiB");
    CHECK(made == changed("key \"{a}:{b}\"", "limit 10MiB; key \"{a}:{b}\""));
    CHECK(compiles(*made));
}

TEST_CASE("jitter is added behind the time of who has none") {
    const Revision revision("test.larder", text);
    CHECK(revision.with_jitter("order", 10) == changed("ttl 5m", "ttl 5m jitter 10%"));
    CHECK_FALSE(revision.with_jitter("menu", 10).has_value());
    CHECK_FALSE(revision.with_jitter("menu.item", 10).has_value());
}

TEST_CASE("a target is replaced where it stands, and only a whole namespace") {
    const auto policy = compile_text("test.larder", text, {}).policy;
    REQUIRE(policy);
    const Change& change = policy->rules.at(0).changes.at(1);
    const Revision revision("test.larder", text);
    const auto made = revision.with_target(change.where.line, change.where.column, "order matching \"{a}:*\"");
    CHECK(made == changed("drop list, order", "drop list, order matching \"{a}:*\""));
    CHECK(compiles(*made));
    CHECK_FALSE(revision.with_target(1, 1, "order").has_value());
}

TEST_CASE("what is not there is not changed, whatever the text") {
    const Revision revision("test.larder", text);
    CHECK_FALSE(revision.with_ttl("nobody", "1m").has_value());
    CHECK_FALSE(revision.with_ttl("menu.nobody", "1m").has_value());
    CHECK_FALSE(revision.with_clause("men", "ttl 1m").has_value());
    const Revision broken("test.larder", "larder 1\nnamespace a { ttl ; key }\nnamespace { { {\n");
    CHECK_FALSE(broken.with_jitter("a", 10).has_value());
    CHECK_FALSE(Revision("empty", "").with_ttl("a", "1m").has_value());
}
