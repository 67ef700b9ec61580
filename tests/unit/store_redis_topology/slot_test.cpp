// tests/unit/store_redis_topology/slot_test.cpp -- slots and hash tags, by Redis' own vectors.
#include "plugins/store_redis/slot.hpp"

#include "tests/catch.hpp"

#include <string>

using namespace larder::store_redis;

TEST_CASE("CRC16 is XMODEM's") {
    // The check value of the cluster specification, appendix A, and of the CRC catalogue.
    CHECK(crc16("123456789") == 0x31C3);
    CHECK(crc16("") == 0);
    CHECK(crc16("A") == 0x58E5);
    CHECK(crc16(std::string(1, '\0')) == 0);
    CHECK(crc16("\xff") == 0x1EF0);
}

TEST_CASE("a key is in the slot that CLUSTER KEYSLOT says") {
    // Asked of redis-server 7.0.15.
    CHECK(slot_of("foo") == 12182);
    CHECK(slot_of("bar") == 5061);
    CHECK(slot_of("hello") == 866);
    CHECK(slot_of("somekey") == 11058);
    CHECK(slot_of("foo{hash_tag}") == 2515);
    CHECK(slot_of("") == 0);
}

TEST_CASE("what stands in the first braces chooses the slot, and only if something stands there") {
    CHECK(tag_of("{user1000}.following") == "user1000");
    CHECK(tag_of("foo{}{bar}") == "foo{}{bar}");
    CHECK(tag_of("foo{{bar}}zap") == "{bar");
    CHECK(tag_of("foo{bar}{zap}") == "bar");
    CHECK(tag_of("foo{bar") == "foo{bar");
    CHECK(tag_of("foo}bar{") == "foo}bar{");
    CHECK(tag_of("") == "");
}

TEST_CASE("a value and its lease are in one slot") {
    CHECK(slot_of("larder:v:{menu.item:7}") == slot_of("larder:l:{menu.item:7}"));
    CHECK(slot_of("larder:v:{menu.item:7}") != slot_of("larder:v:{menu.item:8}"));
}
