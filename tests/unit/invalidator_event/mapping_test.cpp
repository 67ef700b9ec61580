// tests/unit/invalidator_event/mapping_test.cpp -- which event a message is, and with which values.
#include "plugins/invalidator_event/mapping.hpp"

#include "tests/catch.hpp"

#include <larder/plugin/error.hpp>

#include <string>
#include <vector>

using namespace larder::invalidator_event;
using Outcome = Mapping::Outcome;

namespace {

// "name a=1 b=2"; or what is wrong: "malformed: ...", "too large: ...".
std::string shown(Outcome outcome, const BoundEvent& event, const std::string& why) {
    if (outcome != Outcome::event) {
        return (outcome == Outcome::malformed ? "malformed: " : "too large: ") + why;
    }
    std::string text = event.name;
    for (const auto& [name, value] : event.values) {
        text += " " + name + "=" + value;
    }
    return text;
}

std::string read(const MappingOptions& options, std::string_view place, std::string_view payload) {
    BoundEvent event{"left over", {{"left", "over"}}};
    std::string why;
    const Outcome outcome = Mapping(options).read(place, payload, event, why);
    return shown(outcome, event, why);
}

std::string read(std::string_view payload) { return read({}, "chan", payload); }

std::string read_entry(const MappingOptions& options, const Mapping::Fields& fields) {
    BoundEvent event{"left over", {{"left", "over"}}};
    std::string why;
    const Outcome outcome = Mapping(options).read_entry("stream", fields, event, why);
    return shown(outcome, event, why);
}

}  // namespace

TEST_CASE("a message is an event with the values that its members give") {
    struct Row {
        const char *payload, *meaning;
    };
    const Row rows[] = {
        {R"({"event":"user_changed","user_id":42})", "user_changed user_id=42"},
        {R"({"user_id":"42"})", "chan user_id=42"},
        {R"({"a":-1,"b":18446744073709551615,"c":true,"d":false})",
         "chan a=-1 b=18446744073709551615 c=true d=false"},
        {R"({"a":1.5,"b":42.0,"c":1e3})", "chan a=1.5 b=42 c=1000"},
        {R"({"a":null,"b":{"c":1},"d":[1],"e":2})", "chan e=2"},
        {R"({"a":"\u00e9\n"})", "chan a=\u00e9\n"},
        {R"({"a":""})", "chan a="},
        {R"({"a":1,"a":2})", "chan a=2"},
        {"{}", "chan"},
        {"", "chan"},
        {"42", "chan value=42"},
        {R"("a b")", "chan value=a b"},
        {"true", "chan value=true"},
        {"null", "chan"},
        {" { } ", "chan"},
    };
    for (const Row& row : rows) {
        INFO(row.payload);
        CHECK(read(row.payload) == row.meaning);
    }
}

TEST_CASE("a number that a double does not hold exactly is no value: another's id would be dropped") {
    CHECK(read(R"({"id":9007199254740993.0})") == "chan");
    CHECK(read(R"({"id":123456789012345678901234567890})") == "chan");
    CHECK(read(R"({"id":1e999,"n":-1e15})") == "chan n=-1e+15");
    CHECK(read(R"({"id":9223372036854775807})") == "chan id=9223372036854775807");
}

TEST_CASE("what is no message is malformed, and why quotes nothing of it") {
    const std::string rows[] = {"{",          "nonsense",           R"({"secret":)", "[1,2]",
                                "[]",         R"({"event":7})",     R"({"event":""})",
                                R"({"event":null})", R"({"event":{"a":1}})", "{} {}", "{\"a\":\"\xff\"}",
                                std::string(40, '[') + std::string(40, ']'),
                                R"({"event":")" + std::string(300, 'x') + R"("})",
                                std::string("{\"a\":1}\0", 8)};
    for (const std::string& row : rows) {
        INFO(row);
        const std::string meaning = read(row);
        CHECK(meaning.starts_with("malformed: "));
        CHECK(meaning.find("secret") == std::string::npos);
    }
}

TEST_CASE("a message longer than max_payload is too large, whatever stands in it") {
    MappingOptions options;
    options.max_payload = 10;
    CHECK(read(options, "c", R"({"a":1234})") == "c a=1234");
    CHECK(read(options, "c", R"({"a":12345})") == "too large: 11 bytes");
    CHECK(read_entry(options, {{"a", "123456789"}}) == "stream a=123456789");
    CHECK(read_entry(options, {{"a", "1234567890"}}) == "too large: 11 bytes");
}

TEST_CASE("a long value is no value, and of very many some are enough") {
    CHECK(read(R"({"a":")" + std::string(1025, 'x') + R"(","b":1})") == "chan b=1");
    std::string many = "{\"a0\":0";
    for (int i = 1; i < 1000; ++i) {
        many += ",\"a" + std::to_string(i) + "\":0";
    }
    BoundEvent event;
    std::string why;
    REQUIRE(Mapping({}).read("c", many + "}", event, why) == Outcome::event);
    CHECK(event.values.size() == 64);
}

TEST_CASE("names outside become names of the policy, the first that fits") {
    MappingOptions options;
    options.events = {"users:eu=european", "users:* = user_changed", "u=user_changed"};
    CHECK(read(options, "users:eu", "") == "european");
    CHECK(read(options, "users:us", "") == "user_changed");
    CHECK(read(options, "users", "") == "users");
    CHECK(read(options, "any", R"({"event":"u"})") == "user_changed");
}

TEST_CASE("values are taken by paths, of all events or of one, before the members' own names") {
    MappingOptions options;
    options.event_field = "meta.op";
    options.fields = {"user_id = after.id", "changed:name=after.name", "other:user_id=id", "id=after.none"};
    CHECK(read(options, "c", R"({"meta":{"op":"changed"},"after":{"id":7,"name":"n"},"id":1})") ==
          "changed user_id=7 name=n id=1");
    CHECK(read(options, "c", R"({"after":{"id":7,"name":"n"},"user_id":9})") == "c user_id=7");
    CHECK(read(options, "c", R"({"after":5})") == "c after=5");
}

TEST_CASE("a text is one value, whatever it looks like") {
    MappingOptions options;
    options.json = false;
    options.value_name = "user_id";
    CHECK(read(options, "c", "a:b") == "c user_id=a:b");
    CHECK(read(options, "c", R"({"x":1})") == R"(c user_id={"x":1})");
    CHECK(read(options, "c", "") == "c");
}

TEST_CASE("an entry's fields are values, its event field names it, its payload is read as JSON") {
    MappingOptions options;
    options.fields = {"sku=item.sku", "shop=store"};
    CHECK(read_entry(options, {{"event", "sold"}, {"sku", "1"}}) == "sold sku=1");
    CHECK(read_entry(options, {{"sku", "1"}, {"store", "b"}}) == "stream shop=b sku=1 store=b");
    CHECK(read_entry(options, {{"event", "sold"}, {"payload", R"({"item":{"sku":2}})"}}) == "sold sku=2");
    CHECK(read_entry(options, {{"payload", R"({"event":"sold","a":1})"}, {"event", "else"}}) ==
          "sold a=1");
    CHECK(read_entry(options, {}) == "stream");
    CHECK(read_entry(options, {{"payload", "{"}}).starts_with("malformed"));
    CHECK(read_entry(options, {{"event", std::string(300, 'x')}}).starts_with("malformed"));
}

TEST_CASE("a mapping that is none is refused with its form") {
    for (const char* bad : {"", "=", "a=", "=b", "a"}) {
        INFO(bad);
        MappingOptions events, fields;
        events.events = {bad};
        fields.fields = {bad};
        CHECK_THROWS_AS(Mapping(events), larder::plugin::Error);
        CHECK_THROWS_AS(Mapping(fields), larder::plugin::Error);
    }
}
