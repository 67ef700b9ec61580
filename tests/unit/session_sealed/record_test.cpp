// tests/unit/session_sealed/record_test.cpp -- what opens, and what does not.
#include "catch.hpp"
#include "plugins/session_sealed/record.hpp"

#include <set>

using namespace larder::session_sealed;

namespace {

Record record() {
    Record out;
    out.created_ms = 1'700'000'000'000;
    out.ends_ms = out.created_ms + 1000;
    out.until_ms = out.created_ms + 500;
    out.idle_ms = 500;
    out.user = "ann o'neill\n";
    out.data = std::string("{\"cart\":[1]}\n\0more", 18);
    return out;
}
const std::string one(32, 'a'), two(32, 'b');

}  // namespace

TEST_CASE("a record opens as it was sealed, in either format") {
    const KeyRing ring(one);
    for (const Format format : {Format::gcm, Format::fernet}) {
        const std::string key = key_of_id("id");
        const Sealed sealed = seal(ring, format, "chat", key, record());
        const auto back = open(ring, "chat", key, sealed.bytes);
        REQUIRE(back);
        CHECK(back->version == sealed.version);
        CHECK(version_of(sealed.bytes) == sealed.version);
        CHECK(back->by_first);
        const Record r = back->record, was = record();
        CHECK(std::tie(r.kind, r.created_ms, r.ends_ms, r.until_ms, r.idle_ms, r.user, r.data) ==
              std::tie(was.kind, was.created_ms, was.ends_ms, was.until_ms, was.idle_ms, was.user, was.data));
    }
}

TEST_CASE("a record opens nowhere but where it was put: not at another key, not as another session") {
    const KeyRing ring(one);
    for (const Format format : {Format::gcm, Format::fernet}) {
        const std::string bytes = seal(ring, format, "chat", key_of_id("a"), record()).bytes;
        CHECK_FALSE(open(ring, "chat", key_of_id("b"), bytes));
        CHECK_FALSE(open(ring, "staff", key_of_id("a"), bytes));
    }
}

TEST_CASE("a record with one byte changed, or cut anywhere, does not open") {
    const KeyRing ring(one);
    const std::string key = key_of_id("a"), bytes = seal(ring, Format::gcm, "chat", key, record()).bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string forged = bytes;
        forged[i] = static_cast<char>(forged[i] ^ 0x40);
        CHECK_FALSE(open(ring, "chat", key, forged));
        CHECK_FALSE(open(ring, "chat", key, bytes.substr(0, i)));
    }
    const std::string token = seal(ring, Format::fernet, "chat", key, record()).bytes;
    for (std::size_t i = record_head; i < token.size(); ++i) {
        std::string forged = token;
        forged[i] = static_cast<char>(forged[i] ^ 0x01);
        if (forged[i] != '=') {
            CHECK_FALSE(open(ring, "chat", key, forged));
        }
        CHECK_FALSE(open(ring, "chat", key, token.substr(0, i)));
    }
}

TEST_CASE("an old key still opens, a key that is lost does not") {
    const std::string key = key_of_id("a");
    for (const Format format : {Format::gcm, Format::fernet}) {
        const std::string bytes = seal(KeyRing(one), format, "chat", key, record()).bytes;
        const auto back = open(KeyRing(two + " " + one), "chat", key, bytes);
        REQUIRE(back);
        CHECK_FALSE(back->by_first);
        CHECK_FALSE(open(KeyRing(two), "chat", key, bytes));
    }
}

TEST_CASE("identifiers have 192 bits and never come twice") {
    std::set<std::string> seen;
    for (int i = 0; i < 10'000; ++i) {
        const std::string id = fresh_id();
        CHECK(id.size() == 32);
        CHECK(from_base64(id).value().size() == 24);
        CHECK(seen.insert(id).second);
    }
}

TEST_CASE("an index is read as it was written, without lines that are none") {
    const Members members{{"i:a", 1, 2, false}, {"i:b", 3, 4, true}};
    const Members back = members_of(written(members) + "i:c x y z\n");
    REQUIRE(back.size() == 2);
    CHECK((back[0].key == "i:a" && back[0].created_ms == 1 && back[0].ends_ms == 2 && !back[0].leaving));
    CHECK(back[1].leaving);
}
