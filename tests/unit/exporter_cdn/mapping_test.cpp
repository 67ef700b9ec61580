// tests/unit/exporter_cdn/mapping_test.cpp -- which invalidations become which purges.
#include "catch.hpp"
#include "plugins/exporter_cdn/mapping.hpp"

#include <stdexcept>

using namespace larder::exporter_cdn;

namespace {

// "tag", "tag~" when it is soft, "*" for everything; "?" when it cannot be read.
std::vector<std::string> read(const Mapping& mapping, const std::string& changes) {
    std::vector<std::string> out;
    const bool good = mapping.read("{\"changes\":" + changes + "}", {[&](std::string tag, bool soft) { out.push_back(tag + (soft ? "~" : "")); },
                                                                    [&] { out.emplace_back("*"); }});
    if (!good) {
        out.emplace_back("?");
    }
    return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a tag is purged by the name that applications use, and stale where it was expired") {
    const Mapping mapping({}, false);
    CHECK(read(mapping, R"([{"action":"drop","target":"tag","text":"menu"},{"action":"expire","target":"tag","text":"user%3A42"}])") ==
          Texts{"menu", "user:42~"});
    CHECK(read(mapping, R"([{"action":"refresh","target":"tag","text":"100%"}])") == Texts{"100%"});
}

TEST_CASE("namespaces, patterns and keys are purged only by the tags that stand for them") {
    const Mapping mapping({"menu=pages", "menu=lists", "user=user-{key}"}, false);
    CHECK(read(mapping, R"([{"action":"drop","target":"namespace","text":"","namespaces":["shop","menu"]}])") == Texts{"pages", "lists"});
    CHECK(read(mapping, R"([{"action":"expire","target":"matching","text":"a*","namespaces":["menu"]}])") == Texts{"pages~", "lists~"});
    CHECK(read(mapping, R"([{"action":"drop","target":"key","text":"4%3A2","namespaces":["user"]}])") == Texts{"user-4:2"});
    CHECK(read(mapping, R"([{"action":"drop","target":"key","text":"1","namespaces":["menu"]}])").empty());
    CHECK(read(mapping, R"([{"action":"drop","target":"namespace","namespaces":["user"]}])").empty());
}

TEST_CASE("everything is purged only where that was asked for") {
    const std::string all = R"([{"action":"drop","target":"everything"}])";
    CHECK(read(Mapping({}, false), all).empty());
    CHECK(read(Mapping({}, true), all) == Texts{"*"});
}

TEST_CASE("what is no list of changes is said to be none") {
    const Mapping mapping({}, true);
    for (const char* wrong : {"", "1", "{}", "[1]", R"([{"action":"drop","target":"namespace","namespaces":[1]}])"}) {
        INFO(wrong);
        CHECK(read(mapping, wrong) == Texts{"?"});
    }
}

TEST_CASE("an entry that names no namespace or no tag is refused") {
    for (const char* wrong : {"menu", "=tag", "menu=", ""}) {
        INFO(wrong);
        CHECK_THROWS_AS(Mapping({wrong}, false), std::invalid_argument);
    }
}
