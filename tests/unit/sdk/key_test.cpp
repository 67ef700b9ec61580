// tests/unit/sdk/key_test.cpp -- keys of calls, against the vectors that every language is held to.
#include "tests/catch.hpp"

#include <larder/key.hpp>

#include <boost/json.hpp>

#include <fstream>
#include <iterator>
#include <limits>

using larder::KeyBuilder;
using larder::KeyValue;

namespace json = boost::json;

namespace {

json::object vectors() {
    std::ifstream file(LARDER_SOURCE_DIR "/tests/vectors/keys.json", std::ios::binary);
    REQUIRE(file);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    return json::parse(text).as_object();
}

std::string_view view(const json::value& value) { return value.as_string(); }

// Boost.JSON reads whole numbers of more than 64 bits as doubles, so `refused` is Python's alone; it may miss a
// double of many digits by its last one, so those stand in a test of their own.
KeyValue value_of(const json::value& from) {
    switch (from.kind()) {
        case json::kind::bool_: return KeyValue(from.get_bool());
        case json::kind::int64: return KeyValue(from.get_int64());
        case json::kind::uint64: return KeyValue(from.get_uint64());
        case json::kind::double_: return KeyValue(from.get_double());
        case json::kind::string: return KeyValue(view(from));
        case json::kind::array: {
            KeyValue::List list;
            for (const json::value& one : from.get_array()) list.push_back(value_of(one));
            return KeyValue(std::move(list));
        }
        case json::kind::object: {
            KeyValue::Map map;
            for (const auto& member : from.get_object()) map.emplace_back(std::string(member.key()), value_of(member.value()));
            return KeyValue(std::move(map));
        }
        default: return KeyValue();
    }
}

KeyValue nested(int levels) {
    KeyValue inside;
    for (int i = 0; i < levels; ++i) inside = KeyValue(KeyValue::List{inside});
    return inside;
}

}  // namespace

TEST_CASE("every canonical text, digest and key of the vectors is made here byte for byte") {
    const json::object all = vectors();
    for (const json::value& one : all.at("canonical").as_array())
        CHECK(larder::canonical_text(value_of(one.at(0))) == std::string(view(one.at(1))));
    for (const json::value& one : all.at("digest").as_array())
        CHECK(larder::key_digest(value_of(one.at(0))) == std::string(view(one.at(1))));
    std::size_t keys = 0;
    for (const json::value& call : all.at("keys").as_array()) {
        KeyBuilder key(view(call.at("prefix")));
        if (const json::value* args = call.as_object().if_contains("args"))
            for (const json::value& one : args->as_array()) key.add(value_of(one));
        if (const json::value* named = call.as_object().if_contains("named"))
            for (const auto& member : named->as_object()) key.add(std::string_view(member.key()), value_of(member.value()));
        CHECK(key.text() == std::string(view(call.at("key"))));
        ++keys;
    }
    CHECK(keys > 20);
}

TEST_CASE("a double is written with the fewest digits that read back as itself") {
    CHECK(larder::canonical_text(333333333.33333329) == "333333333.3333333");
    CHECK(larder::canonical_text(0.1 + 0.2) == "0.30000000000000004");
    CHECK(larder::canonical_text(1e-6) == "0.000001");
    CHECK(larder::canonical_text(-1.25e-7) == "-1.25e-7");
}

TEST_CASE("named arguments make one key in whatever order they come, positional ones do not") {
    CHECK(KeyBuilder("f").add("b", 2).add("a", 1).text() == KeyBuilder("f").add("a", 1).add("b", 2).text());
    CHECK(KeyBuilder("f").add(1).add(2).text() != KeyBuilder("f").add(2).add(1).text());
}

TEST_CASE("a colon within an argument parts no fields") {
    CHECK(KeyBuilder("f").add("a:b").add("c").text() != KeyBuilder("f").add("a").add("b:c").text());
    CHECK(KeyBuilder("f").add("").add("x").text() != KeyBuilder("f").add("x").text());
    CHECK(KeyBuilder("f").add("~").text() != KeyBuilder("f").add("").text());
}

TEST_CASE("what has no canonical text makes no key") {
    CHECK(KeyBuilder("f").add(std::numeric_limits<double>::quiet_NaN()).text() == std::nullopt);
    CHECK(KeyBuilder("f").add(std::numeric_limits<double>::infinity()).text() == std::nullopt);
    CHECK(KeyBuilder("f").add("a", 1).add("a", 1).text() == std::nullopt);
    CHECK(KeyBuilder("f").add(KeyValue::Map{{"a", 1}, {"a", 2}}).text() == std::nullopt);
    CHECK(KeyBuilder("f").add("\xff", 1).text() == std::nullopt);
    for (const std::string_view bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "a\xe2"})
        CHECK(KeyBuilder("f").add(bad).text() == std::nullopt);
    CHECK(larder::canonical_text(nested(64)).has_value());
    CHECK(larder::canonical_text(nested(65)) == std::nullopt);
}

TEST_CASE("the digest is SHA-256 as FIPS 180-4 has it, at every length around a block") {
    CHECK(larder::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(larder::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(larder::sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(larder::sha256_hex(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    // One digest over the digests of 0 to 200 letters, as Python's hashlib makes it.
    std::string all;
    for (std::size_t n = 0; n <= 200; ++n) all += larder::sha256_hex(std::string(n, 'x'));
    CHECK(larder::sha256_hex(all) == "75013a3fd49991ead9d8a57ea80485c088443c3406a0e8fa003ed57144041eb4");
}
