// tests/unit/loader/quantity_test.cpp -- durations and sizes as people write them.
#include "kernel/loader/quantity.hpp"

#include "tests/catch.hpp"

using namespace larder::loader;

TEST_CASE("a duration is read in nanoseconds", "[loader]") {
    CHECK(duration_ns("500ms") == 500'000'000);
    CHECK(duration_ns("0s") == 0);
    CHECK(duration_ns("30s") == 30'000'000'000);
    CHECK(duration_ns("1h30m") == 5'400'000'000'000);
    CHECK(duration_ns("1w") == 7LL * 24 * 3600 * 1'000'000'000);
    CHECK(duration_ns("1m500ms") == 60'500'000'000);
}

TEST_CASE("what is not a duration is none", "[loader]") {
    for (const char* text : {"", "5", "s", "-5s", "5 s", "5sec", "30m1h", "1s1s", "1.5h", "5s ",
                             "+5s", "16000w", "99999999999999999999s", "1h-1m"}) {
        INFO(text);
        CHECK_FALSE(duration_ns(text).has_value());
    }
}

TEST_CASE("a size is read in bytes, with 1024 and with 1000", "[loader]") {
    CHECK(size_bytes("512B") == 512);
    CHECK(size_bytes("1KiB") == 1024);
    CHECK(size_bytes("1KB") == 1000);
    CHECK(size_bytes("2GiB") == 2147483648LL);
    CHECK(size_bytes("3TB") == 3'000'000'000'000LL);
}

TEST_CASE("what is not a size is none", "[loader]") {
    for (const char* text : {"", "1", "1kb", "1KiB2B", "-1B", "1 B", "B", "9999999999TiB", "1M"}) {
        INFO(text);
        CHECK_FALSE(size_bytes(text).has_value());
    }
}

TEST_CASE("numbers are whole texts", "[loader]") {
    CHECK(whole_number("-8") == -8);
    CHECK_FALSE(whole_number("8x").has_value());
    CHECK_FALSE(whole_number("").has_value());
    CHECK(real_number("0.5") == 0.5);
    CHECK_FALSE(real_number("inf").has_value());
    CHECK_FALSE(real_number("nan").has_value());
}
