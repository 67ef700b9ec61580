// tests/unit/analysis/freshness_test.cpp -- how old data can be, by what the policy says; that it
// is so: cache/freshness_test.cpp.
#include "dsl/analysis/freshness.hpp"

#include "catch.hpp"
#include "unit/dsl/compiling.hpp"

using namespace larder::dsl;
using namespace larder::dsl::test;
using namespace std::chrono_literals;
using larder::test::contains;

namespace {

Freshness of(const std::string& text, const Catalog* catalog = nullptr) {
    const Compiled c = compiled(text);
    INFO(rendered(c));
    REQUIRE(c.ok());
    return freshness_of(*c.policy, *c.policy->find("a"), catalog);
}

const std::string put = "on PUT \"/a/{id}\" { drop a \"{id}\" }\n";

std::string said(const std::string& text) {
    std::string out;
    for (const Diagnostic& d : compiled(text).found) {
        if (d.code != "L0340") continue;
        out = d.message + ", " + d.primary.text;
        for (const std::string& note : d.notes) out += "; " + note;
    }
    return out;
}

}  // namespace

TEST_CASE(
    "above a shared store data is older by max_staleness, and by what may be served as stale after "
    "that") {
    CHECK(of("namespace a { key \"{id}\"; ttl 10m; tiers l1 -> l2 }\n" + put).bound == 3s);
    const Freshness f =
        of("namespace a { key \"{id}\"; ttl 10m; stale 20s while revalidating, 30s on error; tiers "
           "l1 -> l2 }\n" +
           put);
    CHECK(f.bound == 33s);
    CHECK(sum_of(f) ==
          "3s until every node is told, or knows that it is not + 30s as stale after that: `stale "
          "on error` = 33s");
    CHECK(f.life == 630s);
}

TEST_CASE(
    "on one node what is dropped is gone at once, and what is expired is stale for its window") {
    CHECK(of("namespace a { key \"{id}\"; ttl 10m; stale 30s on error }\n" + put).bound == 0s);
    CHECK(of("namespace a { key \"{id}\"; ttl 10m; stale 30s on error }\non PUT \"/a/{id}\" { "
             "expire a \"{id}\" }\n")
              .bound == 30s);
}

TEST_CASE(
    "an entry that no rule drops is as old as its life lets it be, and one such entry is named") {
    const Freshness f =
        of("namespace a { key \"{id}\"; ttl 10m; stale 1m on error; tiers l1 -> l2 }\non PUT "
           "\"/a\" { drop a \"1\" }\n");
    CHECK_FALSE(f.told);
    CHECK(f.bound == 11min);
    CHECK_FALSE(f.unreached.empty());
    CHECK(f.unreached != "1");
    CHECK_FALSE(of("namespace a { key \"{id}\"; static }\n").bound.has_value());
}

TEST_CASE(
    "a tag, a pattern, a parent and a dependency reach every entry, if they do for all its keys") {
    CHECK(of("namespace a { key \"{id}\"; tag \"t:{id}\" }\non PUT \"/t/{x}\" { drop tag \"t:{x}\" "
             "}\n")
              .told);
    CHECK_FALSE(
        of("namespace a { key \"{id}\"; tag \"t:{id}\" }\non PUT \"/t\" { drop tag \"t:1\" }\n")
            .told);
    CHECK(of("namespace a { key \"{x}:{y}\" }\non PUT \"/t/{x}\" { drop a matching \"{x}:*\" }\n")
              .told);
    CHECK_FALSE(
        of("namespace a { key \"{x}:{y}\" }\non PUT \"/t/{x}\" { drop a matching \"1:{x}\" }\n")
            .told);
    CHECK(of("namespace a { key \"{id}\"; depends on b \"{id}\" }\nnamespace b { key \"{id}\" "
             "}\non PUT \"/b/{i}\" { drop b \"{i}\" }\n")
              .told);
}

TEST_CASE("nothing is older than the longest life of an entry") {
    CHECK(of("namespace a { key \"{id}\"; ttl 1s; tiers l1 -> l2 }\n" + put).bound == 1s);
    CHECK(of("namespace a { key \"{id}\"; ttl 1m sliding; tiers l1 -> l2 }\n" + put).life == 24h);
}

TEST_CASE("larder.toml tells which stores are shared, and what their max_staleness is") {
    Catalog catalog = small_catalog();
    catalog.stores[1].max_staleness = 700ms;
    CHECK(of("namespace a { key \"{id}\"; ttl 10m }\n" + put, &catalog).bound == 700ms);
    CHECK(of("namespace a { key \"{id}\"; ttl 10m; tiers l1 }\n" + put, &catalog).bound == 10min);
    catalog.stores.pop_back();
    CHECK(of("namespace a { key \"{id}\"; ttl 10m; tiers l1 }\n" + put, &catalog).bound == 0s);
}

TEST_CASE("a namespace that may be older than was promised is an error with the sum") {
    const std::string a =
        "namespace a { key \"{id}\"; ttl 10m; stale 1m on error; tiers l1 -> l2 }\n" + put;
    CHECK_THAT(said(a + "guarantee \"g\" { a is never older than 60s }\n"),
               contains("`a` can be older, up to 1m3s; 3s until every node is told, or knows that "
                        "it is not + 1m as stale"));
    CHECK(said(a + "guarantee \"g\" { a is never older than 63s }\n") == "");
    CHECK_THAT(said("namespace a { key \"{id}\"; ttl 10m; static }\nguarantee \"g\" { a is never "
                    "older than 60s }\n"),
               contains("up to 10m; 10m that an entry lives; no rule drops `a \""));
    CHECK_THAT(said("namespace p { namespace a { key \"all\"; static } }\nguarantee \"g\" { p is "
                    "never older than 60s }\n"),
               contains("`p.a` can be older, without end; nothing ends an entry"));
}
