// tests/unit/core/json_members_test.cpp -- the members of a JSON text are changed, and nothing else of it.
#include "kernel/core/json_members.hpp"
#include "tests/catch.hpp"

#include <boost/json.hpp>

#include <random>

using larder::JsonMembers;
using Path = std::vector<std::string>;

namespace {

std::string again(std::string_view text) {
    JsonMembers members;
    return members.read(text) ? members.text() : "no object";
}

}  // namespace

TEST_CASE("numbers keep their digits, members their order, names and texts their escapes") {
    CHECK(again(R"({"b":1.10,"a":12345678901234567890123,"\u0061\n":"x\/y","e":-0.5E+10})") ==
          R"({"b":1.10,"a":12345678901234567890123,"\u0061\n":"x\/y","e":-0.5E+10})");
    CHECK(again(" { \"a\" : [ 1 , { \"b\" : null } ] , \"c\" : { } } ") == R"({"a":[ 1 , { "b" : null } ],"c":{ }})");
    CHECK(again("{}") == "{}");
}

TEST_CASE("what is no JSON object is none, whatever it looks like") {
    const char* const bad[] = {"",        "[]",       "1",         "{",          "}",          "{\"a\"}",     "{\"a\":}",     "{\"a\":1,}",
                               "{a:1}",   "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}", "{\"a\":tru}", "{\"a\":1}x",
                               "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\n\"}", "{\"a\":\"", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":NaN}"};
    for (const char* const text : bad) {
        INFO(text);
        CHECK(again(text) == "no object");
    }
    const auto nested = [](std::size_t levels) { return "{\"a\":" + std::string(levels, '[') + std::string(levels, ']') + "}"; };
    CHECK(again(nested(63)) != "no object");
    CHECK(again(nested(70)) == "no object");
    CHECK(again(nested(1'000'000)) == "no object");
}

TEST_CASE("a member is found by its name, however that is escaped, and the last of two is meant") {
    JsonMembers members;
    REQUIRE(members.read(R"({"na\u006de":"x","\ud83d\ude00":1,"d":1,"d":2,"in":{"side":[1]}})"));
    CHECK(members.find(Path{"name"}) == "\"x\"");
    CHECK(members.find(Path{"\xF0\x9F\x98\x80"}) == "1");
    CHECK(members.find(Path{"d"}) == "2");
    CHECK(members.find(Path{"in", "side"}) == "[1]");
    CHECK(members.find(Path{"in", "none"}).data() == nullptr);
    CHECK(members.find(Path{"name", "x"}).data() == nullptr);
}

TEST_CASE("what is taken out of one place can be put into another, objects on the way are made") {
    JsonMembers members;
    REQUIRE(members.read(R"({"a":{"b":{"c":1,"d":2}},"e":3})"));
    CHECK(members.take(Path{"a", "b", "c"}) == "1");
    CHECK(members.take(Path{"a", "b", "c"}).empty());
    CHECK(members.put(Path{"x", "y", "z"}, "[true]"));
    CHECK(members.text() == R"({"a":{"b":{"d":2}},"e":3,"x":{"y":{"z":[true]}}})");
    CHECK(members.find(Path{"x"}) == R"({"y":{"z":[true]}})");
    CHECK(members.put(Path{"x", "y", "w"}, "5"));
    CHECK_FALSE(members.put(Path{"e", "f"}, "1"));
    CHECK_FALSE(members.put(Path{"e", "f", "g"}, "1"));
    CHECK(members.text() == R"({"a":{"b":{"d":2}},"e":3,"x":{"y":{"z":[true],"w":5}}})");
    CHECK(members.put(Path{"q\"\\\x01"}, "1"));
    CHECK(boost::json::parse(members.text()).as_object().contains("q\"\\\x01"));
}

TEST_CASE("a member that is renamed stays in its place, and another of its new name goes") {
    JsonMembers members;
    REQUIRE(members.read(R"({"a":1,"b":{"c":[2],"d":3},"e":4})"));
    members.rename(Path{"b", "c"}, "d");
    members.rename(Path{"none"}, "e");
    members.rename(Path{"a"}, "x");
    members.rename(Path{"x"}, "x");
    CHECK(members.text() == R"({"x":1,"b":{"d":[2]},"e":4})");
}

TEST_CASE("a thousand random changes leave what boost json makes of the same changes") {
    std::mt19937 random(7);
    const auto pick = [&random](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    const std::vector<std::string> names{"a", "b", "c"};
    const std::vector<std::string> values{"1", "\"t\"", "{}", "{\"a\":1,\"b\":{\"c\":2}}", "[1,2]", "null"};
    for (int round = 0; round < 50; ++round) {
        JsonMembers ours;
        boost::json::value theirs = boost::json::object{};
        for (int step = 0; step < 20; ++step) {
            Path path;
            for (std::size_t n = pick(3) + 1; n > 0; --n) path.push_back(names[pick(names.size())]);
            boost::json::value* at = &theirs;
            const bool puts = pick(2) == 0;
            // What stands in the way, seen before anything is changed.
            bool blocked = false;
            for (std::size_t i = 0; i + 1 < path.size(); ++i) {
                boost::json::value* const next = at->as_object().if_contains(path[i]);
                if (next == nullptr) {
                    at = nullptr;
                    break;
                }
                if (!next->is_object()) {
                    blocked = true;
                    break;
                }
                at = next;
            }
            if (!puts) {
                const std::string taken = ours.take(path);
                boost::json::value* const there = at == nullptr || blocked ? nullptr : at->as_object().if_contains(path.back());
                REQUIRE(taken.empty() == (there == nullptr));
                if (there == nullptr) continue;
                CHECK(boost::json::parse(taken) == *there);
                at->as_object().erase(path.back());
                continue;
            }
            const std::string& value = values[pick(values.size())];
            REQUIRE(ours.put(path, value) == !blocked);
            if (blocked) continue;
            at = &theirs;
            for (std::size_t i = 0; i + 1 < path.size(); ++i) {
                boost::json::value& next = at->as_object()[path[i]];
                if (!next.is_object()) next = boost::json::object{};
                at = &next;
            }
            at->as_object()[path.back()] = boost::json::parse(value);
            REQUIRE(boost::json::parse(ours.text()) == theirs);
        }
    }
}

TEST_CASE("of a hundred thousand damaged texts those are objects that boost json calls so") {
    std::mt19937 random(11);
    const auto pick = [&random](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    const std::string good = R"({"name":"A\nn","n":[1,-2.5e+3,0],"in":{"a":true,"b":{}},"z":null, "t" : "" })";
    const std::string bytes = "{}[]\",:\\ 0123456789.eE+-truefalsn\n";
    std::size_t objects = 0;
    for (int i = 0; i < 100'000; ++i) {
        std::string text = good;
        for (std::size_t n = pick(3); n > 0; --n) {
            const std::size_t at = pick(text.size());
            switch (pick(3)) {
                case 0: text[at] = bytes[pick(bytes.size())]; break;
                case 1: text.erase(at, 1 + pick(4)); break;
                default: text.insert(at, 1, bytes[pick(bytes.size())]);
            }
        }
        boost::json::error_code error;
        const boost::json::value theirs = boost::json::parse(text, error);
        JsonMembers ours;
        INFO(text);
        REQUIRE(ours.read(text) == (!error && theirs.is_object()));
        if (error || !theirs.is_object()) continue;
        ++objects;
        REQUIRE(boost::json::parse(ours.text()) == theirs);
        ours.put(Path{"in", "new"}, "1");
        ours.rename(Path{"in", "a"}, "z");
        ours.take(Path{"n"});
        REQUIRE(boost::json::parse(ours.text()).is_object());
    }
    CHECK(objects > 10'000);
}
