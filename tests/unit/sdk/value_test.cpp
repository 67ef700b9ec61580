// tests/unit/sdk/value_test.cpp -- values are released once, whoever holds them.
#include "tests/catch.hpp"

#include <larder/plugin/value.hpp>

using namespace larder::plugin;

namespace {

struct CountedPin {
    static inline int unpinned = 0;
    static void unpin(void* pin) noexcept { unpinned += *static_cast<int*>(pin); }
};

}  // namespace

TEST_CASE("a pinned value is unpinned once by whoever holds it last", "[sdk]") {
    CountedPin::unpinned = 0;
    int pin = 1;
    {
        Value value;
        CHECK(Reply(value.out()).pinned<CountedPin>("abc", 3, &pin) == LARDER_OK);
        CHECK(value.text() == "abc");
        Value other = std::move(value);
        CHECK(value.size() == 0);
        Value third;
        third = std::move(other);
        CHECK(third.text() == "abc");
        CHECK(CountedPin::unpinned == 0);
    }
    CHECK(CountedPin::unpinned == 1);
    {
        Value value;
        Reply(value.out()).pinned<CountedPin>("abc", 3, &pin);
        value.out();
        CHECK(CountedPin::unpinned == 2);
    }
    CHECK(CountedPin::unpinned == 2);
}

TEST_CASE("ownership can be given away and taken over", "[sdk]") {
    CountedPin::unpinned = 0;
    int pin = 1;
    Value value;
    Reply(value.out()).pinned<CountedPin>("abc", 3, &pin);
    larder_value raw = value.leave();
    value.reset();
    CHECK(CountedPin::unpinned == 0);
    Value taken(&raw);
    CHECK(raw.release == nullptr);
    taken.reset();
    CHECK(CountedPin::unpinned == 1);
    CHECK(Value(static_cast<larder_value*>(nullptr)).size() == 0);
}

TEST_CASE("owned bytes live on their own, fixed ones need nothing", "[sdk]") {
    Value value(std::string(1000, 'x'));
    CHECK(value.text() == std::string(1000, 'x'));
    Value fixed;
    CHECK(Reply(fixed.out()).fixed("f", 1) == LARDER_OK);
    CHECK(fixed.text() == "f");
    CHECK(Reply::miss() == LARDER_MISS);
    CHECK(Reply::pending() == LARDER_PENDING);
}
