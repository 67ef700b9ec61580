// tests/unit/packing/formats_test.cpp -- what is compressed already is left alone.
#include "kernel/core/figures.hpp"
#include "kernel/core/packed_formats.hpp"
#include "tests/support/corpora.hpp"
#include "tests/support/test_cache.hpp"
#include "tests/unit/packing/real_codecs.hpp"

using namespace larder;
using namespace larder::test;
using namespace std::string_literals;

TEST_CASE("pictures, sound, video, fonts and archives are known by their first bytes, and text is none of them") {
    const std::vector<std::pair<std::string, std::string>> table{
        {"\x1f\x8b\x08\0\0\0\0\0"s, "application/gzip"},
        {"\x28\xb5\x2f\xfd\x04"s, "application/zstd"},
        {"\x78\x9c\x01\x02\x03\x04\x05\x06\x07"s, "application/zlib"},
        {"\x89PNG\r\n\x1a\n...."s, "image/png"},
        {"\xff\xd8\xff\xe0...."s, "image/jpeg"},
        {"GIF89a...."s, "image/gif"},
        {"RIFF\1\2\3\4WEBPVP8 "s, "image/webp"},
        {"\0\0\0\x20"
         "ftypavif"s,
         "image/avif"},
        {"\0\0\0\x20"
         "ftypisom"s,
         "video/mp4"},
        {"\x1a\x45\xdf\xa3...."s, "video/webm"},
        {"OggS...."s, "audio/ogg"},
        {"ID3\4...."s, "audio/mpeg"},
        {"fLaC...."s, "audio/flac"},
        {"wOF2...."s, "font/woff2"},
        {"PK\3\4...."s, "application/zip"},
        {"BZh91AY&SY"s, "application/x-bzip2"},
        {"\xfd"
         "7zXZ\0.."s,
         "application/x-xz"},
        {"RIFF\1\2\3\4WAVEfmt "s, ""},
        {"{\"json\":1}"s, ""},
        {"<svg xmlns"s, ""},
        {"xylophone, plain"s, ""},
        {""s, ""},
        {"\x1f"s, ""},
    };
    for (const auto& [value, type] : table) {
        CAPTURE(value);
        CHECK(packed_format(value) == type);
    }
    // Whatever their length, nothing behind the end is looked at.
    for (const auto& [value, type] : table)
        for (std::size_t n = 0; n < value.size(); ++n) packed_format(std::string(value, 0, n));
}

TEST_CASE("a type fits itself and its family") {
    CHECK(fits_type("image/png", "image/*"));
    CHECK(fits_type("image/png", "image/png"));
    CHECK_FALSE(fits_type("image/png", "image/jpeg"));
    CHECK_FALSE(fits_type("video/mp4", "image/*"));
    CHECK_FALSE(fits_type("", "image/*"));
    CHECK(value_type(" {\"a\":1}") == "application/json");
    CHECK(value_type("<!DOCTYPE html><p>") == "text/html");
    CHECK(value_type("<?xml version=\"1.0\"?>\n<svg>") == "image/svg+xml");
    CHECK(value_type("<?xml version=\"1.0\"?>\n<menu>") == "application/xml");
    CHECK(value_type("plain") == "");
}

TEST_CASE("a value that is compressed already, or of an excepted type, is stored as it is without a trial, and counted") {
    for (const char* codec : {"zstd", "brotli", "auto"}) {
        CAPTURE(codec);
        TestCacheOptions o;
        o.codecs = real_codecs();
        TestCache cache(std::string("larder 1\nnamespace menu { key \"{id}\"; ttl 10m; compress ") + codec + " above 100B except \"text/html\" }\n", std::move(o));
        const std::string zeros(5'000, '\0');
        const std::string picture = "\x89PNG\r\n\x1a\n"s + zeros, page = "<!DOCTYPE html>" + std::string(5'000, 'x');
        REQUIRE(cache.put("menu", "picture", picture) == LARDER_OK);
        REQUIRE(cache.put("menu", "page", page) == LARDER_OK);
        auto figures = cache.cache->figures();
        CHECK(figures.space("menu")->packing.packed_already == 2);
        CHECK(figures.space("menu")->compressed == 0);
        REQUIRE(cache.put("menu", "text", std::string(5'000, 'x')) == LARDER_OK);
        CHECK(cache.cache->figures().space("menu")->compressed == 1);
        CHECK(cache.get("menu", "picture") == picture);
        CHECK(cache.get("menu", "page") == page);
    }
}

TEST_CASE("what does not get smaller is stored as it is, and counted") {
    TestCacheOptions o;
    o.codecs = real_codecs();
    TestCache cache("larder 1\nnamespace menu { key \"{id}\"; ttl 10m; compress zstd }\n", std::move(o));
    const std::string value = noise(5'000, 1, 1).values[0];
    REQUIRE(cache.put("menu", "1", value) == LARDER_OK);
    CHECK(cache.cache->figures().space("menu")->not_smaller == 1);
    CHECK(cache.get("menu", "1") == value);
}
